import { hex } from '../shared/units.ts'
import { printableAscii, u64Number, viewOf } from './bytes.ts'
import { FDT_HEADER_SIZE, FDT_MAGIC, parseFdt, type FdtNode } from './fdt.ts'
import { KEXEC_METADATA_NODE, KEXEC_METADATA_SIZE } from './kexec-metadata.ts'
import { PRESERVED_DATA, MEMORY_MAP } from './kho-root.ts'
import { LUO_NODE, LUO_SIZE } from './luo.ts'
import { KHOPROBE_NODE, KHOPROBE_TABLE_SIZE, PROBE_HEADER_SIZE, PROBE_RECORD_SIZE } from './khoprobe.ts'
import { KHO_SETUP_DATA_SIZE } from './setup-data.ts'

/** A piece of a blob and what it says. */
export interface Field {
  readonly offset: number
  readonly length: number
  /** How deep in the structure it lies. */
  readonly depth: number
  readonly name: string
  readonly text: string
  /** Set where the value is a physical address that leads on. */
  readonly address?: number
}

export interface Fields {
  readonly fields: readonly Field[]
  /** Why the rest could not be told apart; what could be is in `fields` all the same. */
  readonly problem?: string
}

/** More than this of one blob is not read by anybody. */
const FIELD_LIMIT = 4096
const TEXT_LIMIT = 256

/** Structures that KHO hands over without an FDT, by the name of their subtree. */
const FLAT: Readonly<Record<string, (bytes: Uint8Array) => Fields>> = {
  [KEXEC_METADATA_NODE]: (bytes) =>
    flat(bytes, KEXEC_METADATA_SIZE, [
      ['version', 0, 4],
      ['previous_release', 4, 65],
      ['kexec_count', 69, 4],
    ]),
  [LUO_NODE]: (bytes) =>
    flat(bytes, LUO_SIZE, [
      ['compatible', 0, 8],
      ['liveupdate_num', 8, 8],
      ['sessions_pa', 16, 8, 'address'],
      ['flbs_pa', 24, 8, 'address'],
    ]),
  [KHOPROBE_NODE]: probeTableFields,
}

/** The fields of a root FDT or of a subtree's blob. What is neither an FDT nor known by its name is left as bytes. */
export function fieldsOf(name: string, bytes: Uint8Array): Fields {
  const known = FLAT[name]
  if (known !== undefined) return known(bytes)
  return bytes.length >= 4 && viewOf(bytes).getUint32(0) === FDT_MAGIC
    ? fdtFields(bytes)
    : { fields: [], problem: 'no structure of this name is known, and it is no flattened device tree' }
}

/** struct kho_data, the payload of setup_data type 10. */
export const setupDataFields = (bytes: Uint8Array): Fields =>
  flat(bytes, KHO_SETUP_DATA_SIZE, [
    ['fdt_addr', 0, 8, 'address'],
    ['fdt_size', 8, 8],
    ['scratch_addr', 16, 8, 'address'],
    ['scratch_size', 24, 8],
  ])

/** struct probe_table of qemu-images/khoprobe/khoprobe.h: as many records as it counts, and as are there. */
function probeTableFields(bytes: Uint8Array): Fields {
  const head = flat(bytes, KHOPROBE_TABLE_SIZE, [
    ['compatible', 0, 16],
    ['nr_records', 16, 8],
  ])
  const room = Math.floor((bytes.length - PROBE_HEADER_SIZE) / PROBE_RECORD_SIZE)
  const counted = bytes.length < 24 ? 0 : (numberOf(bytes.subarray(16, 24)) ?? 0)
  const records = Array.from({ length: Math.max(0, Math.min(counted, room)) }, (_unused, index) =>
    probeRecordFields(bytes, index),
  )
  return { ...head, fields: [...head.fields, ...records.flat()] }
}

function probeRecordFields(bytes: Uint8Array, index: number): readonly Field[] {
  const at = PROBE_HEADER_SIZE + index * PROBE_RECORD_SIZE
  const { fields } = flat(
    bytes,
    0,
    PROBE_RECORD.map(([name, offset, ...rest]): FlatField => [name, at + offset, ...rest]),
  )
  return [
    { offset: 0, length: 0, depth: 0, name: `records[${index}] {`, text: '' },
    ...fields.map((field) => ({ ...field, depth: 1 })),
  ]
}

/** struct probe_record; `direct_map` and `area_address` are virtual addresses, which lead nowhere here. */
const PROBE_RECORD: readonly FlatField[] = [
  ['name', 0, 16],
  ['kind', 16, 4],
  ['huge', 20, 4],
  ['seed', 24, 8],
  ['count', 32, 8],
  ['pages', 40, 8],
  ['direct_map', 48, 8],
  ['area_address', 56, 8],
  ...(['entries', 'area'] as const).flatMap((area, index): FlatField[] => [
    [`${area}.first`, 64 + 16 * index, 8, 'address'],
    [`${area}.total_pages`, 72 + 16 * index, 4],
    [`${area}.flags`, 76 + 16 * index, 2],
    [`${area}.order`, 78 + 16 * index, 2],
  ]),
]

