import { notSeen, seen, type HostView, type IomemEntry, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, fromHex, hex } from '../../shared/units.ts'

/** Variables of the kernel that say what KASLR drew; all are in System.map. */
const ADDRESS_SPACE_SYMBOLS = [
  '_text',
  'page_offset_base',
  'vmemmap_base',
  'pcpu_base_addr',
  'pcpu_unit_offsets',
  '__per_cpu_start',
  '_cea_offset',
] as const

const TOTAL_RAM = '_totalram_pages'
/** All symbols that are asked of a System.map. */
export const OBSERVED_SYMBOLS: readonly string[] = [...ADDRESS_SPACE_SYMBOLS, TOTAL_RAM, 'init_top_pgt']

/** Link addresses by symbol, from the System.map of the kernel that runs; undefined when the lab has none. */
export type KernelSymbols = Readonly<Record<string, string>> | undefined

const WORD = 8
const MASK = (1n << 64n) - 1n

/**
 * page_offset_base and vmemmap_base (arch/x86/kernel/head64.c, 7.3) and _cea_offset of each CPU (arch/x86/mm/cpu_entry_area.c,
 * 7.3), read in guest RAM. The kernel image lies in one piece from where /proc/iomem shows its code, so a symbol's place follows
 * from that and System.map; percpu variables lie in the direct map (mm/percpu.c). Nothing here is trusted: what is not in RAM is
 * not seen.
 */
export function readAddressSpace(
  memory: PhysMemory,
  iomem: Reading<readonly IomemEntry[]>,
  symbols: KernelSymbols,
  cpus: number,
): NonNullable<HostView['addressSpace']> {
  if (!iomem.ok) return iomem
  const code = iomem.value.find(({ name }) => name === 'Kernel code')
  if (code === undefined) return notSeen('/proc/iomem has no "Kernel code"')
  if (symbols === undefined) return notSeen('there is no System.map of this kernel')
  const missing = ADDRESS_SPACE_SYMBOLS.filter((name) => symbols[name] === undefined)
  if (missing.length > 0) return notSeen(`System.map has no ${missing.join(', ')}`)
  const fromText = (name: (typeof ADDRESS_SPACE_SYMBOLS)[number]): number =>
    Number((BigInt(symbols[name] ?? '0x0') - BigInt(symbols['_text'] ?? '0x0')) & MASK)
  const base = fromHex(code.start)
  const word = (address: number): bigint | undefined => wordAt(memory, address)
  const variable = (name: (typeof ADDRESS_SPACE_SYMBOLS)[number]): bigint | undefined => word(base + fromText(name))

  const [pageOffset, vmemmap] = [variable('page_offset_base'), variable('vmemmap_base')]
  const [firstChunk, offsets] = [variable('pcpu_base_addr'), variable('pcpu_unit_offsets')]
  if (pageOffset === undefined || vmemmap === undefined || firstChunk === undefined || offsets === undefined)
    return notSeen("the kernel's variables do not lie in guest RAM")
  const physical = (address: bigint): number => Number((address - pageOffset) & MASK)
  const within = BigInt(fromText('_cea_offset') - fromText('__per_cpu_start'))
  const entryAreas: number[] = []
  for (let cpu = 0; cpu < cpus; cpu++) {
    const unit = word(physical(offsets) + cpu * WORD)
    const place = unit === undefined ? undefined : word(physical(firstChunk + unit + within))
    if (place === undefined || place > MASK >> 32n) return notSeen(`the place of CPU ${cpu}'s entry area is not in guest RAM`)
    entryAreas.push(Number(place))
  }
  return seen({ pageOffsetBase: hex(pageOffset), vmemmapBase: hex(vmemmap), entryAreas })
}

/** _totalram_pages (mm/page_alloc.c, 7.3) in bytes, read in guest RAM: what /proc/meminfo has as MemTotal. */
export function readTotalRam(
  memory: PhysMemory,
  iomem: Reading<readonly IomemEntry[]>,
  symbols: KernelSymbols,
): NonNullable<HostView['totalRam']> {
  if (!iomem.ok) return iomem
  const code = iomem.value.find(({ name }) => name === 'Kernel code')
  const [text, variable] = [symbols?.['_text'], symbols?.[TOTAL_RAM]]
  if (code === undefined || text === undefined || variable === undefined)
    return notSeen(`where ${TOTAL_RAM} of this kernel lies is not known`)
  const pages = wordAt(memory, fromHex(code.start) + Number((BigInt(variable) - BigInt(text)) & MASK))
  if (pages === undefined || pages > BigInt(Number.MAX_SAFE_INTEGER)) return notSeen(`${TOTAL_RAM} does not lie in guest RAM`)
  return seen(hex(pages * BigInt(PAGE_SIZE)))
}

function wordAt(memory: PhysMemory, address: number): bigint | undefined {
  if (!Number.isSafeInteger(address)) return undefined
  const bytes = memory.read(address, WORD)
  return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset, WORD).getBigUint64(0, true)
}
