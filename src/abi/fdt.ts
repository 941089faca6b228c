import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { asciiBytes, cString, setU64, u64Number, viewOf } from './bytes.ts'

/** Flattened device tree blobs (devicetree specification, chapter 5; scripts/dtc/libfdt in the kernel). */

export interface FdtProperty {
  readonly name: string
  readonly value: Uint8Array
}

export interface FdtNode {
  readonly name: string
  readonly properties: readonly FdtProperty[]
  readonly children: readonly FdtNode[]
}

export interface FdtReservation {
  readonly address: bigint
  readonly size: bigint
}

export interface Fdt {
  /** The header's totalsize; never more than the bytes given. */
  readonly totalSize: number
  readonly version: number
  readonly bootCpu: number
  readonly reservations: readonly FdtReservation[]
  readonly root: FdtNode
}

export const FDT_MAGIC = 0xd00dfeed
export const FDT_HEADER_SIZE = 40
export const FDT_BEGIN_NODE = 1
export const FDT_END_NODE = 2
export const FDT_PROP = 3
export const FDT_NOP = 4
export const FDT_END = 9

/** As deep as drivers/of/fdt.c (FDT_MAX_DEPTH, 7.3) follows a tree. */
const MAX_DEPTH = 64
const LAST_VERSION = 17

interface Header {
  readonly totalSize: number
  readonly structStart: number
  readonly structEnd: number
  readonly stringsStart: number
  readonly stringsEnd: number
  readonly reservationsStart: number
  readonly version: number
  readonly bootCpu: number
}

/** The totalsize that a blob's header claims, whether or not the bytes are there; undefined when it is no FDT header. */
export function fdtTotalSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < FDT_HEADER_SIZE) return undefined
  const view = viewOf(bytes)
  return view.getUint32(0) === FDT_MAGIC ? view.getUint32(4) : undefined
}

/**
 * Reads a blob of version 16 or 17. `bytes` may be longer than the blob (a whole page, for example); it must not be
 * shorter than the header's totalsize. Values are views into `bytes`, not copies.
 * @returns what is wrong, in one sentence, for anything that is not a well-formed tree.
 */
export function parseFdt(bytes: Uint8Array): Result<Fdt> {
  const header = parseHeader(bytes)
  if (!header.ok) return header
  const reservations = parseReservations(bytes, header.value)
  if (!reservations.ok) return reservations
  const root = parseStructure(bytes, header.value)
  if (!root.ok) return root
  const { totalSize, version, bootCpu } = header.value
  return ok({ totalSize, version, bootCpu, reservations: reservations.value, root: root.value })
}

function parseHeader(bytes: Uint8Array): Result<Header> {
  if (bytes.length < FDT_HEADER_SIZE) return err(`an FDT header is ${FDT_HEADER_SIZE} bytes, these are ${bytes.length}`)
  const view = viewOf(bytes)
  const word = (index: number): number => view.getUint32(4 * index)
  if (word(0) !== FDT_MAGIC) return err(`the magic number is 0x${word(0).toString(16)}, an FDT's is 0xd00dfeed`)
  const totalSize = word(1)
  if (totalSize > bytes.length) return err(`the header says ${totalSize} bytes, only ${bytes.length} are there`)
  if (totalSize < FDT_HEADER_SIZE) return err(`the header says ${totalSize} bytes, less than the header itself`)
  const version = word(5)
  const lastCompatible = word(6)
  if (version < 16 || lastCompatible > LAST_VERSION || lastCompatible > version) {
    return err(`version ${version} (compatible back to ${lastCompatible}) is not supported`)
  }
  const structStart = word(2)
  const stringsStart = word(3)
  // size_dt_struct came with version 17; before it the block ends where the strings or the blob end.
  const structEnd = version >= 17 ? structStart + word(9) : stringsStart > structStart ? stringsStart : totalSize
  const stringsEnd = stringsStart + word(8)
  if (structStart % 4 !== 0 || structStart < FDT_HEADER_SIZE || structEnd > totalSize || structEnd < structStart) {
    return err(`the structure block [${structStart}, ${structEnd}) does not lie inside the ${totalSize} bytes`)
  }
  if (stringsStart < FDT_HEADER_SIZE || stringsEnd > totalSize) {
    return err(`the strings block [${stringsStart}, ${stringsEnd}) does not lie inside the ${totalSize} bytes`)
  }
  const reservationsStart = word(4)
  if (reservationsStart % 8 !== 0 || reservationsStart < FDT_HEADER_SIZE) {
    return err(`the memory reservation block cannot start at ${reservationsStart}`)
  }
  return ok({ totalSize, structStart, structEnd, stringsStart, stringsEnd, reservationsStart, version, bootCpu: word(7) })
}

function parseReservations(bytes: Uint8Array, header: Header): Result<FdtReservation[]> {
  const view = viewOf(bytes)
  const reservations: FdtReservation[] = []
  for (let offset = header.reservationsStart; offset + 16 <= header.totalSize; offset += 16) {
    const address = view.getBigUint64(offset)
    const size = view.getBigUint64(offset + 8)
    if (address === 0n && size === 0n) return ok(reservations)
    reservations.push({ address, size })
  }
  return err('the memory reservation block has no end')
}

