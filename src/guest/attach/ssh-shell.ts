import { spawn } from 'node:child_process'
import { LabError, messageOf } from '../../shared/result.ts'

/** How to log in to a guest that is somebody else's: as the user's own ssh does, with their configuration, agent and known hosts. */
export interface SshTarget {
  /** `root@host`, or a name from ~/.ssh/config. */
  readonly destination: string
  readonly port?: number | undefined
  readonly identity?: string | undefined
  /** Instead of ~/.ssh/config. */
  readonly config?: string | undefined
}

const TIMEOUT_MS = 60_000
const OUTPUT_LIMIT = 256 * 1024 * 1024

/**
 * Runs a script in the guest's sh and answers what it printed. Nothing is asked at a prompt. Rejects with LabError
 * ssh-failed, with ssh's own words, or cancelled.
 */
export async function runOverSsh(target: SshTarget, script: string, signal?: AbortSignal): Promise<Buffer> {
  const child = spawn('ssh', sshArguments(target), { stdio: ['pipe', 'pipe', 'pipe'], signal, timeout: TIMEOUT_MS })
  const out: Buffer[] = []
  let size = 0
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > OUTPUT_LIMIT) child.kill()
    else out.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => (err = `${err}${chunk.toString('utf8')}`.slice(-4000)))
  // A login that fails closes stdin before the script is in; its words are on stderr.
  child.stdin.on('error', () => undefined)
  child.stdin.end(script)
  const code = await new Promise<number | undefined>((resolve, reject) => {
    child.once('error', (error) => reject(signal?.aborted === true ? error : sshFailed(messageOf(error), [])))
    child.once('close', (status) => resolve(status ?? undefined))
  })
  if (size > OUTPUT_LIMIT) throw sshFailed(`the guest printed more than ${OUTPUT_LIMIT} bytes`, [])
  if (code === 0) return Buffer.concat(out)
  const words = err.split('\n').filter((line) => line.trim() !== '')
  // ssh that is told to end exits with 255, as if the connection had failed.
  if (child.killed) throw sshFailed(`no answer within ${TIMEOUT_MS / 1000} s`, words)
  throw sshFailed(words.at(-1)?.trim() ?? `ssh ended ${code === undefined ? 'by a signal' : `with ${code}`}`, words)
}

/** Throws LabError usage for a destination that ssh would read as an option. */
export function sshArguments({ destination, port, identity, config }: SshTarget): string[] {
  if (destination.startsWith('-') || destination === '')
    throw new LabError({
      code: 'usage',
      message: `not a destination for ssh: ${destination}`,
      hint: 'Write root@HOST, or a name from your ~/.ssh/config.',
    })
  return [
    '-T',
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=10',
    ...(port === undefined ? [] : ['-p', `${port}`]),
    ...(config === undefined ? [] : ['-F', config]),
    ...(identity === undefined ? [] : ['-i', identity]),
    '--',
    destination,
    'LC_ALL=C sh -s',
  ]
}

const sshFailed = (why: string, evidence: readonly string[]): LabError =>
  new LabError({
    code: 'ssh-failed',
    message: `the guest cannot be asked by ssh: ${why}`,
    hint: 'The same must work by hand: ssh -o BatchMode=yes DESTINATION true. Without --ssh its RAM alone is read.',
    evidence: evidence.slice(-5),
  })
