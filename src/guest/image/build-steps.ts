import { listKeys, readPart } from './cache.ts'
import { KernelPart } from './kernel-build.ts'
import type { KernelWish } from './parts.ts'
import type { Step } from './progress.ts'

/** The steps that an image takes when none of its parts is there. */
export function stepsFor(wish: KernelWish): readonly Step[] {
  const initramfs = { name: 'initramfs', seconds: 10 }
  if (wish.kind === 'bzImage') return [initramfs]
  return [
    initramfs,
    { name: 'resolve', seconds: 3 },
    { name: 'download', seconds: 10 },
    { name: 'unpack', seconds: 20 },
    { name: 'configure', seconds: 8 },
    { name: 'compile', seconds: wish.row.expected.buildSeconds },
    ...(wish.row.selftests ? [{ name: 'selftests', seconds: 60 }] : []),
    { name: 'modules', seconds: 30 },
  ]
}

/** What this machine needed the last time is a better estimate than the row's. */
export async function withMeasuredExpectation(root: string, wish: KernelWish): Promise<KernelWish> {
  if (wish.kind === 'bzImage') return wish
  for (const key of await listKeys(root, 'kernels')) {
    const measured = readPart(root, 'kernels', key, KernelPart)?.measured
    if (measured)
      return {
        ...wish,
        row: { ...wish.row, expected: { buildLines: measured.buildLines, buildSeconds: Math.ceil(measured.buildSeconds) } },
      }
  }
  return wish
}
