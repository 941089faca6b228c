import { notSeen, seen, type GuestView, type HostView } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { MiB, fromHex, hex } from '../../shared/units.ts'

const BEGIN = Buffer.from('Linux version ')
const LONGEST = 512
const SEARCH_LIMIT = 256 * MiB
const KERNEL_PARTS: readonly string[] = ['Kernel rodata', 'Kernel code', 'Kernel data']

/**
 * The running kernel's linux_banner[] (init/version-timestamp.c): the string that begins with "Linux version " and a
 * digit, in the parts of RAM that the guest's /proc/iomem calls the kernel. A copy elsewhere belongs to another kernel.
 */
export function findBanner(memory: PhysMemory, iomem: GuestView['iomem']): HostView['banner'] {
  if (!iomem.ok) return notSeen(`/proc/iomem does not say where the kernel lies: ${iomem.reason}`)
  const parts = KERNEL_PARTS.flatMap((name) => iomem.value.filter((entry) => entry.name === name))
  for (const part of parts) {
    const start = fromHex(part.start)
    const bytes = memory.read(start, Math.min(fromHex(part.end) - start, SEARCH_LIMIT))
    if (bytes === undefined) continue
    const found = bannerIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    if (found !== undefined) return seen({ address: hex(start + found.offset), text: found.text })
  }
  return notSeen(
    parts.length === 0 ? '/proc/iomem names no part of the kernel' : 'the kernel in guest RAM has no linux_banner string',
  )
}

/** The first string of that form at `from` or behind it. */
export function bannerIn(bytes: Buffer, from = 0): { readonly offset: number; readonly text: string } | undefined {
  for (let offset = bytes.indexOf(BEGIN, from); offset !== -1; offset = bytes.indexOf(BEGIN, offset + 1)) {
    const text = /^Linux version \d[\x20-\x7e]*/.exec(bytes.toString('latin1', offset, offset + LONGEST))?.[0]
    if (text !== undefined) return { offset, text }
  }
  return undefined
}
