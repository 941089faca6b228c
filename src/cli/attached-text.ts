import { join } from 'node:path'
import { claimLines } from '../lab/attach/claim-lines.ts'
import type { AttachableMachine } from '../shared/contract.ts'
import type { Comparison } from '../shared/documents/index.ts'
import { formatSize } from '../shared/units.ts'
import { visible } from '../shared/visible.ts'
import { findingLines, verdictLine } from './run-words.ts'
import type { Terminal } from './terminal.ts'

const COLOURS = { match: 'green', differ: 'red', unobserved: 'yellow', unpredicted: 'dim' } as const
const INDENT = ' '.repeat(12)

/** What a look at somebody else's machine showed: every value, then the verdict. */
export function attachedText(comparison: Comparison, directory: string, terminal: Terminal): string {
  const { summary, findings, environment } = comparison
  const lines = [
    `kernel ${visible(environment.image.kernelVersion)}, QEMU ${environment.qemu.version}, ${environment.accelerator.used}`,
    ...claimLines(comparison).flatMap(({ verdict, subject, seen, more }) => [
      `${terminal.paint(COLOURS[verdict], verdict.padEnd(11))} ${subject}: ${seen}`,
      ...more.map((line) => `${INDENT}${line}`),
    ]),
    verdictLine(summary, terminal.paint),
    ...findingLines(findings, Math.min(terminal.columns, 100)),
    `report: ${join(directory, 'report.html')}`,
  ]
  return `${lines.join('\n')}\n`
}

export function machinesText(machines: readonly AttachableMachine[]): string {
  if (machines.length === 0) return 'No QEMU runs on this host, or none that you may see.\n'
  return machines
    .map(({ pid, name, type, memory, accelerator, kernel, x86, ram, monitors }) =>
      [
        `${String(pid).padStart(7)}  ${name ?? '(no name)'}${x86 ? '' : '  (not x86-64)'}`,
        `machine  ${type ?? 'of a type that the lab does not know'}, ${memory === undefined ? 'memory not known' : formatSize(memory)}, ${accelerator ?? 'accelerator not known'}`,
        `RAM      ${ram.join('; ')}`,
        ...(kernel === undefined ? [] : [`kernel   ${kernel}`]),
        `monitor  ${monitors.length === 0 ? 'none that its arguments name' : monitors.join(', ')}`,
      ]
        .map((line, index) => `${index === 0 ? '' : ' '.repeat(9)}${visible(line)}\n`)
        .join(''),
    )
    .join('')
}
