import { constants } from 'node:fs'
import { access, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../shared/result.ts'
import { defaultCacheRoot } from '../image/cache.ts'
import { probeArgv } from './argv.ts'
import { hostBootId } from './identity.ts'
import { findQemu, startQemu } from './process.ts'

export const Accelerator = z.object({ used: z.enum(['kvm', 'tcg']), why: z.string() })
export type Accelerator = z.infer<typeof Accelerator>

export interface ProbeOptions {
  /** A bzImage that speaks on ttyS0. */
  readonly kernel: string
  readonly qemu?: string
  /** How long a guest may take to its first byte. Default 5 s; a working KVM needs a fraction of one. */
  readonly boundMs?: number
  /** Where answers are kept; default the lab's cache directory. */
  readonly cacheDirectory?: string
  readonly signal?: AbortSignal
  /** Default /dev/kvm. */
  readonly device?: string
}

const PROBE_MS = 5000
const Answer = Accelerator.extend({ key: z.string() })

/**
 * Which accelerator to use. `kvm` and `tcg` are taken at their word. `auto` believes in KVM only when a guest has really
 * spoken under it: on some hosts /dev/kvm opens, creates machines and CPUs, and no guest ever runs. The answer holds for
 * one boot of the host and one QEMU binary, and is kept for as long.
 */
export async function chooseAccelerator(wanted: 'auto' | 'kvm' | 'tcg', options: ProbeOptions): Promise<Accelerator> {
  if (wanted !== 'auto') return { used: wanted, why: 'the experiment asks for it' }
  const device = options.device ?? '/dev/kvm'
  const reason = await unusable(device)
  if (reason) return { used: 'tcg', why: reason }
  const qemu = await findQemu(options.qemu)
  const file = join(options.cacheDirectory ?? defaultCacheRoot(), 'accelerator.json')
  const { size, mtimeMs } = await stat(qemu)
  const key = `${await hostBootId()} ${qemu} ${size} ${mtimeMs}`
  const kept = await remembered(file, key)
  if (kept) return kept
  options.signal?.throwIfAborted()
  const failure = await probeKvm(qemu, options)
  options.signal?.throwIfAborted()
  const answer: Accelerator =
    failure === undefined ? { used: 'kvm', why: 'a guest spoke under KVM' } : { used: 'tcg', why: `KVM is there, but ${failure}` }
  await remember(file, { ...answer, key })
  return answer
}

async function unusable(device: string): Promise<string | undefined> {
  try {
    await access(device, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return messageOf(error).startsWith('EACCES') ? `${device} may not be used by this user` : `this host has no ${device}`
  }
}

async function remembered(file: string, key: string): Promise<Accelerator | undefined> {
  try {
    const answer = Answer.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return answer.success && answer.data.key === key ? { used: answer.data.used, why: answer.data.why } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || messageOf(error).startsWith('ENOENT')) return undefined
    throw error
  }
}

/** A convenience: where it cannot be kept, the next run probes again. */
async function remember(file: string, answer: z.infer<typeof Answer>): Promise<void> {
  const draft = `${file}.${process.pid}`
  await Promise.allSettled([
    mkdir(join(file, '..'), { recursive: true })
      .then(() => writeFile(draft, `${JSON.stringify(answer)}\n`))
      .then(() => rename(draft, file)),
  ])
}

/** Boots the kernel under KVM, without any root file system, until its first byte. Returns why not, or undefined. */
async function probeKvm(qemu: string, { kernel, boundMs = PROBE_MS, signal }: ProbeOptions): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const { process } = await startQemu(qemu, probeArgv(kernel), { onStdout: () => resolve(undefined) })
  const timer = setTimeout(() => resolve(`a guest under it said nothing for ${boundMs / 1000} s`), boundMs)
  const abort = (): void => resolve('the probe was cancelled')
  signal?.addEventListener('abort', abort, { once: true })
  void process.exited.then(() => resolve(`QEMU ended under it: ${process.stderr().at(-1) ?? 'without a word'}`))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    process.kill('SIGKILL')
    await process.exited
  }
}
