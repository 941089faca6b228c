import type { PhysMemory } from '../shared/phys-memory.ts'
import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { PAGE_SIZE, hex, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'
import { cString, setU64, u64Number, viewOf } from './bytes.ts'

/** Live Update Orchestrator state as 7.2 and 7.3 hand it over (include/linux/kho/abi/luo.h, block.h). */
/** Name of the sub node in the root FDT. */
export const LUO_NODE = 'LUO'
export const LUO_COMPATIBLE = 'luo-v5'
/** sizeof(struct luo_ser) */
export const LUO_SIZE = 32
/** kernel/liveupdate/kho_block.c, 7.3 */
const MAX_BLOCKS = 10_000
const BLOCK_HEADER = 16
const SESSION_SIZE = 80
const FILE_SIZE = 64
const FLB_SIZE = 64

export interface Luo {
  readonly compatible: string
  /** 1 on a first boot, one more per live update. */
  readonly liveupdateNumber: number
  /** First kho_block of sessions; 0 while there is none. */
  readonly sessions: PhysAddr
  /** The page of file-lifecycle-bound objects. */
  readonly flbs: PhysAddr
}

/** struct luo_ser, the `LUO` blob. Refuses what luo_early_startup() (kernel/liveupdate/luo_core.c, 7.3) refuses. */
export function decodeLuo(bytes: Uint8Array): Result<Luo> {
  if (bytes.length < LUO_SIZE) return err(`LUO state is too small: ${bytes.length} of ${LUO_SIZE} bytes`)
  const compatible = cString(bytes.subarray(0, 8))
  if (compatible !== LUO_COMPATIBLE) return err(`compatible '${compatible ?? '(no text)'}' is not ${LUO_COMPATIBLE}`)
  const view = viewOf(bytes)
  const liveupdateNumber = u64Number(view, 8)
  const sessions = u64Number(view, 16)
  const flbs = u64Number(view, 24)
  if (liveupdateNumber === undefined) return err('the live update number is 2^52 or more')
  if (sessions === undefined) return err('the address of the sessions is 2^52 or more')
  if (flbs === undefined) return err('the address of the FLB page is 2^52 or more')
  return ok({ compatible, liveupdateNumber, sessions: physAddr(sessions), flbs: physAddr(flbs) })
}

/** The 32 bytes that luo_state_setup() (7.3) hands over. */
export function encodeLuo(luo: Omit<Luo, 'compatible'>): Uint8Array {
  const bytes = new Uint8Array(LUO_SIZE)
  bytes.set(new TextEncoder().encode(LUO_COMPATIBLE))
  const view = viewOf(bytes)
  setU64(view, 8, luo.liveupdateNumber)
  setU64(view, 16, luo.sessions)
  setU64(view, 24, luo.flbs)
  return bytes
}

export interface LuoSession {
  readonly name: string
  /** First kho_block of the session's files; 0 without files. */
  readonly files: PhysAddr
  readonly fileCount: number
}

export interface LuoFile {
  /** Which file handler made `data`: memfd-v2 and others. */
  readonly compatible: string
  /** Belongs to the handler; most often a physical address. */
  readonly data: bigint
  readonly token: bigint
}

export interface LuoFlb {
  readonly name: string
  readonly data: bigint
  readonly count: number
}

/** Entries of a kho_block chain and the pages they lie in. */
export interface BlockChain<T> {
  readonly blocks: readonly PhysAddr[]
  readonly entries: readonly T[]
  /** Blocks with count 0: usual before the kexec serializes, refused by the next kernel after it. */
  readonly emptyBlocks: number
}

export const readLuoSessions = (memory: PhysMemory, head: number): Result<BlockChain<LuoSession>> =>
  readBlocks(memory, head, SESSION_SIZE, decodeSession)

export const readLuoFiles = (memory: PhysMemory, head: number): Result<BlockChain<LuoFile>> =>
  readBlocks(memory, head, FILE_SIZE, decodeFile)

/** The page at luo_ser.flbs_pa: {pgcnt, count} and up to 63 entries (kernel/liveupdate/luo_flb.c, 7.3; always one page there). */
export function readLuoFlbs(memory: PhysMemory, address: number): Result<readonly LuoFlb[]> {
  const page = readPage(memory, address)
  if (!page.ok) return err(`the FLB page ${page.error}`)
  const view = viewOf(page.value)
  const pages = u64Number(view, 0)
  const count = u64Number(view, 8)
  if (pages !== 1) return err(`the FLB header says ${pages ?? '2^52 or more'} pages instead of 1`)
  if (count === undefined || BLOCK_HEADER + count * FLB_SIZE > PAGE_SIZE)
    return err('the FLB header counts more entries than its page holds')
  return decodeEntries(page.value, count, FLB_SIZE, (entry) => {
    const name = cString(entry.subarray(0, 48))
    const flbCount = u64Number(viewOf(entry), 56)
    if (name === undefined) return err('an FLB has no readable name')
    if (flbCount === undefined) return err(`the count of FLB ${name} is 2^52 or more`)
    return ok({ name, data: viewOf(entry).getBigUint64(48, true), count: flbCount })
  })
}

function decodeSession(entry: Uint8Array): Result<LuoSession> {
  const name = cString(entry.subarray(0, 64))
  if (name === undefined) return err('a session has no readable name')
  const files = u64Number(viewOf(entry), 64)
  const fileCount = u64Number(viewOf(entry), 72)
  if (files === undefined || fileCount === undefined) return err(`session ${name} has an address or a count of 2^52 or more`)
  return ok({ name, files: physAddr(files), fileCount })
}

function decodeFile(entry: Uint8Array): Result<LuoFile> {
  const compatible = cString(entry.subarray(0, 48))
  if (compatible === undefined) return err('a file has no readable compatible string')
  return ok({ compatible, data: viewOf(entry).getBigUint64(48, true), token: viewOf(entry).getBigUint64(56, true) })
}

/** kho_block_set_restore() (kernel/liveupdate/kho_block.c, 7.3), with its limit of 10000 blocks and no faith in `next`. */
function readBlocks<T>(
  memory: PhysMemory,
  head: number,
  entrySize: number,
  decode: (entry: Uint8Array) => Result<T>,
): Result<BlockChain<T>> {
  const blocks = new Set<PhysAddr>()
  const entries: T[] = []
  let emptyBlocks = 0
  for (let address = head; address !== 0;) {
    if (blocks.size >= MAX_BLOCKS) return err(`the chain has more than ${MAX_BLOCKS} blocks`)
    if (blocks.has(physAddr(address))) return err(`the chain comes back to its block at ${hex(address)}`)
    const page = readPage(memory, address)
    if (!page.ok) return err(`a block ${page.error}`)
    blocks.add(physAddr(address))
    const next = u64Number(viewOf(page.value), 0)
    const count = u64Number(viewOf(page.value), 8)
    if (next === undefined) return err(`the block at ${hex(address)} points to 2^52 or more`)
    if (count === undefined || BLOCK_HEADER + count * entrySize > PAGE_SIZE) {
      return err(`the block at ${hex(address)} counts more entries than a page holds`)
    }
    if (count === 0) emptyBlocks++
    const decoded = decodeEntries(page.value, count, entrySize, decode)
    if (!decoded.ok) return decoded
    entries.push(...decoded.value)
    address = next
  }
  return ok({ blocks: [...blocks], entries, emptyBlocks })
}

function readPage(memory: PhysMemory, address: number): Result<Uint8Array> {
  if (!Number.isSafeInteger(address) || address < 0 || address % PAGE_SIZE !== 0) return err(`has no page address (${address})`)
  const page = memory.read(address, PAGE_SIZE)
  return page?.length === PAGE_SIZE ? ok(page) : err(`at ${hex(address)} lies outside RAM`)
}

function decodeEntries<T>(page: Uint8Array, count: number, size: number, decode: (entry: Uint8Array) => Result<T>): Result<T[]> {
  const entries: T[] = []
  for (let index = 0; index < count; index++) {
    const entry = decode(page.subarray(BLOCK_HEADER + index * size, BLOCK_HEADER + (index + 1) * size))
    if (!entry.ok) return entry
    entries.push(entry.value)
  }
  return ok(entries)
}
