import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { fdtTotalSize, parseFdt, type FdtNode } from '../abi/fdt.ts'
import { decodeKhoRoot, type KhoRoot } from '../abi/kho-root.ts'
import { sortedRecords, walkRadix } from '../abi/radix-walk.ts'
import { guestMemory } from '../guest/qemu/ram.ts'
import type { PhysMemory } from '../shared/phys-memory.ts'
import { LabError } from '../shared/result.ts'
import { fromHex, GiB, hex, MiB } from '../shared/units.ts'
import { cannotRead, readNamedFile } from './read-file.ts'

export interface DecodedProperty {
  readonly name: string
  readonly hex: string
  /** Set where the value is one or more printable strings. */
  readonly strings?: readonly string[]
  /** Set where the value has eight bytes: KHO writes its numbers in the byte order of the machine. */
  readonly u64le?: string
}

export interface DecodedNode {
  readonly name: string
  readonly properties: readonly DecodedProperty[]
  readonly children: readonly DecodedNode[]
}

export interface DecodedFdt {
  readonly file: string
  readonly fileSize: number
  /** By the blob's own header. */
  readonly totalSize: number
  readonly version: number
  readonly root: DecodedNode
  /** What it means where it is a KHO root of a known compatible. */
  readonly kho?: KhoRoot
}

/** `decode fdt`: any flattened device tree; a KHO root is also explained. */
export async function decodeFdtFile(file: string): Promise<DecodedFdt> {
  const bytes = await readNamedFile(file, 'bad-blob')
  const parsed = parseFdt(bytes)
  if (!parsed.ok) throw badFdt(file, bytes, parsed.error)
  const { totalSize, version, root } = parsed.value
  const kho = decodeKhoRoot(bytes)
  return { file, fileSize: bytes.length, totalSize, version, root: decodedNode(root), ...(kho.ok ? { kho: kho.value } : {}) }
}

function badFdt(file: string, bytes: Uint8Array, reason: string): LabError {
  const claimed = fdtTotalSize(bytes)
  const short = claimed !== undefined && claimed > bytes.length
  return new LabError({
    code: 'bad-blob',
    message: short
      ? `${file} is cut short: it has ${bytes.length} bytes, its header says ${claimed}`
      : `${file} is no flattened device tree: ${reason}`,
    hint: short
      ? 'The debugfs file kho/out/fdt of 7.1 to 7.3 is cut so once a subtree has been added; the whole blob is in guest RAM.'
      : 'A flattened device tree begins with the bytes d0 0d fe ed.',
    evidence: [`first bytes: ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}`],
  })
}

const decodedNode = (node: FdtNode): DecodedNode => ({
  name: node.name,
  properties: node.properties.map(({ name, value }) => ({
    name,
    hex: Buffer.from(value).toString('hex'),
    ...stringsOf(value),
    ...(value.length === 8 ? { u64le: hex(new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0, true)) } : {}),
  })),
  children: node.children.map(decodedNode),
})

/** A value is text when it is printable strings, each with its final zero (as dtc decides). */
function stringsOf(value: Uint8Array): { readonly strings?: readonly string[] } {
  const text = Buffer.from(value).toString('latin1')
  return /^([\x20-\x7e]+\0)+$/.test(text) ? { strings: text.slice(0, -1).split('\0') } : {}
}

export interface DecodedRam {
  readonly file: string
  readonly ranges: readonly { readonly start: string; readonly end: string }[]
  readonly root: string
  readonly nodeCount: number
  readonly recordCount: number
  readonly pageCount: number
  readonly complete: boolean
  readonly problems: readonly string[]
  readonly nodes: readonly { readonly address: string; readonly level: number; readonly slots: readonly number[] }[]
  /** In ascending address, up to {@link RECORDS_SHOWN}; the counts are of all. */
  readonly records: readonly { readonly start: string; readonly order: number }[]
}

export const RECORDS_SHOWN = 4096

