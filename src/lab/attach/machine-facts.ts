import { readFile, stat } from 'node:fs/promises'
import { uptime } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { FoundQemu } from '../../guest/attach/discover.ts'
import { identityOf } from '../../guest/qemu/identity.ts'
import type { AttachedMachine } from '../../model/attached.ts'
import type { Experiment } from '../../shared/documents/index.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { bytes } from '../../shared/units.ts'
import { factsOfFiles } from '../kernels.ts'

/** What the process's arguments say about its machine. Only files that they name are read, nothing of the guest. */
export async function machineFacts(qemu: FoundQemu | undefined, guestAnswers: boolean): Promise<AttachedMachine> {
  if (qemu === undefined)
    return {
      machine: undefined,
      boot: { unknown: 'the arguments of this QEMU are not known' },
      accelerator: 'auto',
      guestAnswers,
    }
  return {
    machine: machineOf(qemu),
    boot: await bootOf(qemu),
    accelerator: qemu.arguments.accelerator ?? 'auto',
    guestAnswers,
  }
}

function machineOf({ arguments: { type, memory, cpus, nodes, unusual } }: FoundQemu): Experiment['machine'] | undefined {
  if (type === undefined || memory === undefined || cpus === undefined || unusual !== undefined) return undefined
  const sizes = nodes.length === 0 ? [memory] : nodes.map((node) => node.memory)
  const known = sizes.filter((size) => size !== undefined)
  if (known.length !== sizes.length || known.reduce((sum, size) => sum + size, 0) !== memory) return undefined
  return { type, memory: bytes(memory), cpus, nodes: known.map((size) => ({ memory: bytes(size) })) }
}

async function bootOf(qemu: FoundQemu): Promise<AttachedMachine['boot']> {
  const { kernel, initrd, append = '' } = qemu.arguments
  if (kernel === undefined) return { unknown: 'the arguments name no kernel: what the machine boots is on its disks' }
  try {
    const files = [kernel, ...(initrd === undefined ? [] : [initrd])].map((file) => pathOf(qemu, file))
    const started = await startedAt(qemu.pid)
    for (const file of files) {
      if ((await stat(file)).mtimeMs > started) return { unknown: `${file} has changed since the machine started` }
    }
    const [image = '', cpio] = files
    return {
      kernel: factsOfFiles(image, await readFile(image), cpio === undefined ? 0 : (await stat(cpio)).size),
      cmdline: append,
    }
  } catch (error) {
    if (!(error instanceof LabError) && !(error instanceof Error && 'code' in error)) throw error
    return { unknown: `the kernel that the arguments name cannot be used: ${messageOf(error)}` }
  }
}

/** As QEMU's own working directory has it. */
const pathOf = ({ pid }: FoundQemu, file: string): string => (isAbsolute(file) ? file : join(`/proc/${pid}/cwd`, file))

/** USER_HZ is 100 on x86-64. A second is left for the grain of both clocks. */
async function startedAt(pid: number): Promise<number> {
  const identity = await identityOf(pid, '')
  const ticks = Number(identity?.startTime ?? 0)
  return Date.now() - (uptime() - ticks / 100) * 1000 + 1000
}
