import type { PhysAddr } from '../shared/units.ts'
import { addressOf, logLines } from './dmesg.ts'

/** One segment of a loaded image, as `segment[i]: buf=… bufsz=… mem=… memsz=…` prints it. */
export interface LoadedSegment {
  readonly start: PhysAddr
  readonly bufsz: number
  readonly memsz: number
  /** Told by the `Loaded … at` line with the same address; undefined for segments that have none, such as KHO's scratch array. */
  readonly name: 'purgatory' | 'boot_params' | 'kernel' | 'initrd' | undefined
}

export interface KexecLoad {
  /** In the order of the kexec_add_buffer() calls. */
  readonly segments: readonly LoadedSegment[]
  /** nr_segments, where the log still has it; more than `segments` when lines were lost. */
  readonly count: number | undefined
  readonly commandLine: string | undefined
}

const BEGIN = /^(?:kexec_file: )?kernel: \S{1,40} kernel_size: /
const COMMAND_LINE = /^kexec-bzImage64: Final command line is: (.*)$/
const LOADED = /^kexec-bzImage64: Loaded (purgatory|boot_param|64bit kernel|initrd)[^0-9]{0,40} at (0x[0-9a-f]{1,16})\b/
const COUNT = /^(?:kexec_file: )?nr_segments = (\d{1,5})$/
const SEGMENT =
  /^(?:kexec_file: )?segment\[(\d{1,5})\]: buf=0x[0-9a-f]{1,16} bufsz=(0x[0-9a-f]{1,16}) mem=(0x[0-9a-f]{1,16}) memsz=(0x[0-9a-f]{1,16})$/

type Name = NonNullable<LoadedSegment['name']>

/**
 * Every kexec_file_load() that the log shows with the flag KEXEC_FILE_DEBUG (kernel/kexec_file.c and
 * arch/x86/kernel/kexec-bzimage64.c, 7.3), in order. The image that `kexec -e` starts is the last.
 */
export function kexecLoads(log: string): readonly KexecLoad[] {
  const loads: KexecLoad[] = []
  let segments: LoadedSegment[] = []
  let names = new Map<PhysAddr, Name>()
  let count: number | undefined
  let commandLine: string | undefined
  for (const line of logLines(log)) {
    if (BEGIN.test(line)) {
      names = new Map()
      count = undefined
      commandLine = undefined
    }
    commandLine = COMMAND_LINE.exec(line)?.[1] ?? commandLine
    count = numberOf(COUNT.exec(line)?.[1]) ?? count
    const loaded = LOADED.exec(line)
    const at = addressOf(loaded?.[2] ?? 'none')
    if (at !== undefined) names.set(at, segmentName(loaded?.[1] ?? ''))
    const match = SEGMENT.exec(line)
    if (match === null) continue
    if (match[1] === '0' || loads.length === 0) {
      segments = []
      loads.push({ segments, count, commandLine })
    }
    const segment = segmentOf(match, names)
    if (segment !== undefined) segments.push(segment)
  }
  return loads
}

const numberOf = (digits: string | undefined): number | undefined => (digits === undefined ? undefined : Number(digits))

function segmentName(word: string): Name {
  switch (word) {
    case 'purgatory':
      return 'purgatory'
    case 'boot_param':
      return 'boot_params'
    case 'initrd':
      return 'initrd'
    default:
      return 'kernel'
  }
}

function segmentOf(match: RegExpExecArray, names: ReadonlyMap<PhysAddr, Name>): LoadedSegment | undefined {
  const bufsz = addressOf(match[2] ?? '')
  const start = addressOf(match[3] ?? '')
  const memsz = addressOf(match[4] ?? '')
  if (bufsz === undefined || start === undefined || memsz === undefined) return undefined
  return { start, bufsz, memsz, name: names.get(start) }
}
