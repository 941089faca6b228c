import { kexecLoads } from '../../abi/kexec-log.ts'
import { khoLines, memblockReservations } from '../../abi/dmesg.ts'
import { parseFirmwareMemmap } from '../../abi/firmware-memmap.ts'
import { parseIomem } from '../../abi/iomem.ts'
import {
  notSeen,
  seen,
  type Blob,
  type GuestView,
  type IomemEntry,
  type KexecSegment,
  type Reading,
} from '../../shared/documents/index.ts'
import { ok, type Result } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import { DMESG_FILE, type Capture } from './capture.ts'
import { decodeGuestMemory } from './guest-memory.ts'
import type { RawStore } from './raw-store.ts'

const KHO = '/sys/kernel/debug/kho'
const MEMMAP = '/sys/firmware/memmap'
const SETUP_DATA = '/sys/kernel/boot_params/setup_data'

/** The lines of /proc/iomem, as documents have them. */
export function iomemEntries(text: string): Result<IomemEntry[]> {
  const parsed = parseIomem(text)
  return parsed.ok
    ? ok(parsed.value.map(({ start, end, name, depth }) => ({ start: hex(start), end: hex(end), name, depth })))
    : parsed
}

/** Keeps every captured file as it came and decodes what the lab knows; a reading that failed says why. */
export function decodeGuestView(capture: Capture, raw: RawStore): GuestView {
  const blobs = new Map<string, Blob>()
  for (const { path, bytes } of capture.files()) blobs.set(path, raw.put(path === DMESG_FILE ? 'dmesg' : path, bytes))
  const blob = (path: string): Reading<Blob> => {
    const kept = blobs.get(path)
    const file = capture.file(path)
    return kept === undefined || !file.ok ? (file.ok ? notSeen(`not kept: ${path}`) : file) : seen(kept)
  }
  const trimmed = (path: string): Reading<string> => mapped(capture.text(path), (text) => text.trim())
  const log = capture.text(DMESG_FILE)
  return {
    bootId: trimmed('/proc/sys/kernel/random/boot_id'),
    release: trimmed('/proc/sys/kernel/osrelease'),
    cmdline: trimmed('/proc/cmdline'),
    khoDirectory: capture.hasDirectory(KHO),
    scratchPhys: checked(capture.text(`${KHO}/out/scratch_phys`), hexLines),
    scratchLen: checked(capture.text(`${KHO}/out/scratch_len`), hexLines),
    outFdt: blob(`${KHO}/out/fdt`),
    inFdt: blob(`${KHO}/in/fdt`),
    outSubtrees: blobsBelow(capture, `${KHO}/out/sub_fdts`, blob),
    inSubtrees: blobsBelow(capture, `${KHO}/in/sub_fdts`, blob),
    firmwareMap: firmwareMap(capture),
    iomem: checked(capture.text('/proc/iomem'), iomemEntries),
    bootParams: blob('/sys/kernel/boot_params/data'),
    setupData: setupData(capture, blob),
    dmesg: blob(DMESG_FILE),
    khoMessages: mapped(log, (text) => [...khoLines(text)]),
    memblockReserved: mapped(log, (text) =>
      memblockReservations(text).map(({ start, end, flags, caller }) => ({
        start: hex(start),
        end: hex(end),
        ...(flags === undefined ? {} : { flags }),
        caller,
      })),
    ),
    memory: decodeGuestMemory(capture),
  }
}

/** Segments of the image that is loaded now, from the log that kexec_file_load() wrote under KEXEC_FILE_DEBUG. */
export function decodeKexecSegments(log: Reading<string>): Reading<KexecSegment[]> {
  if (!log.ok) return log
  const load = kexecLoads(log.value).at(-1)
  if (load === undefined) return notSeen('the kernel log has no segment list of kexec_file_load (KEXEC_FILE_DEBUG)')
  if (load.count !== undefined && load.count !== load.segments.length) {
    return notSeen(`the kernel log lists ${load.segments.length} of ${load.count} segments`)
  }
  return seen(
    load.segments.map(({ start, memsz, bufsz, name }) => ({
      start: hex(start),
      memsz: hex(memsz),
      bufsz: hex(bufsz),
      ...(name === undefined ? {} : { name }),
    })),
  )
}

function hexLines(text: string): Result<string[]> {
  const lines = text.split('\n').filter((line) => line !== '')
  const wrong = lines.find((line) => !/^0x[0-9a-f]{1,16}$/.test(line))
  return wrong === undefined
    ? { ok: true, value: lines }
    : { ok: false, error: `not a hexadecimal number: ${wrong.slice(0, 40)}` }
}

function firmwareMap(capture: Capture): GuestView['firmwareMap'] {
  const exists = capture.list(MEMMAP)
  if (!exists.ok) return exists
  const texts = capture
    .files()
    .filter(({ path }) => path.startsWith(`${MEMMAP}/`))
    .map(({ path, bytes }) => ({ path, text: new TextDecoder().decode(bytes) }))
  const parsed = parseFirmwareMemmap(texts)
  return parsed.ok
    ? seen(parsed.value.map(({ start, end, type }) => ({ start: hex(start), end: hex(end), type })))
    : notSeen(parsed.error)
}

function blobsBelow(capture: Capture, directory: string, blob: (path: string) => Reading<Blob>): Reading<Record<string, Blob>> {
  const names = capture.list(directory)
  if (!names.ok) return names
  const found: [string, Blob][] = []
  for (const name of names.value) {
    const one = blob(`${directory}/${name}`)
    if (!one.ok) return notSeen(one.reason)
    found.push([name, one.value])
  }
  return seen(Object.fromEntries(found))
}

/** setup_data/N are numbered along the chain (arch/x86/kernel/ksysfs.c, 7.3). Without any, the directory does not exist. */
function setupData(capture: Capture, blob: (path: string) => Reading<Blob>): GuestView['setupData'] {
  const names = capture.list(SETUP_DATA)
  if (!names.ok) {
    const parent = capture.hasDirectory('/sys/kernel/boot_params')
    return parent.ok && parent.value && names.reason.startsWith('ENOENT') ? seen([]) : names
  }
  const entries: { type: number; data: Blob }[] = []
  for (const number of names.value
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)) {
    const type = capture.text(`${SETUP_DATA}/${number}/type`)
    if (!type.ok) return type
    const value = /^0x[0-9a-f]{1,8}\n?$/.test(type.value) ? Number(type.value) : Number.NaN
    if (Number.isNaN(value)) return notSeen(`setup_data ${number} has no type: ${type.value.slice(0, 40)}`)
    const data = blob(`${SETUP_DATA}/${number}/data`)
    if (!data.ok) return data
    entries.push({ type: value, data: data.value })
  }
  return seen(entries)
}

const mapped = <A, B>(reading: Reading<A>, change: (value: A) => B): Reading<B> =>
  reading.ok ? seen(change(reading.value)) : reading

function checked<A, B>(reading: Reading<A>, decode: (value: A) => Result<B>): Reading<B> {
  if (!reading.ok) return reading
  const decoded = decode(reading.value)
  return decoded.ok ? seen(decoded.value) : notSeen(decoded.error)
}
