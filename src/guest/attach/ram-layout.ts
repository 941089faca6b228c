import { z } from 'zod'
import { LabError } from '../../shared/result.ts'
import { type RamBlock, parseMtree } from '../observe/mtree.ts'
import type { QemuArguments } from './qemu-arguments.ts'
import type { ReadingMonitor } from './monitor.ts'

const Backends = z.array(z.object({ id: z.string() }))

/** Where RAM lies, as QEMU says. Rejects with LabError ram-unreadable when it says nothing that can be used. */
export async function layoutByMonitor(monitor: ReadingMonitor): Promise<readonly RamBlock[]> {
  const [devices, text] = await Promise.all([monitor.execute('query-memdev'), monitor.human('info mtree -f')])
  const backends = Backends.safeParse(devices)
  const blocks = parseMtree(text, new Set(backends.success ? backends.data.map(({ id }) => id) : []))
  if (blocks.ok) return blocks.value
  throw new LabError({ code: 'ram-unreadable', message: `QEMU does not say where RAM lies: ${blocks.error}` })
}

/** The id that QEMU gives the backend of a machine for which none is named (default_ram_id, hw/i386/pc.c). */
const DEFAULT_BACKEND = 'pc.ram'

/**
 * The same without a monitor: nodes fill the spans of RAM one after the other, as pc_memory_init() (hw/i386/pc.c) and
 * numa_init_memdev_container() (hw/core/numa.c) lay them out. `spansOf` is the machine's rule.
 */
export function layoutByArguments(
  { type, memory, nodes, mainBackend, unusual }: QemuArguments,
  spansOf: (type: 'q35' | 'pc', memory: number) => readonly { readonly start: number; readonly end: number }[],
): readonly RamBlock[] {
  const parts =
    nodes.length === 0 || nodes.every(({ backend }) => backend === undefined)
      ? [{ backend: mainBackend ?? DEFAULT_BACKEND, memory }]
      : nodes.filter((node) => node.memory !== 0)
  const total = parts.reduce((sum, part) => sum + (part.memory ?? Number.NaN), 0)
  if (type === undefined || unusual !== undefined || !Number.isSafeInteger(total))
    throw new LabError({
      code: 'ram-unreadable',
      message: `where RAM lies does not follow from QEMU's arguments: ${unusual ?? 'the machine type or a size is not known'}`,
      hint: 'Name a free QMP socket with --qmp: QEMU then says it.',
    })
  const blocks: RamBlock[] = []
  const rest = parts.map((part) => ({ backend: part.backend ?? '', left: part.memory ?? 0, offset: 0 }))
  for (const span of spansOf(type, total)) {
    let { start } = span
    for (const part of rest) {
      const length = Math.min(part.left, span.end - start)
      if (length === 0) continue
      blocks.push({ start, end: start + length, backend: part.backend, offset: part.offset })
      start += length
      part.left -= length
      part.offset += length
    }
  }
  return blocks
}
