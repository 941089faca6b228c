import { arch, cpus, release, totalmem } from 'node:os'
import type { Machine } from '../../guest/machine.ts'
import type { GuestImage } from '../../guest/types.ts'
import type { RunEnvironment } from '../../shared/documents/index.ts'
import { documentSha256 } from '../predict.ts'

export interface EnvironmentParts {
  readonly startedAt: string
  readonly endedAt: string
  readonly labVersion: string
  readonly accelerator: RunEnvironment['accelerator']
  readonly image: GuestImage
  /** Absent when QEMU did not start. */
  readonly machine?: Pick<Machine, 'qemuVersion' | 'qemuBinary' | 'argv'> | undefined
}

/** Where a run took place: everything that somebody needs to repeat it. */
export function environmentOf({ startedAt, endedAt, labVersion, accelerator, image, machine }: EnvironmentParts): RunEnvironment {
  const processors = cpus()
  return {
    startedAt,
    endedAt,
    lab: { version: labVersion, node: process.version },
    host: { kernel: release(), cpuModel: processors[0]?.model.trim() ?? arch(), cpus: processors.length, memory: totalmem() },
    qemu:
      machine === undefined
        ? { version: 'not started', binary: '', argv: [] }
        : { version: machine.qemuVersion, binary: machine.qemuBinary, argv: [...machine.argv] },
    accelerator: { used: accelerator.used, why: accelerator.why },
    image: {
      id: image.manifest.id,
      kernelPackage: image.manifest.source,
      kernelVersion: image.manifest.kernelRelease,
      manifestSha256: documentSha256(image.manifest),
    },
  }
}
