import { closeSync, openSync } from 'node:fs'
import { readFile, readdir, readlink, stat } from 'node:fs/promises'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import type { RamBlock } from '../observe/mtree.ts'
import { ramRanges } from '../observe/mtree.ts'
import { closeFirmwareHole, guestMemory } from '../qemu/ram.ts'
import type { FoundQemu } from './discover.ts'
import type { ReadingMonitor } from './monitor.ts'
import { parseMaps, type Mapping } from './process-maps.ts'
import { SavedPages } from './saved-pages.ts'

/** How guest RAM is read: the file behind it, the memory file behind it, QEMU's own memory, or copies that QEMU makes. */
export type RamWay = 'file' | 'memfd' | 'proc-mem' | 'pmemsave'

/** RAM of a running guest that nobody stops for the lab. */
export interface AttachedRam {
  readonly memory: PhysMemory
  /** One sentence per backend: which way, and what it goes through. */
  readonly words: readonly string[]
  /** Makes a stretch readable by `memory`, where that takes a step of its own. */
  load(start: number, length: number): Promise<void>
  /** The answer of a reader once all that it asks for is readable. */
  settle<T>(read: () => T): Promise<T>
  /** Makes the next reads see the present. */
  refresh(): void
  close(): Promise<void>
}

export interface RamPlaces {
  /** Which addresses lie where in which backend. */
  readonly blocks: readonly RamBlock[]
  readonly qemu: FoundQemu | undefined
  readonly monitor: ReadingMonitor | undefined
  /** The only way to be tried; a path is a file that holds the one backend. */
  readonly only?: RamWay | { readonly path: string } | undefined
}

interface Opened {
  readonly fd: number
  /** Where the backend begins in what `fd` reads. */
  readonly base: number
  readonly words: string
}

/**
 * Opens guest RAM for reading in the first way that works: the file or memory file that QEMU has mapped shared, then
 * /proc/PID/mem, then pmemsave. Rejects with LabError ram-unreadable, which says why each way failed.
 */
export async function openAttachedRam(places: RamPlaces): Promise<AttachedRam> {
  const blocks = closeFirmwareHole(places.blocks)
  const reasons: string[] = []
  if (places.only !== 'pmemsave') {
    const opened = await openBackends({ ...places, blocks }, reasons)
    if (opened !== undefined) return direct(blocks, opened)
  }
  const { monitor, only } = places
  if (monitor === undefined) reasons.push('pmemsave: there is no monitor to ask')
  else if (only === undefined || only === 'pmemsave') return await saved(monitor, blocks, places.qemu?.uid)
  throw new LabError({
    code: 'ram-unreadable',
    message: 'the RAM of this machine cannot be read',
    hint: 'Run as the user of the QEMU process or as root, or name a free QMP socket with --qmp.',
    evidence: reasons,
  })
}

async function saved(monitor: ReadingMonitor, blocks: readonly RamBlock[], uid: number | undefined): Promise<AttachedRam> {
  const pages = await SavedPages.open(monitor, ramRanges(blocks), uid)
  return {
    memory: pages,
    words: ['pmemsave: QEMU copies the pages that are asked for into a file'],
    load: (start, length) => pages.load(start, length),
    settle: (read) => pages.settle(read),
    refresh: () => pages.refresh(),
    close: () => pages.close(),
  }
}

function direct(blocks: readonly RamBlock[], opened: ReadonlyMap<string, Opened>): AttachedRam {
  const memory = guestMemory(
    blocks.map((block) => ({ ...block, offset: block.offset + (opened.get(block.backend)?.base ?? 0) })),
    new Map([...opened].map(([id, { fd }]) => [id, fd])),
  )
  return {
    memory: {
      ranges: memory.ranges,
      read: (address, length) => unlessGone(() => memory.read(address, length)),
      readInto: (address, target) => unlessGone(() => memory.readInto?.(address, target)) ?? false,
    },
    words: [...opened.values()].map(({ words }) => words),
    load: () => Promise.resolve(),
    settle: (read) => Promise.resolve(read()),
    refresh: () => undefined,
    close: () => {
      for (const { fd } of opened.values()) closeSync(fd)
      return Promise.resolve()
    },
  }
}

/** EIO: the pages are not mapped any more, because QEMU has ended or unplugged them. Then they are no RAM. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (codeOf(error) === 'EIO' || codeOf(error) === 'EFAULT') return undefined
    throw error
  }
}

/** All backends, or none and the reasons. */
async function openBackends(places: RamPlaces, reasons: string[]): Promise<ReadonlyMap<string, Opened> | undefined> {
  const opened = new Map<string, Opened>()
  const ids = [...new Set(places.blocks.map(({ backend }) => backend))]
  for (const id of ids) {
    const one = await openBackend(id, places, ids.length, (why) => reasons.push(`${id}: ${why}`))
    if (one === undefined) {
      for (const { fd } of opened.values()) closeSync(fd)
      return undefined
    }
    opened.set(id, one)
  }
  return opened
}