/** `decode ram`: walks the radix tree of preserved memory in a raw image of guest RAM. */
export function decodeRamFile(file: string, mapRoot: number, layout: string): DecodedRam {
  const fd = open(file)
  try {
    const memory = ramImage(fd, fstatSync(fd).size, layout)
    const walk = walkRadix(memory, mapRoot)
    if (!walk.ok) throw noTree(file, walk.error, memory)
    const { nodeAddresses, nodes, records, recordCount, pageCount, complete, problems } = walk.value
    return {
      file,
      ranges: memory.ranges.map(({ start, end }) => ({ start: hex(start), end: hex(end) })),
      root: hex(mapRoot),
      nodeCount: nodeAddresses.length,
      recordCount,
      pageCount,
      complete,
      problems,
      nodes: nodes.map((node) => ({ address: hex(node.address), level: node.level, slots: [...node.slots] })),
      records: sortedRecords(records, RECORDS_SHOWN).map(({ start, order }) => ({ start: hex(start), order })),
    }
  } finally {
    closeSync(fd)
  }
}

function open(file: string): number {
  try {
    if (statSync(file).isDirectory()) throw new Error('it is a directory')
    return openSync(file, 'r')
  } catch (error) {
    throw cannotRead(file, error, 'bad-blob')
  }
}

const noTree = (file: string, reason: string, memory: PhysMemory): LabError =>
  new LabError({
    code: 'bad-blob',
    message: `no radix tree at that address of ${file}: ${reason}`,
    hint: 'The address is the value of preserved-memory-map in the KHO root (kho-lab decode fdt shows it); above 4 GiB it also depends on --layout.',
    evidence: memory.ranges.map(({ start, end }) => `RAM ${hex(start)} to ${hex(end)}`),
  })

/**
 * An image file as guest physical memory. Where QEMU puts the part of RAM that does not fit below 4 GiB: q35 keeps 2 GiB
 * low from 2.75 GiB on (pc_q35_init(), hw/i386/pc_q35.c), pc keeps 3 GiB from 3.5 GiB on (pc_init1(), hw/i386/pc_piix.c).
 */
function ramImage(fd: number, size: number, layout: string): PhysMemory {
  if (size === 0)
    throw new LabError({ code: 'bad-blob', message: 'the RAM image is empty', hint: 'Give a raw image of guest RAM.' })
  const pieces = layoutRanges(size, layout)
  let offset = 0
  const blocks = pieces.map(({ start, end }) => {
    const block = { start, end, backend: 'image', offset }
    offset += end - start
    return block
  })
  return guestMemory(blocks, new Map([['image', fd]]))
}

/** The guest physical ranges that an image of `size` bytes fills, one after the other. Throws LabError usage for a layout that does not fit. */
export function layoutRanges(size: number, layout: string): readonly { readonly start: number; readonly end: number }[] {
  const split = (limit: number, low: number): { start: number; end: number }[] =>
    size < limit
      ? [{ start: 0, end: size }]
      : [
          { start: 0, end: low },
          { start: 4 * GiB, end: 4 * GiB + size - low },
        ]
  switch (layout) {
    case 'q35':
      return split(2816 * MiB, 2 * GiB)
    case 'pc':
      return split(3584 * MiB, 3 * GiB)
    default:
      return givenRanges(size, layout)
  }
}

function givenRanges(size: number, layout: string): readonly { readonly start: number; readonly end: number }[] {
  const refuse = (why: string): LabError =>
    new LabError({
      code: 'usage',
      message: `--layout ${layout}: ${why}`,
      hint: 'Write q35, pc, or ranges such as 0x0-0x80000000,0x100000000-0x180000000.',
    })
  const ranges = layout.split(',').map((text) => {
    const match = /^(0x[0-9a-f]+)-(0x[0-9a-f]+)$/i.exec(text)
    if (match?.[1] === undefined || match[2] === undefined) throw refuse(`${text} is no range`)
    return { start: fromHex(match[1]), end: fromHex(match[2]) }
  })
  if (ranges.some(({ start, end }, index) => start >= end || start < (ranges[index - 1]?.end ?? 0)))
    throw refuse('ranges must ascend and not overlap')
  const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  if (total !== size) throw refuse(`the ranges hold ${hex(total)} bytes, the image ${hex(size)}`)
  return ranges
}
