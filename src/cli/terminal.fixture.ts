import type { Terminal } from './terminal.ts'

/** A terminal that keeps what is written to it. */
export function recordingTerminal({ live }: { readonly live: boolean }): {
  terminal: Terminal
  written: { out: string[]; err: string[] }
} {
  const written: { out: string[]; err: string[] } = { out: [], err: [] }
  const terminal: Terminal = {
    out: (text) => void written.out.push(text),
    err: (text) => void written.err.push(text),
    live,
    columns: 80,
    paint: (_colour, text) => text,
  }
  return { terminal, written }
}
