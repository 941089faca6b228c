import { describe, expect, test } from 'vitest'
import { decodeBootParams, e820TypeName } from './boot-params.ts'
import { khoLines, decodeMessage, memblockReservations } from './dmesg.ts'
import { kexecLoads } from './kexec-log.ts'
import { decodeKexecMetadata, encodeKexecMetadata } from './kexec-metadata.ts'
import { decodeKhoRoot } from './kho-root.ts'
import { decodeLuo, encodeLuo } from './luo.ts'
import { decodeMemblockFdt } from './memblock-fdt.ts'
import { preserveRange } from './preserve.ts'
import { decodeKhoSetupData, encodeKhoSetupData } from './setup-data.ts'
import * as guest from './testing/captured-guest.ts'

const { unhex } = guest
const value = <T>(result: { ok: true; value: T } | { ok: false; error: string }): T => {
  if (!result.ok) throw new Error(result.error)
  return result.value
}

describe('what a 7.3.4 guest showed', () => {
  test('the root FDT', () => {
    expect(decodeKhoRoot(unhex(guest.IN_FDT))).toEqual({
      ok: true,
      value: {
        compatible: 'kho-v4',
        memoryMap: 0x5a1000,
        subtrees: [
          { name: 'memblock', address: 0x629000, size: 210 },
          { name: 'LUO', address: 0x620000, size: 32 },
          { name: 'kexec-metadata', address: 0x5e6000, size: 73 },
        ],
        broken: [],
        totalSize: 345,
      },
    })
  })

  test('out/fdt of the same boot, which debugfs cut at 233 bytes', () => {
    expect(decodeKhoRoot(unhex(guest.IN_FDT).subarray(0, 233))).toEqual({
      ok: false,
      error: 'the header says 345 bytes, only 233 are there',
    })
  })

  test('the memblock subtree', () => {
    expect(decodeMemblockFdt(unhex(guest.MEMBLOCK))).toEqual({
      ok: true,
      value: { compatible: 'memblock-v1', regions: [{ name: 'trace', start: 0x3da00000, size: 12 * 2 ** 20 }], totalSize: 210 },
    })
  })

  test('LUO state, and the freed page that debugfs shows after the hop', () => {
    const luo = value(decodeLuo(unhex(guest.LUO)))
    expect(luo).toEqual({ compatible: 'luo-v5', liveupdateNumber: 1, sessions: 0, flbs: 0x61f000 })
    expect(encodeLuo(luo)).toEqual(unhex(guest.LUO))
    expect(decodeLuo(unhex(guest.LUO_DANGLING))).toEqual({ ok: false, error: "compatible '(no text)' is not luo-v5" })
  })

  test('kexec-metadata', () => {
    const metadata = value(decodeKexecMetadata(unhex(guest.KEXEC_METADATA)))
    expect(metadata).toEqual({ version: 1, previousRelease: '7.3.4', kexecCount: 1 })
    expect(encodeKexecMetadata(metadata)).toEqual(unhex(guest.KEXEC_METADATA))
  })

  test('setup_data of type 10', () => {
    const data = value(decodeKhoSetupData(unhex(guest.KHO_SETUP_DATA)))
    expect(data).toEqual({ fdtAddress: 0x5a2000, fdtSize: 4096, scratchAddress: 0x3d7f0000, scratchSize: 48 })
    expect(encodeKhoSetupData(data)).toEqual(unhex(guest.KHO_SETUP_DATA))
  })

  test('boot_params', () => {
    const page = new Uint8Array(4096)
    for (const [offset, hex] of guest.BOOT_PARAMS) page.set(unhex(hex), offset)
    const { e820, ...rest } = value(decodeBootParams(page))
    expect(rest).toEqual({ ramdiskImage: 0x3c154000, ramdiskSize: 0x6ab600, cmdLinePtr: 0x3d7fa000, setupData: 0x3d7fa0d0 })
    expect(
      e820.map(({ start, size, type }) => `${start.toString(16)}-${(start + size - 1).toString(16)} ${e820TypeName(type)}`),
    ).toEqual([
      '0-9fbff System RAM',
      '9fc00-9ffff Reserved',
      'f0000-fffff Reserved',
      '100000-3ffdffff System RAM',
      '3ffe0000-3fffffff Reserved',
      'b0000000-bfffffff Reserved',
      'fed1c000-fed1ffff Reserved',
      'fffc0000-ffffffff Reserved',
      'fd00000000-ffffffffff Reserved',
    ])
  })

  test('the segments of the image that it loaded', () => {
    expect(kexecLoads(guest.LOG)).toEqual([
      {
        commandLine: undefined,
        count: undefined,
        segments: [
          { start: 0x3d7f0000, bufsz: 0x30, memsz: 0x1000, name: undefined },
          { start: 0x3d7fb000, bufsz: 0x4000, memsz: 0x5000, name: 'purgatory' },
          { start: 0x3d7f9000, bufsz: 0x1170, memsz: 0x2000, name: 'boot_params' },
          { start: 0x3c800000, bufsz: 0x34e400, memsz: 0xf2d000, name: 'kernel' },
          { start: 0x3c154000, bufsz: 0x6ab600, memsz: 0x6ac000, name: 'initrd' },
        ],
      },
    ])
  })

  test('its words about KHO', () => {
    expect(khoLines(guest.LOG).map((line) => decodeMessage(line))).toEqual([
      { kind: 'handover-found' },
      { kind: 'reserve-mem-revived', name: 'trace' },
      { kind: 'luo-retrieved', liveupdateNumber: 1 },
      { kind: 'exec-from', release: '7.3.4', count: 1 },
    ])
  })

  test('what it reserved is what the first boot preserved: 12 MiB of reserve_mem and five pages of its own', () => {
    const reserved = memblockReservations(guest.LOG)
      .filter(({ caller }) => caller.startsWith('kho_preserved_memory_reserve+'))
      .map(({ start, end }) => ({ start, order: Math.log2((end - start) / 4096) }))
      .toSorted((a, b) => a.start - b.start)
    const pages = [0x5a2000, 0x5e6000, 0x61f000, 0x620000, 0x629000].map((start) => ({ start, order: 0 }))
    expect(reserved).toEqual([...pages, ...preserveRange(0x3da00000, 12 * 2 ** 20)])
  })
})