interface OpenNode {
  readonly name: string
  readonly properties: FdtProperty[]
  readonly children: FdtNode[]
}

function parseStructure(bytes: Uint8Array, header: Header): Result<FdtNode> {
  const view = viewOf(bytes)
  const open: OpenNode[] = []
  let root: FdtNode | undefined
  let offset = header.structStart
  while (offset + 4 <= header.structEnd) {
    const at = offset
    const tag = view.getUint32(offset)
    offset += 4
    const parent = open.at(-1)
    switch (tag) {
      case FDT_NOP:
        break
      case FDT_BEGIN_NODE: {
        if (root !== undefined) return err(`a second root node at ${at}`)
        if (open.length >= MAX_DEPTH) return err(`nodes are nested deeper than ${MAX_DEPTH} at ${at}`)
        const name = cString(bytes.subarray(offset, header.structEnd))
        if (name === undefined) return err(`the node at ${at} has no readable name`)
        offset = align4(offset + name.length + 1)
        open.push({ name, properties: [], children: [] })
        break
      }
      case FDT_END_NODE: {
        const node = open.pop()
        if (node === undefined) return err(`a node ends at ${at} that was never begun`)
        const outer = open.at(-1)
        if (outer === undefined) root = node
        else outer.children.push(node)
        break
      }
      case FDT_PROP: {
        if (parent === undefined) return err(`a property outside any node at ${at}`)
        if (parent.children.length > 0) return err(`a property after a sub node at ${at}`)
        const property = parseProperty(bytes, header, offset)
        if (!property.ok) return property
        parent.properties.push(property.value)
        offset = align4(offset + 8 + property.value.value.length)
        break
      }
      case FDT_END:
        if (root === undefined) return err(open.length > 0 ? 'the tree ends inside a node' : 'the tree has no root node')
        return ok(root)
      default:
        return err(`unknown tag 0x${tag.toString(16)} at ${at}`)
    }
  }
  return err('the structure block has no end tag')
}

function parseProperty(bytes: Uint8Array, header: Header, offset: number): Result<FdtProperty> {
  if (offset + 8 > header.structEnd) return err(`a property is cut off at ${offset}`)
  const view = viewOf(bytes)
  const length = view.getUint32(offset)
  const nameStart = header.stringsStart + view.getUint32(offset + 4)
  if (offset + 8 + length > header.structEnd) return err(`the property at ${offset} claims ${length} bytes, more than there are`)
  if (nameStart >= header.stringsEnd) return err(`the property at ${offset} has its name outside the strings block`)
  const name = cString(bytes.subarray(nameStart, header.stringsEnd))
  if (name === undefined || name === '') return err(`the property at ${offset} has no readable name`)
  return ok({ name, value: bytes.subarray(offset + 8, offset + 8 + length) })
}

const align4 = (offset: number): number => offset + ((4 - (offset % 4)) % 4)

export const property = (node: FdtNode, name: string): Uint8Array | undefined =>
  node.properties.find((candidate) => candidate.name === name)?.value

/** A node by path: '' or '/' is the root, '/memblock' a child; names must match whole, with any unit address. */
export function findNode(root: FdtNode, path: string): FdtNode | undefined {
  let node: FdtNode | undefined = root
  for (const name of path.split('/').filter((part) => part !== '')) {
    node = node?.children.find((child) => child.name === name)
  }
  return node
}

/** The strings of a string list property such as `compatible`; undefined when absent or not NUL-terminated text. */
export function stringListProperty(node: FdtNode, name: string): readonly string[] | undefined {
  const value = property(node, name)
  if (value === undefined || value.length === 0 || value[value.length - 1] !== 0) return undefined
  const strings: string[] = []
  for (let start = 0; start < value.length;) {
    const text = cString(value.subarray(start))
    if (text === undefined) return undefined
    strings.push(text)
    start += text.length + 1
  }
  return strings
}

/** The first string of a property; undefined when absent or not NUL-terminated text. */
export const stringProperty = (node: FdtNode, name: string): string | undefined => stringListProperty(node, name)?.[0]

/**
 * A u64 that the kernel wrote in its native order (little-endian on x86), as all KHO properties are; FDT's own cells are big-endian.
 * Fails with a sentence when it is absent, not 8 bytes, or 2^52 and more.
 */
export function u64leProperty(node: FdtNode, name: string): Result<number> {
  const value = property(node, name)
  if (value === undefined) return err(`property ${name} is missing`)
  if (value.length !== 8) return err(`property ${name} has ${value.length} bytes instead of 8`)
  const number = u64Number(viewOf(value), 0)
  return number === undefined ? err(`property ${name} is 2^52 or more`) : ok(number)
}

export const stringValue = (text: string): Uint8Array => asciiBytes(`${text}\0`)

export function u64leValue(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  setU64(viewOf(bytes), 0, value)
  return bytes
}
