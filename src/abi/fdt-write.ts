import { asciiBytes, viewOf } from './bytes.ts'
import { FDT_BEGIN_NODE, FDT_END, FDT_END_NODE, FDT_HEADER_SIZE, FDT_MAGIC, FDT_PROP } from './fdt.ts'
import type { FdtNode, FdtReservation } from './fdt.ts'

export interface FdtWriteOptions {
  readonly reservations?: readonly FdtReservation[]
  readonly bootCpu?: number
  /** Where the memory reservations start; default {@link SEQUENTIAL_START}. */
  readonly reservationsStart?: number
}

/** fdt_create() rounds the header up to whole reservation entries, so its reservations start at 48 ... */
export const SEQUENTIAL_START = 48
/** ... and fdt_pack() moves them back to 40, directly behind the header. */
export const PACKED_START = FDT_HEADER_SIZE

/**
 * A version 17 blob laid out as libfdt's sequential writer does it (scripts/dtc/libfdt/fdt_sw.c, 7.3): header, memory
 * reservations, structure, strings; each new string goes in front of those that are already there.
 * Throws RangeError for names that are no single-byte text; the caller's tree is the caller's own.
 */
export function writeFdt(root: FdtNode, options: FdtWriteOptions = {}): Uint8Array {
  const strings = sequentialStrings(root)
  return assembleFdt(structureBlock(root, strings), strings, options)
}

/** The strings block of fdt_property() calls in tree order: prepended (fdt_add_string_), shared where one is found. */
export function sequentialStrings(root: FdtNode): string {
  let strings = ''
  for (const name of propertyNames(root)) {
    if (!strings.includes(`${name}\0`)) strings = `${name}\0${strings}`
  }
  return strings
}

function* propertyNames(node: FdtNode): Generator<string> {
  for (const { name } of node.properties) yield name
  for (const child of node.children) yield* propertyNames(child)
}

/**
 * The structure block, end tag included. A name is found in the strings block the way fdt_find_string_len_ finds it:
 * at its first occurrence with the NUL that ends it, even as the tail of a longer name.
 */
export function structureBlock(root: FdtNode, strings: string): Uint8Array {
  const words: Uint8Array[] = []
  const push = (...values: number[]): void => {
    const bytes = new Uint8Array(4 * values.length)
    values.forEach((value, index) => viewOf(bytes).setUint32(4 * index, value))
    words.push(bytes)
  }
  const visit = (node: FdtNode): void => {
    push(FDT_BEGIN_NODE)
    words.push(padded(asciiBytes(`${node.name}\0`)))
    for (const { name, value } of node.properties) {
      push(FDT_PROP, value.length, strings.indexOf(`${name}\0`))
      words.push(padded(value))
    }
    node.children.forEach(visit)
    push(FDT_END_NODE)
  }
  visit(root)
  push(FDT_END)
  return concat(words)
}

export function assembleFdt(structure: Uint8Array, strings: string, options: FdtWriteOptions = {}): Uint8Array {
  const reservations = reservationBlock(options.reservations ?? [])
  const reservationsStart = options.reservationsStart ?? SEQUENTIAL_START
  const structStart = reservationsStart + reservations.length
  const stringsStart = structStart + structure.length
  const header = new Uint8Array(reservationsStart)
  const fields = [
    FDT_MAGIC,
    stringsStart + strings.length,
    structStart,
    stringsStart,
    reservationsStart,
    17,
    16,
    options.bootCpu ?? 0,
    strings.length,
    structure.length,
  ]
  fields.forEach((value, index) => viewOf(header).setUint32(4 * index, value))
  return concat([header, reservations, structure, asciiBytes(strings)])
}

function reservationBlock(reservations: readonly FdtReservation[]): Uint8Array {
  const block = new Uint8Array(16 * (reservations.length + 1))
  reservations.forEach(({ address, size }, index) => {
    viewOf(block).setBigUint64(16 * index, address)
    viewOf(block).setBigUint64(16 * index + 8, size)
  })
  return block
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length + ((4 - (bytes.length % 4)) % 4))
  result.set(bytes)
  return result
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    result.set(part, offset)
    offset += part.length
  }
  return result
}
