import { constants } from 'node:os'
import { err, ok, type Result } from '../../shared/result.ts'

/** One path that the guest's capture tool visited. `errno` is 0 when the path could be read; a read that failed half way keeps its bytes. */
export type CaptureFrame =
  | { readonly kind: 'file'; readonly path: string; readonly errno: number; readonly bytes: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly errno: number }

export interface FrameLimits {
  readonly maxFrames: number
  /** Longest header line in bytes, the line feed included. */
  readonly maxHeader: number
}

export const FRAME_LIMITS: FrameLimits = { maxFrames: 10_000, maxHeader: 4200 }

const LINE_FEED = 0x0a
const HEADER = /^([FD]) (0|[1-9]\d{0,3}) (0|[1-9]\d{0,15}) (\/[^\0]*)$/

/**
 * Splits what `kho-capture` wrote: per path a line `F <errno> <length> <path>` followed by that many bytes,
 * or `D <errno> 0 <path>`. The stream comes from the guest, so nothing in it is believed: every length is checked
 * against what is there, paths must be absolute and plain (no `.`/`..`, no empty segment), each appears once, and none
 * lies below a file. Bytes are views into `stream`. The error says at which offset the stream stopped making sense.
 */
export function parseFrames(stream: Uint8Array, limits: FrameLimits = FRAME_LIMITS): Result<CaptureFrame[]> {
  const text = new TextDecoder('utf-8', { fatal: true })
  const frames: CaptureFrame[] = []
  const kinds = new Map<string, 'file' | 'directory'>()
  let offset = 0
  while (offset < stream.length) {
    const fail = (why: string) => err(`capture stream, offset ${offset}: ${why}`)
    if (frames.length === limits.maxFrames) return fail(`more than ${limits.maxFrames} paths`)
    const end = stream.subarray(offset, offset + limits.maxHeader).indexOf(LINE_FEED)
    if (end === -1) return fail('a header without its line feed')
    let line: string
    try {
      line = text.decode(stream.subarray(offset, offset + end))
    } catch {
      return fail('a header that is not UTF-8')
    }
    const match = HEADER.exec(line)
    const [, kind, errnoText, lengthText, path] = match ?? []
    if (kind === undefined || path === undefined) return fail('not a header')
    const problem = pathProblem(path, kinds)
    if (problem !== undefined) return fail(problem)
    const errno = Number(errnoText)
    const length = Number(lengthText)
    const start = offset + end + 1
    if (length > stream.length - start) return fail(`${length} bytes announced, ${stream.length - start} are there`)
    if (length > 0 && kind === 'D') return fail('bytes after a directory')
    if (kind === 'D') frames.push({ kind: 'directory', path, errno })
    else frames.push({ kind: 'file', path, errno, bytes: stream.subarray(start, start + length) })
    kinds.set(path, kind === 'D' ? 'directory' : 'file')
    offset = start + length
  }
  return ok(frames)
}

function pathProblem(path: string, kinds: ReadonlyMap<string, 'file' | 'directory'>): string | undefined {
  const segments = path.slice(1).split('/')
  if (path !== '/' && segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return 'not a plain absolute path'
  if (kinds.has(path)) return `the path ${path} appears twice`
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    if (kinds.get(path.slice(0, cut)) === 'file') return `the path ${path} lies below a file`
  }
  return undefined
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
)

/** ENOENT for 2; `errno 999` for a number that has no name. The guest's kernel is Linux, as is the host's. */
export const errnoName = (errno: number): string => ERRNO_NAMES.get(errno) ?? `errno ${errno}`