async function openBackend(
  id: string,
  { blocks, qemu, monitor, only }: RamPlaces,
  count: number,
  fail: (why: string) => void,
): Promise<Opened | undefined> {
  if (typeof only === 'object') {
    if (count === 1) return opening(only.path, 0, `${id}: the file ${only.path}, as asked`, fail)
    fail(`one file was named for ${count} memory backends`)
    return undefined
  }
  if (qemu === undefined) {
    fail('the process of this QEMU is not known')
    return undefined
  }
  const maps = await unlessRefused(() => readFile(`/proc/${qemu.pid}/maps`, 'utf8'), fail)
  const place = maps === undefined ? undefined : await placeOf(id, blocks, qemu, monitor, parseMaps(maps), fail)
  if (place !== undefined) {
    const shared = await openShared(id, place, qemu.pid, only, fail)
    if (shared !== undefined) return shared
    if (only === undefined || only === 'proc-mem')
      return opening(`/proc/${qemu.pid}/mem`, place.address, `${id}: /proc/${qemu.pid}/mem at ${hex(place.address)}`, fail)
    return undefined
  }
  return openNamed(id, qemu, only, fail)
}

/** Without a look at the process's mappings there is still the path in its arguments, when the guest's writes reach it. */
function openNamed(id: string, qemu: FoundQemu, only: RamPlaces['only'], fail: (why: string) => void): Opened | undefined {
  const backend = qemu.arguments.backends.find((one) => one.id === id)
  if (backend?.kind !== 'file' || !backend.share || backend.path === undefined) return undefined
  if (only !== undefined && only !== 'file') return undefined
  return opening(backend.path, 0, `${id}: the file ${backend.path}, from QEMU's arguments`, fail)
}

interface Place {
  /** Where the backend begins in QEMU's address space. */
  readonly address: number
  readonly mapping: Mapping
}

/** Asked of the monitor, else the one mapping that has the backend's size. */
async function placeOf(
  id: string,
  blocks: readonly RamBlock[],
  qemu: FoundQemu,
  monitor: ReadingMonitor | undefined,
  maps: readonly Mapping[],
  fail: (why: string) => void,
): Promise<Place | undefined> {
  const own = blocks.filter(({ backend }) => backend === id)
  const [first] = own
  if (first === undefined) return undefined
  if (monitor !== undefined) {
    const answer = await monitor.human(`gpa2hva ${hex(first.start)}`)
    const text = /is (0x[0-9a-f]+)/.exec(answer)?.[1]
    const address = Number(text) - first.offset
    const mapping = maps.find(({ start, end }) => start <= address && address < end)
    if (text !== undefined && mapping !== undefined) return { address, mapping }
    fail(`QEMU's gpa2hva did not lead to a mapping: ${answer.trim()}`)
  }
  const size = Math.max(...own.map(({ offset, start, end }) => offset + end - start))
  const inode = await inodeOf(qemu.arguments.backends.find((one) => one.id === id)?.path)
  const fitting = maps.filter(
    (one) => one.writable && one.end - one.start === size && (inode === undefined || one.inode === inode),
  )
  const [only, other] = fitting
  if (only !== undefined && other === undefined) return { address: only.start, mapping: only }
  fail(
    `${fitting.length} mappings of the process have its size, ${hex(size)}${fitting.length > 1 ? '; a monitor would tell' : ''}`,
  )
  return undefined
}

/** The file behind a shared mapping, through a descriptor that QEMU has open: so a file without a name is found too. */
async function openShared(
  id: string,
  { address, mapping }: Place,
  pid: number,
  only: RamPlaces['only'],
  fail: (why: string) => void,
): Promise<Opened | undefined> {
  if (!mapping.shared || mapping.inode === 0) {
    if (only === 'file' || only === 'memfd') fail('the mapping is private: what the guest writes reaches no file')
    return undefined
  }
  const fds = (await unlessRefused(() => readdir(`/proc/${pid}/fd`), fail)) ?? []
  for (const fd of fds) {
    const path = `/proc/${pid}/fd/${fd}`
    if ((await inodeOf(path)) !== mapping.inode) continue
    const target = await readlink(path)
    const way = target.startsWith('/memfd:') ? 'memfd' : 'file'
    if (only !== undefined && only !== way) continue
    return opening(path, mapping.offset + address - mapping.start, `${id}: ${way} ${target} through ${path}`, fail)
  }
  fail('no descriptor of the process is the file that it has mapped')
  return undefined
}

function opening(path: string, base: number, words: string, fail: (why: string) => void): Opened | undefined {
  try {
    return { fd: openSync(path, 'r'), base, words }
  } catch (error) {
    fail(messageOf(error))
    return undefined
  }
}

async function inodeOf(path: string | undefined): Promise<number | undefined> {
  if (path === undefined) return undefined
  const state = await stat(path).catch(() => undefined)
  return state?.isDirectory() === true ? undefined : state?.ino
}

async function unlessRefused<T>(read: () => Promise<T>, fail: (why: string) => void): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOENT', 'ESRCH'].includes(codeOf(error))) throw error
    fail(messageOf(error))
    return undefined
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
