import type { QemuProcess } from './qemu/process.ts'
import type { QmpClient } from './qemu/qmp.ts'

export interface Stopped {
  /** The step after which QEMU was gone. */
  readonly by: 'itself' | 'powerdown' | 'quit' | 'SIGTERM' | 'SIGKILL'
  readonly ms: number
}

interface Step {
  readonly by: Stopped['by']
  readonly ms: number
  readonly act: () => unknown
}

/** Asks ever less politely until QEMU is gone: at most 8 s in all. `powerOff` is left out when the guest has nothing to save. */
export async function stopQemu(process: QemuProcess, qmp: QmpClient, powerOff?: () => Promise<unknown>): Promise<Stopped> {
  const start = performance.now()
  const steps: Step[] = [
    { by: 'itself', ms: 0, act: () => undefined },
    ...(powerOff ? [{ by: 'powerdown', ms: 3000, act: powerOff } as const] : []),
    { by: 'quit', ms: 2000, act: () => qmp.execute('quit', {}, 2000) },
    { by: 'SIGTERM', ms: 1500, act: () => process.kill('SIGTERM') },
    { by: 'SIGKILL', ms: 1500, act: () => process.kill('SIGKILL') },
  ]
  for (const step of steps) {
    if (await gone(process, step)) return { by: step.by, ms: performance.now() - start }
  }
  throw new Error(`QEMU (process ${process.pid}) does not end, not even by SIGKILL`)
}

async function gone(process: QemuProcess, { ms, act }: Step): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  // What a step answers does not matter, and it may well fail: only the end of the process counts.
  void Promise.allSettled([Promise.resolve().then(act)])
  try {
    return await Promise.race([process.exited.then(() => true as const), promise])
  } finally {
    clearTimeout(timer)
  }
}
