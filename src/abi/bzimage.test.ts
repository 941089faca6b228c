import { describe, expect, test } from 'vitest'
import { parseBzImage } from './bzimage.ts'
import { unhex } from './testing/captured-guest.ts'

/** Bytes 0x1f1 to 0x26c of a bzImage of Linux 7.3.4, and its version string at 0x37c0; file(1) names the same version. */
const HEADER =
  '1f0100404e03000000ffff000055aaeb6a486472530f02000000000010c0350001008000001000000000000000000000000000c04e000000000000ffffff7f' +
  '0000200001156300ff070000000000000000000000000000c40200008eb932000000000000000000000000010000000000d0f2000000000020c83400'
const VERSION = '7.3.4 (root@vm) #1 SMP PREEMPT Sun Nov 22 10:16:20 UTC 2026'

function image(change?: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(32 * 512)
  bytes.set(unhex(HEADER), 0x1f1)
  bytes.set(new TextEncoder().encode(VERSION), 0x37c0)
  change?.(new DataView(bytes.buffer))
  return bytes
}

describe('bzImage', () => {
  test('the header of a 7.3.4 kernel', () => {
    expect(parseBzImage(image())).toEqual({
      ok: true,
      value: {
        version: 0x020f,
        kernelVersion: VERSION,
        release: '7.3.4',
        setupSects: 31,
        syssize: 0x34e40,
        relocatable: true,
        kernelAlignment: 0x200000,
        prefAddress: 0x1000000,
        initSize: 0xf2d000,
        initrdAddrMax: 0x7fffffff,
        cmdlineSize: 2047,
        xloadflags: 0x63,
        loadflags: 1,
        fileSize: 16384,
      },
    })
  })

  test('0 setup sectors mean 4', () => {
    const parsed = parseBzImage(image((view) => view.setUint8(0x1f1, 0)))
    expect(parsed.ok && parsed.value.setupSects).toBe(4)
  })

  test.each<[string, (view: DataView) => void]>([
    ["there is no 'HdrS' at 0x202: this file is no bzImage", (view) => view.setUint8(0x202, 0)],
    ['there is no boot sector signature at 0x1fe', (view) => view.setUint16(0x1fe, 0)],
    ['boot protocol 0x20b is older than 2.12', (view) => view.setUint16(0x206, 0x20b, true)],
    ['the kernel is a zImage: its code is not loaded at 1 MiB', (view) => view.setUint8(0x211, 0x80)],
    ['the kernel is not a 64-bit kernel', (view) => view.setUint16(0x236, 0x62, true)],
    ['the kernel cannot be loaded above 4 GiB', (view) => view.setUint16(0x236, 0x61, true)],
    ['the kernel names no version', (view) => view.setUint16(0x20e, 0, true)],
    ["the kernel's version string at 0x101ff is not readable", (view) => view.setUint16(0x20e, 0xffff, true)],
    ['pref_address is 2^52 or more', (view) => view.setBigUint64(0x258, 2n ** 52n, true)],
    ['kernel_alignment is 0', (view) => view.setUint32(0x230, 0, true)],
    ['the setup code has 32 sectors, more than the file', (view) => view.setUint8(0x1f1, 32)],
  ])('%s', (error, change) => {
    expect(parseBzImage(image(change))).toEqual({ ok: false, error })
  })

  test('a file of 1023 bytes', () => {
    expect(parseBzImage(new Uint8Array(1023))).toEqual({
      ok: false,
      error: 'a bzImage has at least 1024 bytes, this file has 1023',
    })
  })
})
