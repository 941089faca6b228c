import type { PhysMemory } from '../shared/phys-memory.ts'
import { insideRam } from '../shared/phys-memory.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { PAGE_SIZE, hex, physAddr, type PhysAddr } from '../shared/units.ts'
import { u64Number, viewOf } from './bytes.ts'
import { orderBytes } from './preserve.ts'

/** sizeof(struct kho_vmalloc), include/linux/kho/abi/kexec_handover.h (6.18 and later). */
export const KHO_VMALLOC_SIZE = 16
/** Addresses that one struct kho_vmalloc_chunk holds; a full chunk is always followed by another, which may be empty. */
export const VMALLOC_CHUNK_ENTRIES = 511
/** More pages than any guest of the lab has (2^26 pages are 256 GiB): a total beyond is not believed. */
const MAX_PAGES = 2 ** 26
const MAX_ORDER = 18

/** struct kho_vmalloc: an area of vmalloc address space and where its pages are listed. */
export interface KhoVmalloc {
  readonly first: PhysAddr
  readonly totalPages: number
  /** Bit 0 VM_ALLOC, bit 1 VM_ALLOW_HUGE_VMAP. */
  readonly flags: number
  /** Of each address in the chunks: 2^order pages. */
  readonly order: number
}

/** The pages of a preserved vmalloc area, in the order in which they are mapped. */
export interface VmallocPages {
  readonly chunks: readonly PhysAddr[]
  /** Each stands for 2^order pages. */
  readonly pages: readonly PhysAddr[]
  readonly order: number
}

export function decodeKhoVmalloc(bytes: Uint8Array): Result<KhoVmalloc> {
  if (bytes.length < KHO_VMALLOC_SIZE) return err(`a kho_vmalloc has ${bytes.length} of ${KHO_VMALLOC_SIZE} bytes`)
  const view = viewOf(bytes)
  const first = u64Number(view, 0)
  if (first === undefined) return err('the first chunk of a kho_vmalloc lies at 2^52 or more')
  return ok({
    first: physAddr(first),
    totalPages: view.getUint32(8, true),
    flags: view.getUint16(12, true),
    order: view.getUint16(14, true),
  })
}

/**
 * Walks the chunks as kho_restore_vmalloc() (kernel/liveupdate/kexec_handover.c, 7.3) does: addresses up to the first zero of
 * each chunk. Refuses what that function cannot serve: another number of pages than the area has, pages outside RAM, a cycle.
 */
export function readVmallocPages(memory: PhysMemory, area: KhoVmalloc): Result<VmallocPages> {
  if (area.order > MAX_ORDER) return err(`a kho_vmalloc says order ${area.order}`)
  const wanted = area.totalPages / 2 ** area.order
  if (area.totalPages > MAX_PAGES || !Number.isInteger(wanted))
    return err(`a kho_vmalloc says ${area.totalPages} pages in units of order ${area.order}`)
  const pages: PhysAddr[] = []
  const chunks = new Set<PhysAddr>()
  for (let at: number = area.first; at !== 0;) {
    if (chunks.has(physAddr(at))) return err(`the vmalloc chunks come back to ${hex(at)}`)
    const next = readChunk(memory, at, area.order, pages)
    if (!next.ok) return next
    chunks.add(physAddr(at))
    if (pages.length > wanted) return err(`the vmalloc chunks list more than the area's ${area.totalPages} pages`)
    if (chunks.size > wanted / VMALLOC_CHUNK_ENTRIES + 1) return err(`the vmalloc chunks are more than ${wanted} addresses need`)
    at = next.value
  }
  if (pages.length !== wanted) return err(`the vmalloc chunks list ${pages.length} addresses instead of ${wanted}`)
  return ok({ chunks: [...chunks], pages, order: area.order })
}

/** Appends the addresses of one chunk to `pages`; answers where the next one is. */
function readChunk(memory: PhysMemory, at: number, order: number, pages: PhysAddr[]): Result<number> {
  const page = at % PAGE_SIZE === 0 ? memory.read(at, PAGE_SIZE) : undefined
  if (page === undefined) return err(`a vmalloc chunk lies at ${hex(at)}, which is no page of RAM`)
  const view = viewOf(page)
  const next = u64Number(view, 0)
  if (next === undefined) return err(`the vmalloc chunk at ${hex(at)} points to 2^52 or more`)
  for (let index = 1; index <= VMALLOC_CHUNK_ENTRIES; index++) {
    const address = u64Number(view, 8 * index)
    if (address === 0) break
    if (address === undefined || address % PAGE_SIZE !== 0 || !insideRam(memory, address, orderBytes(order)))
      return err(`the vmalloc chunk at ${hex(at)} lists a page that is not in RAM`)
    pages.push(physAddr(address))
  }
  return ok(next)
}
