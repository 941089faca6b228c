import type { PhysMemory } from '../shared/phys-memory.ts'
import { insideRam } from '../shared/phys-memory.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { PAGE_SHIFT, PAGE_SIZE, hex, physAddr, type PhysAddr } from '../shared/units.ts'
import { u64Number, viewOf } from './bytes.ts'
import { KHO_VMALLOC_SIZE, decodeKhoVmalloc, readVmallocPages, type KhoVmalloc, type VmallocPages } from './kho-vmalloc.ts'

/**
 * A memfd as 7.1 to 7.3 hand it over, `memfd-v2` (include/linux/kho/abi/memfd.h): sizeof(struct memfd_luo_ser) and
 * sizeof(struct memfd_luo_folio_ser).
 */
const MEMFD_SIZE = 48
const MEMFD_FOLIO_SIZE = 16
/** The low 52 bits of the first word are the pfn, the rest flags. */
const PFN_BITS = 52n

export interface MemfdState {
  /** f_pos and i_size, in bytes. */
  readonly position: number
  readonly size: number
  /** F_SEAL_* as in fcntl(2). */
  readonly seals: number
  readonly flags: number
  readonly folioCount: number
  readonly folios: KhoVmalloc
}

export interface MemfdFolio {
  readonly address: PhysAddr
  readonly dirty: boolean
  readonly uptodate: boolean
  /** Page offset in the file. */
  readonly index: number
}

export interface Memfd {
  readonly state: MemfdState
  /** Ascending by index, as memfd_pin_folios() gives them. */
  readonly folios: readonly MemfdFolio[]
  /** The array of folios: an area of vmalloc address space. Undefined for an empty file, which has none. */
  readonly array: VmallocPages | undefined
}

export function decodeMemfdState(bytes: Uint8Array): Result<MemfdState> {
  if (bytes.length < MEMFD_SIZE) return err(`a memfd_luo_ser has ${bytes.length} of ${MEMFD_SIZE} bytes`)
  const view = viewOf(bytes)
  const [position, size, folioCount] = [u64Number(view, 0), u64Number(view, 8), u64Number(view, 24)]
  if (position === undefined || size === undefined || folioCount === undefined)
    return err('a memfd_luo_ser has a position, size or number of folios of 2^52 or more')
  const folios = decodeKhoVmalloc(bytes.subarray(32, 32 + KHO_VMALLOC_SIZE))
  if (!folios.ok) return folios
  return ok({
    position,
    size,
    seals: view.getUint32(16, true),
    flags: view.getUint32(20, true),
    folioCount,
    folios: folios.value,
  })
}

/**
 * The memfd whose struct memfd_luo_ser lies at `address`, with all its folios, as memfd_luo_retrieve() (mm/memfd_luo.c, 7.3)
 * reads it. Refuses more folios than the file has pages, and any folio outside RAM or twice at one index.
 */
export function readMemfd(memory: PhysMemory, address: number): Result<Memfd> {
  const bytes = address % PAGE_SIZE === 0 ? memory.read(address, MEMFD_SIZE) : undefined
  if (bytes === undefined) return err(`a memfd_luo_ser lies at ${hex(address)}, which is no page of RAM`)
  const state = decodeMemfdState(bytes)
  if (!state.ok) return state
  const { size, folioCount, folios: area } = state.value
  if (folioCount > Math.ceil(size / PAGE_SIZE)) return err(`a memfd of ${size} bytes says ${folioCount} folios`)
  if (folioCount === 0) return ok({ state: state.value, folios: [], array: undefined })
  const array = readVmallocPages(memory, area)
  if (!array.ok) return array
  const folios = readFolios(memory, array.value, folioCount)
  return folios.ok ? ok({ state: state.value, folios: folios.value, array: array.value }) : folios
}

function readFolios(memory: PhysMemory, { pages, order }: VmallocPages, count: number): Result<MemfdFolio[]> {
  const perPage = (PAGE_SIZE * 2 ** order) / MEMFD_FOLIO_SIZE
  if (count > pages.length * perPage) return err(`${count} folios do not fit into the ${pages.length} pages of their array`)
  const folios: MemfdFolio[] = []
  for (let at = 0; at < count; at++) {
    const start = pages[Math.floor(at / perPage)] ?? 0
    const entry = memory.read(start + (at % perPage) * MEMFD_FOLIO_SIZE, MEMFD_FOLIO_SIZE)
    const folio = entry === undefined ? err('outside RAM') : decodeFolio(memory, entry)
    if (!folio.ok) return err(`folio ${at} of a memfd: ${folio.error}`)
    const previous = folios.at(-1)
    if (previous !== undefined && folio.value.index <= previous.index)
      return err(`folio ${at} of a memfd has index ${folio.value.index} after ${previous.index}`)
    folios.push(folio.value)
  }
  return ok(folios)
}

function decodeFolio(memory: PhysMemory, entry: Uint8Array): Result<MemfdFolio> {
  const view = viewOf(entry)
  const word = view.getBigUint64(0, true)
  const pfn = Number(word & ((1n << PFN_BITS) - 1n))
  const flags = Number(word >> PFN_BITS)
  const index = u64Number(view, 8)
  const address = pfn * 2 ** PAGE_SHIFT
  if (index === undefined) return err('its index is 2^52 or more')
  if (!insideRam(memory, address, PAGE_SIZE)) return err(`its page frame ${hex(pfn)} is not in RAM`)
  return ok({ address: physAddr(address), dirty: flags % 2 === 1, uptodate: Math.floor(flags / 2) % 2 === 1, index })
}
