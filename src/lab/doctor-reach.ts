import { readFile } from 'node:fs/promises'
import type { Diagnosis } from '../shared/contract.ts'
import { findChromium } from './pdf.ts'

type Finding = Pick<Diagnosis, 'state' | 'detail' | 'fix'>

/** Whether reports can become PDF where Electron does not do it. */
export async function checkPdf(path: string | undefined): Promise<Finding> {
  const chromium = await findChromium(path)
  return chromium === undefined
    ? {
        state: 'warning',
        detail: 'no Chromium: the command and the browser host make no PDF; the app does',
        fix: 'apt-get install -y --no-install-recommends chromium',
      }
    : { state: 'ok', detail: `made by ${chromium}` }
}

const SCOPE = '/proc/sys/kernel/yama/ptrace_scope'

/** Whether RAM of a QEMU that the lab did not start can be read where it is no shared file (ptrace_scope, Yama). */
export async function checkAttach(uid = process.getuid?.(), file = SCOPE): Promise<Finding> {
  // A kernel without Yama has no such file, and no such limit.
  const scope = Number((await readFile(file, 'utf8').catch(() => '0')).trim())
  if (scope === 0) return { state: 'ok', detail: 'every QEMU of this user' }
  if (scope < 3 && uid === 0) return { state: 'ok', detail: 'every QEMU, as root' }
  return {
    state: 'warning',
    detail: `kernel.yama.ptrace_scope is ${scope}: /proc/PID/mem cannot be read, a shared file or memfd can, and a free monitor can be asked`,
    fix:
      scope < 3
        ? 'Attach as root, or: sysctl kernel.yama.ptrace_scope=0'
        : 'Give the machine a shared memory backend, or attach with --qmp.',
  }
}
