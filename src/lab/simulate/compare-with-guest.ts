import { makeRunKeys } from '../../guest/image/run-cpio.ts'
import { startMachine } from '../../guest/start-machine.ts'
import { LabError } from '../../shared/result.ts'
import { fromHex } from '../../shared/units.ts'
import { initrdOf, imagesOf } from '../kernels.ts'
import { experimentOfText } from '../experiment-shelf.ts'
import { walkGuest } from './guest-pages.ts'
import type { PhysRange } from './observed-run.ts'
import { comparePages, type StepComparison } from './page-comparison.ts'

export interface CompareOptions {
  /** Bytes of RAM. */
  readonly memory: number
  readonly signal?: AbortSignal
  readonly onStep?: (words: string) => void
}

/** One processor, so that only one set of per-CPU lists stands between khoprobe and the buddy allocator. */
const CPUS = 1
/** As the lab starts guests under TCG (command-line.ts): on a busy host the check of the timer would make the kernel panic. */
const CMDLINE = 'console=ttyS0 panic=-1 no_timer_check kho=on'

/**
 * Boots a guest, lets khoprobe allocate and free in it, does the same in the page model from the guest's own start, and says
 * what each step changed here and there. Rejects with LabError image-missing, or as a guest that fails does.
 */
export async function compareWithGuest({ memory, signal, onStep }: CompareOptions): Promise<readonly StepComparison[]> {
  const [image] = await imagesOf(experimentOfText('name: pages'), { signal })
  if (image === undefined) throw new LabError({ code: 'internal', message: 'an experiment without a kernel' })
  const keys = makeRunKeys()
  const machine = await startMachine(
    {
      type: 'q35',
      memory,
      cpus: CPUS,
      nodes: [{ memory }],
      kernel: image.kernel,
      initrd: await initrdOf(image, keys.cpio, 0),
      cmdline: CMDLINE,
      accelerator: 'tcg',
      keys,
    },
    signal === undefined ? {} : { signal },
  )
  try {
    await machine.waitForBoot()
    const snapshots = await walkGuest(machine, onStep)
    return comparePages(snapshots, machine.memory.ranges, await scratchOf(machine))
  } finally {
    await machine.stop({ powerdown: false })
  }
}

const SCRATCH_FILES = 'cd /sys/kernel/debug/kho/out && cat scratch_phys && echo / && cat scratch_len'

/** Scratch regions in bytes. */
async function scratchOf(machine: Awaited<ReturnType<typeof startMachine>>): Promise<PhysRange[]> {
  const { stdout, code, stderr } = await machine.exec(SCRATCH_FILES)
  if (code !== 0) throw new LabError({ code: 'kho-absent', message: 'the guest shows no scratch', evidence: [stderr.trim()] })
  const [starts = [], sizes = []] = stdout
    .toString('utf8')
    .split('/')
    .map((part) =>
      part
        .trim()
        .split(/\s+/)
        .map((text) => fromHex(text)),
    )
  return starts.map((start, index) => ({ start, end: start + (sizes[index] ?? 0) }))
}
