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
  /** nr_segments; more than `segments` has when the log lost lines. */
  readonly count: number
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
  let names = new Map<PhysAddr, Name>()
  let commandLine: string | undefined
  let segments: LoadedSegment[] = []
  for (const line of logLines(log)) {
    if (BEGIN.test(line)) {
      names = new Map()
      commandLine = undefined
    }
    commandLine = COMMAND_LINE.exec(line)?.[1] ?? commandLine
    const loaded = LOADED.exec(line)
    const at = loaded === null ? undefined : addressOf(loaded[2] ?? '')
    if (at !== undefined) names.set(at, segmentName(loaded?.[1] ?? ''))
    const count = COUNT.exec(line)
    if (count !== null) {
      segments = []
      loads.push({ segments, count: Number(count[1]), commandLine })
    }
    const segment = segmentOf(SEGMENT.exec(line), names)
    if (segment !== undefined && loads.length > 0) segments.push(segment)
  }
  return loads
}

function segmentName(word: string): Name {
  switch (word) {
    case 'purgatory': return 'purgatory'
    case 'boot_param': return 'boot_params'
    case 'initrd': return 'initrd'
    default: return 'kernel'
  }
}

function segmentOf(match: RegExpExecArray | null, names: ReadonlyMap<PhysAddr, Name>): LoadedSegment | undefined {
  const bufsz = addressOf(match?.[2] ?? '')
  const start = addressOf(match?.[3] ?? '')
  const memsz = addressOf(match?.[4] ?? '')
  if (match === null || bufsz === undefined || start === undefined || memsz === undefined) return undefined
  return { start, bufsz, memsz, name: names.get(start) }
}
