import type { Client, ClientChannel } from 'ssh2'
import { LabError, messageOf } from '../../shared/result.ts'

export interface ShellSize {
  readonly columns: number
  readonly rows: number
}

/** An interactive shell in the guest, on a terminal of its own. */
export interface GuestShell {
  write(text: string): void
  resize(size: ShellSize): void
  /** Stops and resumes reading what the guest prints: a flood stays in the guest until it is wanted. */
  flow(open: boolean): void
  close(): void
}

export interface ShellListener {
  readonly onText: (text: string) => void
  /** Once, with why. */
  readonly onClosed: (why: string) => void
}

/** Opens a shell on an established connection. Rejects with LabError ssh-failed. */
export function openShell(client: Client, size: ShellSize, listener: ShellListener): Promise<GuestShell> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(new LabError({ code: 'ssh-failed', message: `the guest opened no shell: ${messageOf(error)}` }, { cause: error }))
    try {
      client.shell({ term: 'xterm-256color', cols: size.columns, rows: size.rows }, (error, channel) => {
        if (error) failed(error)
        else resolve(shellOn(channel, listener))
      })
    } catch (error) {
      failed(error)
    }
  })
}

function shellOn(channel: ClientChannel, { onText, onClosed }: ShellListener): GuestShell {
  // A character may be cut in two by the packets of ssh.
  const decoder = new TextDecoder()
  const take = (chunk: Buffer): void => onText(decoder.decode(chunk, { stream: true }))
  channel.on('data', take)
  channel.stderr.on('data', take)
  channel.on('error', (error: Error) => onText(`\r\n${error.message}\r\n`))
  channel.on('close', () => onClosed('the shell ended, or its boot did'))
  return {
    write: (text) => {
      channel.write(text)
    },
    resize: ({ columns, rows }) => channel.setWindow(rows, columns, 0, 0),
    flow: (open) => {
      if (open) channel.resume()
      else channel.pause()
    },
    close: () => channel.close(),
  }
}
