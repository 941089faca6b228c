import { PHYS_ADDR_LIMIT, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'

/** What a KHO kernel says in its log, as data. Lines that mean nothing here are no error: a log holds everything. */
export type KernelMessage =
  /** kho_populate() accepted a handover. */
  | { readonly kind: 'handover-found' }
  | { readonly kind: 'exec-from'; readonly release: string; readonly count: number }
  | { readonly kind: 'scratch-scale'; readonly percent: number }
  /** Explicit kho_scratch= sizes; printed even where a handover makes them meaningless. */
  | { readonly kind: 'scratch-areas'; readonly lowmemMiB: number; readonly globalMiB: number; readonly pernodeMiB: number }
  | { readonly kind: 'handover-incompatible'; readonly address: PhysAddr; readonly wanted: string }
  | { readonly kind: 'handover-invalid'; readonly address: PhysAddr; readonly error: number }
  | { readonly kind: 'handover-dropped' }
  | { readonly kind: 'scratch-failed'; readonly what: string }
  | { readonly kind: 'kho-disabled' }
  | { readonly kind: 'luo-retrieved'; readonly liveupdateNumber: number }
  | { readonly kind: 'reserve-mem-revived'; readonly name: string }
  /** Any other line of KHO, LUO or reserve_mem. */
  | { readonly kind: 'other' }

type Reader = (match: RegExpExecArray) => KernelMessage | undefined

/** Messages of kernel/liveupdate/kexec_handover.c, luo_core.c and mm/memblock.c (7.3); the forms of 6.18 and 7.1 are the same or named. */
const VOCABULARY: readonly (readonly [RegExp, Reader])[] = [
  // 6.18 adds "Will skip init for some devices".
  [/^KHO: found kexec handover data\./, () => ({ kind: 'handover-found' })],
  [/^KHO: exec from: (\S{1,64}) \(count (\d{1,10})\)$/, (m) => ({ kind: 'exec-from', release: text(m, 1), count: Number(m[2]) })],
  [/^KHO: scratch scale is (\d{1,10})%$/, (m) => ({ kind: 'scratch-scale', percent: Number(m[1]) })],
  [
    /^KHO: scratch areas: lowmem: (\d{1,15})MiB global: (\d{1,15})MiB pernode: (\d{1,15})MiB$/,
    (m) => ({ kind: 'scratch-areas', lowmemMiB: Number(m[1]), globalMiB: Number(m[2]), pernodeMiB: Number(m[3]) }),
  ],
  [
    /^KHO: setup: handover FDT \((0x[0-9a-f]{1,16})\) is incompatible with '([^']{1,64})': 1$/,
    (m) => {
      const address = addressOf(text(m, 1))
      return address === undefined ? undefined : { kind: 'handover-incompatible', address, wanted: text(m, 2) }
    },
  ],
  [
    /^KHO: setup: handover FDT \((0x[0-9a-f]{1,16})\) is invalid: (-\d{1,5})$/,
    (m) => {
      const address = addressOf(text(m, 1))
      return address === undefined ? undefined : { kind: 'handover-invalid', address, error: Number(m[2]) }
    },
  ],
  // 6.19 and older add the error number.
  [/^KHO: disabling KHO revival(?:: -\d{1,5})?$/, () => ({ kind: 'handover-dropped' })],
  [
    /^KHO: Failed to reserve (scratch array|lowmem scratch buffer|global scratch buffer|nid \d{1,5} scratch buffer)$/,
    (m) => ({ kind: 'scratch-failed', what: text(m, 1) }),
  ],
  [
    /^KHO: (?:Failed to reserve scratch area, disabling kexec handover|disabled in the kdump kernel)$/,
    () => ({ kind: 'kho-disabled' }),
  ],
  [
    /^luo: Retrieved live update data, liveupdate number: (\d{1,15})$/,
    (m) => ({ kind: 'luo-retrieved', liveupdateNumber: Number(m[1]) }),
  ],
  [/^Revived memory reservation '([^']{1,64})' from KHO$/, (m) => ({ kind: 'reserve-mem-revived', name: text(m, 1) })],
]

