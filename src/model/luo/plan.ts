import { isLuoStep, type LuoOperation, type WorkloadStep } from '../../shared/documents/index.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import { luoCall, type LuoCall, type SessionPlan } from './operations.ts'

/** struct luo_session_ser and struct luo_file_ser per kho_block of one page (7.3), and addresses per vmalloc chunk. */
const SESSIONS_PER_BLOCK = 51
const FILES_PER_BLOCK = 63
const CHUNK_ENTRIES = 511
/** sizeof(struct memfd_luo_folio_ser) */
const FOLIO_ENTRY = 16

/** errno of Linux. */
const EEXIST = 17
const ENOENT = 2
const EINVAL = 22
const EBADF = 9

/** What the LUO steps of one boot come to. */
export interface LuoPlan {
  readonly calls: readonly LuoCall[]
  /** What the tool must say, in order. */
  readonly reports: readonly LuoOperation[]
  /** Sessions that are held at the kexec, in the order in which they were created. */
  readonly sessions: readonly SessionPlan[]
  /** Pages of order 0 that these preserve: structures and folios. */
  readonly pages: number
  /** kho_blocks of sessions without an entry, which the next kernel refuses. */
  readonly emptyBlocks: number
}

interface State {
  readonly incoming: readonly SessionPlan[]
  /** Retrieved by a call that still holds them, and by one that is over and so has given them up (luo_session_release(), 7.3). */
  readonly held: Set<string>
  readonly gone: Set<string>
  /** Whether the call that is under way has a session to preserve in, and one to fetch from. */
  created: boolean
  retrieved: string | undefined
  readonly sessions: SessionPlan[]
  /** kho_blocks that luo_session_insert() has made room with; they only shrink when a session goes. */
  blocks: number
  readonly reports: LuoOperation[]
}

/** Carries out the steps of one boot on paper. `incoming`: what the boot before handed over and this kernel took. */
export function luoPlan(steps: readonly WorkloadStep[], incoming: readonly SessionPlan[], seed: number): LuoPlan {
  const state: State = {
    incoming,
    held: new Set(),
    gone: new Set(),
    created: false,
    retrieved: undefined,
    sessions: [],
    blocks: 0,
    reports: [],
  }
  const calls: LuoCall[] = []
  for (const step of steps) {
    if (!isLuoStep(step)) continue
    const call = luoCall(step, incoming, seed)
    calls.push(call)
    begin(state)
    for (const op of call.operations) state.reports.push(perform(state, op))
    if (call.mode === 'take') end(state)
  }
  const { sessions, blocks, reports } = state
  const filled = Math.ceil(sessions.length / SESSIONS_PER_BLOCK)
  return {
    calls,
    reports,
    sessions,
    pages: blocks + sessions.reduce((sum, session) => sum + sessionPages(session), 0),
    emptyBlocks: sessions.length === 0 ? 0 : blocks - filled,
  }
}

/** Every call is a process of its own. */
function begin(state: State): void {
  state.created = false
  state.retrieved = undefined
}

function end({ retrieved, gone }: State): void {
  if (retrieved !== undefined) gone.add(retrieved)
}

/** luo_session_insert() (kernel/liveupdate/luo_session.c, 7.3): makes room first, and looks for the name afterwards. */
function createSession(state: State, name: string): number {
  state.blocks = Math.max(state.blocks, Math.ceil((state.sessions.length + 1) / SESSIONS_PER_BLOCK))
  if (state.sessions.some((session) => session.name === name)) return EEXIST
  state.sessions.push({ name, memfds: [] })
  state.created = true
  return 0
}

function perform(state: State, op: string): LuoOperation {
  const [verb = '', text = ''] = op.split('=')
  const [first = '', second = ''] = text.split(',')
  const said = (error: number, detail?: string): LuoOperation => ({ op, error, ...(detail === undefined ? {} : { detail }) })
  switch (verb) {
    case 'create':
      return said(createSession(state, text))
    case 'many':
      return createMany(state, Number(first), second, said)
    case 'memfd':
      return said(addMemfd(state, { token: Number(first), size: Number(second) }), second)
    case 'retrieve':
      return said(retrieve(state, text))
    case 'fetch':
      return state.retrieved === undefined ? said(EBADF) : said(0, fetched(state, Number(first)))
    case 'again':
      // Nothing was fetched where nothing was retrieved.
      if (state.retrieved === undefined) return said(ENOENT)
      return said(addMemfd(state, { token: Number(first), size: fetchedSize(state, Number(first)) }))
    default:
      return said(state.retrieved === undefined ? EBADF : 0)
  }
}

function createMany(
  state: State,
  count: number,
  prefix: string,
  said: (error: number, detail: string) => LuoOperation,
): LuoOperation {
  for (let made = 0; made < count; made++) {
    const error = createSession(state, `${prefix}${made}`)
    if (error !== 0) return said(error, `${made}`)
  }
  return said(0, `${count}`)
}

/** luo_session_retrieve() (7.3): -ENOENT for a name that nobody handed over, -EINVAL for one that was retrieved before. */
function retrieve(state: State, name: string): number {
  if (!state.incoming.some((session) => session.name === name) || state.gone.has(name)) return ENOENT
  if (state.held.has(name)) return EINVAL
  state.held.add(name)
  state.retrieved = name
  return 0
}

/** Of a memfd of the session that is retrieved. */
const fetchedSize = ({ incoming, retrieved }: State, token: number): number =>
  incoming.find(({ name }) => name === retrieved)?.memfds.find((memfd) => memfd.token === token)?.size ?? 0

/** Bytes, and pages that hold what they should: all of them. */
function fetched(state: State, token: number): string {
  const size = fetchedSize(state, token)
  return `${size} ${size / PAGE_SIZE}`
}

/** Into the session that this call created last. */
function addMemfd({ sessions, created }: State, memfd: { token: number; size: number }): number {
  const last = created ? sessions.pop() : undefined
  if (last === undefined) return EBADF
  sessions.push({ ...last, memfds: [...last.memfds, memfd] })
  return 0
}

const sessionPages = ({ memfds }: SessionPlan): number =>
  Math.ceil(memfds.length / FILES_PER_BLOCK) + memfds.reduce((sum, { size }) => sum + memfdPages(size / PAGE_SIZE), 0)

/**
 * memfd_luo_preserve() (mm/memfd_luo.c, 7.3): its state, one folio of order 0 per page (shmem without huge pages), the array of
 * folios in vmalloc space, and the chunks that list its pages; kho_preserve_vmalloc() begins a new chunk as soon as one is full.
 */
function memfdPages(folios: number): number {
  const array = Math.ceil((folios * FOLIO_ENTRY) / PAGE_SIZE)
  return 1 + folios + array + Math.floor(array / CHUNK_ENTRIES) + 1
}
