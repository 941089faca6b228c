import { readLuoFiles, readLuoSessions, type LuoFile, type LuoSession } from '../../abi/luo.ts'
import { readMemfd, type Memfd } from '../../abi/memfd.ts'
import { notSeen, seen, type LuoIncoming, type PreservedRecord } from '../../shared/documents/index.ts'
import { memfdSeed, patternWord } from '../../shared/luo-pattern.ts'
import { eachRecordIn } from '../../abi/record-list.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'
import { pageRanges } from './page-ranges.ts'

const MEMFD = 'memfd-v2'
const WORDS = PAGE_SIZE / 4

/**
 * The sessions that the boot before handed over, read in guest RAM before anything opens /dev/liveupdate, which frees them
 * (luo_session_deserialize(), 7.3). struct luo_ser, which says where they begin, is freed even before user space runs; so the first
 * block is found among the pages that the boot before preserved: the one that reads as a chain of sessions and that no other
 * structure points to. `seed` is the experiment's: memfds are compared with its patterns.
 */
export function readLuoIncoming(memory: PhysMemory, records: readonly PreservedRecord[], seed: number): LuoIncoming {
  const pages = [...eachRecordIn(records.filter(({ order }) => order === 0))].map(({ start }) => start)
  const preserved = new Set(pages)
  const chains = pages.flatMap((page) => {
    const chain = sessionChain(memory, page, preserved)
    return chain === undefined ? [] : [{ page, ...chain }]
  })
  const pointedTo = new Set(chains.flatMap(({ blocks, sessions }) => [...blocks.slice(1), ...sessions.map(({ files }) => files)]))
  const [head, other] = chains.filter(({ page }) => !pointedTo.has(page as never))
  if (head === undefined) return seen({ sessions: [], pageCount: 0 })
  if (other !== undefined) return notSeen(`several preserved pages begin with sessions: ${hex(head.page)}, ${hex(other.page)}`)
  const sessions = []
  const places: Place[] = []
  let pageCount = head.blocks.length
  for (const session of head.sessions) {
    const read = readSession(memory, session, seed)
    if (!read.ok) return notSeen(`session ${session.name}: ${read.error}`)
    sessions.push({ name: session.name, files: read.value.files })
    pageCount += read.value.pageCount
    places.push(...read.value.places.map((place) => ({ session: session.name, ...place })))
  }
  return seen({ address: hex(head.page), sessions, ...(places.length === 0 ? {} : { places: bounded(places) }), pageCount })
}

/** The page as the first of a chain of kho_blocks of sessions; undefined when it is none. */
function sessionChain(memory: PhysMemory, page: number, preserved: ReadonlySet<number>) {
  const chain = readLuoSessions(memory, page)
  if (!chain.ok || chain.value.entries.length === 0) return undefined
  const { blocks, entries } = chain.value
  const plausible =
    blocks.every((block) => preserved.has(block)) &&
    entries.every(
      ({ name, files, fileCount }) => name !== '' && (files === 0) === (fileCount === 0) && (files === 0 || preserved.has(files)),
    )
  return plausible ? { blocks, sessions: entries } : undefined
}

type Place = NonNullable<Extract<LuoIncoming, { ok: true }>['value']['places']>[number]

/** Ranges kept of all files together: order 0 folios may lie as scattered as they like. */
const RANGES_KEPT = 4096

function bounded(places: readonly Place[]): Place[] {
  let room = RANGES_KEPT
  return places.map((place) => {
    const folios = place.folios.slice(0, room)
    room -= folios.length
    return { ...place, folios, more: place.folios.length - folios.length }
  })
}

interface SessionView {
  readonly places: readonly Omit<Place, 'session'>[]
  readonly files: NonNullable<Extract<LuoIncoming, { ok: true }>>['value']['sessions'][number]['files']
  readonly pageCount: number
}

function readSession(memory: PhysMemory, session: LuoSession, seed: number): Result<SessionView> {
  const chain = readLuoFiles(memory, session.files)
  if (!chain.ok) return chain
  if (chain.value.entries.length !== session.fileCount)
    return err(`its blocks hold ${chain.value.entries.length} files, it says ${session.fileCount}`)
  const files = []
  const places: Omit<Place, 'session'>[] = []
  let pageCount = chain.value.blocks.length
  for (const file of chain.value.entries) {
    const read = readFile(memory, file, seed)
    if (!read.ok) return err(`file ${file.token}: ${read.error}`)
    files.push(read.value.view)
    if (read.value.place !== undefined) places.push({ token: read.value.view.token, ...read.value.place })
    pageCount += read.value.pageCount
  }
  return ok({ files, places, pageCount })
}

interface FileView {
  readonly view: SessionView['files'][number]
  /** Undefined for a file of a handler that the lab does not know. */
  readonly place: Omit<Place, 'session' | 'token'> | undefined
  readonly pageCount: number
}

function readFile(memory: PhysMemory, { compatible, data, token }: LuoFile, seed: number): Result<FileView> {
  const view = { token: Number(token), compatible }
  if (compatible !== MEMFD) return ok({ view, place: undefined, pageCount: 0 })
  const memfd = data < 2n ** 52n ? readMemfd(memory, Number(data)) : err('its data is no address')
  if (!memfd.ok) return memfd
  const { state, folios, array } = memfd.value
  const intactPages = countIntact(memory, memfd.value, memfdSeed(seed, Number(token)))
  return ok({
    view: { ...view, size: state.size, folios: folios.length, intactPages },
    place: {
      state: hex(Number(data)),
      lists: pageRanges([...(array?.chunks ?? []), ...(array?.pages ?? [])]),
      folios: pageRanges(folios.map(({ address }) => address)),
      more: 0,
    },
    pageCount: 1 + folios.length + (array === undefined ? 0 : array.pages.length + array.chunks.length),
  })
}

/** Pages whose every word is what the pattern says for its place in the file. */
function countIntact(memory: PhysMemory, { folios }: Memfd, seed: number): number {
  let intact = 0
  for (const { address, index } of folios) {
    const page = memory.read(address, PAGE_SIZE)
    if (page === undefined) continue
    const view = new DataView(page.buffer, page.byteOffset, PAGE_SIZE)
    let word = 0
    while (word < WORDS && view.getUint32(word * 4, true) === patternWord(seed, index * WORDS + word)) word++
    if (word === WORDS) intact++
  }
  return intact
}