/** Every line that KHO and its users print starts with one of these, or is one of reserve_mem's without a prefix. */
const OURS = [
  /^(?:KHO|luo|luo_core|luo_session|luo_file|luo_flb|memfd_luo|kho_block|test_kho): /,
  /^(?:Revived memory reservation|KHO reserve-mem) '/,
  /^(?:FDT|Node) '[^']{1,64}' (?:is incompatible with|has no child) '/,
  /^failed to (?:retrieve FDT '[^']{1,64}' from KHO|prepare memblock FDT for KHO): /,
  /^reserve_mem: /,
  /^Passed KHO data, but CONFIG_KEXEC_HANDOVER not set\. Ignoring\.$/,
  /^The incoming tree failed to initialize properly /,
]

const text = (match: RegExpExecArray, group: number): string => match[group] ?? ''

/** A line without `<6>`, `[    0.000000]` and `[    T0]`, whichever of them it starts with; also of /dev/kmsg's form `6,1,0,-;`. */
export const stripTimestamp = (line: string): string =>
  line
    .replace(/^(?:<\d{1,3}>)?(?:\[ {0,12}\d{1,12}\.\d{1,9}\] ?)?(?:\[ {0,12}[TC]\d{1,10}\] ?)?/, '')
    .replace(/^\d{1,3},\d{1,20},\d{1,20},[^;]{1,64};/, '')

/** The lines of a log without time stamps and carriage returns; empty ones left out. */
export const logLines = (log: string): readonly string[] =>
  log
    .split('\n')
    .map((line) => stripTimestamp(line.replace(/\r$/, '')))
    .filter((line) => line !== '')

/** What one line (without time stamp) says; undefined when it is none of KHO, LUO or reserve_mem. */
export function decodeMessage(line: string): KernelMessage | undefined {
  for (const [pattern, read] of VOCABULARY) {
    const match = pattern.exec(line)
    const message = match === null ? undefined : read(match)
    if (message !== undefined) return message
  }
  return OURS.some((pattern) => pattern.test(line)) ? { kind: 'other' } : undefined
}

/** The lines of KHO, LUO and reserve_mem, as printed but without time stamps. */
export const khoLines = (log: string): readonly string[] => logLines(log).filter((line) => decodeMessage(line) !== undefined)

export interface EarlyReservation {
  readonly start: PhysAddr
  /** Exclusive; the log has the last byte. */
  readonly end: PhysAddr
  /** -1 is NUMA_NO_NODE; undefined in releases that print none. */
  readonly nid: number | undefined
  /** enum memblock_flags in hexadecimal without 0x, as printed; undefined in releases that print none. */
  readonly flags: string | undefined
  /** `function+offset/size`, or a bare address without CONFIG_KALLSYMS. */
  readonly caller: string
}

const RESERVE =
  /^(?:__)?memblock_reserve: \[(0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})\](?: nid=(-?\d{1,5}))?(?: flags=([0-9a-f]{1,8}))? (\S{1,200})/

/**
 * Every memblock_reserve() that `memblock=debug` printed (__memblock_reserve(), mm/memblock.c, 7.3), in their order.
 * One of 0 bytes, as for a global scratch area that is not needed, has its end at its start.
 */
export function memblockReservations(log: string): readonly EarlyReservation[] {
  return logLines(log).flatMap((line) => {
    const match = RESERVE.exec(line)
    const start = match === null ? undefined : addressOf(text(match, 1))
    const last = match === null ? undefined : addressOf(text(match, 2))
    if (match === null || start === undefined || last === undefined || last + 1 < start) return []
    const nid = match[3] === undefined ? undefined : Number(match[3])
    return [{ start, end: physAddr(last + 1), nid, flags: match[4], caller: text(match, 5) }]
  })
}

/** A physical address or size in hexadecimal; undefined from 2^52 on. */
export function addressOf(hexadecimal: string): PhysAddr | undefined {
  const value = Number(hexadecimal)
  return value >= 0 && value < PHYS_ADDR_LIMIT ? physAddr(value) : undefined
}
