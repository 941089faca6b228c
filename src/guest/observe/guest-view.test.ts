import { describe, expect, test } from 'vitest'
import { notSeen, seen } from '../../shared/documents/index.ts'
import type { GuestChannel } from '../types.ts'
import { Capture, captureGuest, DMESG_FILE } from './capture.ts'
import type { CaptureFrame } from './frames.ts'
import { decodeGuestView, decodeKexecSegments } from './guest-view.ts'

const file = (path: string, text: string, errno = 0): CaptureFrame => ({ kind: 'file', path, errno, bytes: Buffer.from(text) })
const directory = (path: string): CaptureFrame => ({ kind: 'directory', path, errno: 0 })
const KHO = '/sys/kernel/debug/kho'
const raw = { put: (name: string, bytes: Uint8Array) => ({ size: bytes.length, sha256: '0'.repeat(64), file: name }) }
const view = (...frames: CaptureFrame[]) => decodeGuestView(new Capture(frames), raw)

describe('decodeGuestView', () => {
  test('a first boot', () => {
    const seenView = view(
      directory(KHO),
      directory(`${KHO}/out`),
      file(`${KHO}/out/fdt`, 'fdt'),
      file(`${KHO}/out/scratch_len`, '0x4400000\n0x0\n'),
      file(`${KHO}/out/scratch_phys`, '0x3a400000\n0x3e800000\n'),
      directory(`${KHO}/out/sub_fdts`),
      file(`${KHO}/out/sub_fdts/LUO`, 'luo'),
      directory('/sys/kernel/boot_params'),
      file('/sys/kernel/boot_params/data', 'zero page'),
      file('/proc/cmdline', 'kho=on\n'),
      file('/proc/iomem', '00001000-0009fbff : System RAM\n'),
      file(DMESG_FILE, '[    0.1] KHO: exec from: 7.3.4 (count 1)\n[    0.2] other\n'),
    )
    expect(seenView).toMatchObject({
      cmdline: seen('kho=on'),
      khoDirectory: seen(true),
      scratchPhys: seen(['0x3a400000', '0x3e800000']),
      scratchLen: seen(['0x4400000', '0x0']),
      outFdt: seen({ size: 3, file: `${KHO}/out/fdt` }),
      inFdt: notSeen(`ENOENT: ${KHO}/in/fdt`),
      outSubtrees: seen({ LUO: { size: 3 } }),
      inSubtrees: notSeen(`ENOENT: ${KHO}/in/sub_fdts`),
      setupData: seen([]),
      iomem: seen([{ start: '0x1000', end: '0x9fc00', name: 'System RAM', depth: 0 }]),
      khoMessages: seen(['KHO: exec from: 7.3.4 (count 1)']),
      firmwareMap: notSeen("the guest's capture has no /sys/firmware/memmap"),
      bootId: notSeen("the guest's capture has no /proc/sys/kernel/random/boot_id"),
    })
  })

  test('a kernel without KHO: the directory is known to be absent, and everything below it says why', () => {
    const seenView = view(file(KHO, '', 2))
    expect(seenView.khoDirectory).toEqual(seen(false))
    expect(seenView.scratchPhys).toEqual(notSeen(`ENOENT: ${KHO}`))
    expect(seenView.outSubtrees).toEqual(notSeen(`ENOENT: ${KHO}`))
  })

  test('a directory that could not be read is not absent', () => {
    expect(view(file(KHO, '', 13)).khoDirectory).toEqual(notSeen(`EACCES: ${KHO}`))
    expect(view().khoDirectory).toEqual(notSeen(`the guest's capture has no ${KHO}`))
  })

  test('a read that broke off has no value, although bytes came', () => {
    expect(view(directory(KHO), file(`${KHO}/out/fdt`, 'half', 5)).outFdt).toEqual(notSeen(`EIO: ${KHO}/out/fdt`))
  })

  test('lines that are no numbers', () => {
    expect(view(directory(KHO), file(`${KHO}/out/scratch_phys`, '0x1\nhello\n')).scratchPhys).toEqual(
      notSeen('not a hexadecimal number: hello'),
    )
  })

  test('setup_data in the order of the chain', () => {
    const base = '/sys/kernel/boot_params'
    const entries = [10, 2, 0].flatMap((number) => [
      directory(`${base}/setup_data/${number}`),
      file(`${base}/setup_data/${number}/data`, `d${number}`),
      file(`${base}/setup_data/${number}/type`, `0x${number.toString(16)}\n`),
    ])
    const { setupData } = view(directory(base), directory(`${base}/setup_data`), ...entries)
    expect(setupData.ok && setupData.value.map(({ type, data }) => [type, data.size])).toEqual([
      [0, 2],
      [2, 2],
      [10, 3],
    ])
  })
})

test('segments of the load that is current; a list with lines missing is not used', () => {
  const log = (segments: string, count = 1) => seen(`kexec_file: nr_segments = ${count}\n${segments}`)
  const line = 'kexec_file: segment[0]: buf=0xa bufsz=0x30 mem=0x3e7f0000 memsz=0x1000\n'
  expect(decodeKexecSegments(log(line))).toEqual(seen([{ start: '0x3e7f0000', memsz: '0x1000', bufsz: '0x30' }]))
  expect(decodeKexecSegments(log(line, 3))).toEqual(notSeen('the kernel log lists 1 of 3 segments'))
  expect(decodeKexecSegments(seen('nothing'))).toEqual(
    notSeen('the kernel log has no segment list of kexec_file_load (KEXEC_FILE_DEBUG)'),
  )
  expect(decodeKexecSegments(notSeen('lost'))).toEqual(notSeen('lost'))
})

describe('captureGuest', () => {
  const answering = (stdout: string, code = 0): GuestChannel => ({
    memory: { ranges: [], read: () => undefined },
    exec: async () => ({ code, stdout: Buffer.from(stdout), stderr: 'sh: kho-capture: not found' }),
    pause: async () => undefined,
    resume: async () => undefined,
    qmp: async () => undefined,
  })

  test('a stream that cannot be understood is the reason of every reading', async () => {
    const capture = await captureGuest(answering('nonsense\n'))
    expect(capture.file('/proc/iomem')).toEqual(notSeen('capture stream, offset 0: not a header'))
  })

  test('a guest without the tool is an error', async () => {
    await expect(captureGuest(answering('', 127))).rejects.toMatchObject({ code: 'guest-command-failed' })
  })
})