type FlatField = readonly [name: string, offset: number, length: number, means?: 'address']

function flat(bytes: Uint8Array, size: number, layout: readonly FlatField[]): Fields {
  const fields = layout
    .filter(([, offset, length]) => offset + length <= bytes.length)
    .map(([name, offset, length, means]): Field => {
      const value = bytes.subarray(offset, offset + length)
      const number = numberOf(value)
      const leads = means === 'address' && number !== undefined && number > 0
      return { offset, length, depth: 0, name, text: textOf(name, value), ...(leads ? { address: number } : {}) }
    })
  return bytes.length < size ? { fields, problem: `${bytes.length} of ${size} bytes are there` } : { fields }
}

/** The words of an FDT header in their order (scripts/dtc/libfdt/fdt.h). */
const HEADER = [
  'magic',
  'totalsize',
  'off_dt_struct',
  'off_dt_strings',
  'off_mem_rsvmap',
  'version',
  'last_comp_version',
  'boot_cpuid_phys',
  'size_dt_strings',
  'size_dt_struct',
] as const

function fdtFields(bytes: Uint8Array): Fields {
  const view = viewOf(bytes)
  const header: Field[] = HEADER.flatMap((name, index) =>
    4 * index + 4 <= Math.min(bytes.length, FDT_HEADER_SIZE)
      ? [{ offset: 4 * index, length: 4, depth: 0, name, text: wordText(view.getUint32(4 * index), name) }]
      : [],
  )
  const parsed = parseFdt(bytes)
  if (!parsed.ok) return { fields: header, problem: parsed.error }
  const fields = [...header]
  addNode(fields, bytes, parsed.value.root, 0)
  return fields.length >= FIELD_LIMIT ? { fields, problem: `only the first ${FIELD_LIMIT} fields are shown` } : { fields }
}

const wordText = (word: number, name: string): string => (name === 'magic' ? hex(word) : String(word))

function addNode(fields: Field[], bytes: Uint8Array, node: FdtNode, depth: number): void {
  fields.push({ offset: 0, length: 0, depth, name: `${node.name === '' ? '/' : node.name} {`, text: '' })
  for (const { name, value } of node.properties) {
    if (fields.length >= FIELD_LIMIT) return
    const number = numberOf(value)
    const leads = number !== undefined && number > 0 && LEADING.has(name)
    fields.push({
      // Values are views into the blob, so where they lie in it is known.
      offset: value.byteOffset - bytes.byteOffset,
      length: value.length,
      depth: depth + 1,
      name,
      text: textOf(name, value),
      ...(leads ? { address: number } : {}),
    })
  }
  for (const child of node.children) {
    if (fields.length >= FIELD_LIMIT) return
    addNode(fields, bytes, child, depth + 1)
  }
}

/** Properties whose eight bytes are a physical address: the root's (kexec_handover.c) and reserve_mem's (mm/memblock.c, 7.3). */
const LEADING: ReadonlySet<string> = new Set([MEMORY_MAP, PRESERVED_DATA, 'start'])

/** KHO writes numbers in the byte order of the machine. */
function numberOf(value: Uint8Array): number | undefined {
  if (value.length === 2) return viewOf(value).getUint16(0, true)
  if (value.length === 4) return viewOf(value).getUint32(0, true)
  return value.length === 8 ? u64Number(viewOf(value), 0) : undefined
}

/** Properties and members that hold text, however long they are. */
const TEXTS: ReadonlySet<string> = new Set(['compatible', 'name', 'previous_release'])

/** A number where it has four or eight bytes, else text where it is text with its final zero, else hexadecimal. */
function textOf(name: string, value: Uint8Array): string {
  const number = TEXTS.has(name) ? undefined : numberOf(value)
  if (number !== undefined) return value.length < 8 || number < 10 ? String(number) : hex(number)
  // Of 2^52 and more: no physical address, but a number still.
  if (value.length === 8 && !TEXTS.has(name)) return `0x${viewOf(value).getBigUint64(0, true).toString(16)}`
  const end = value.indexOf(0)
  const text = end > 0 && value.subarray(end).every((byte) => byte === 0) ? printableAscii(value.subarray(0, end)) : undefined
  if (text !== undefined) return `"${text.slice(0, TEXT_LIMIT)}"`
  const shown = [...value.subarray(0, 32)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return value.length > 32 ? `${shown} …` : shown
}
