import { encodeKexecMetadata } from '../abi/kexec-metadata.ts'
import { kernelMemblockFdt, kernelRootFdt } from '../abi/libfdt-layout.ts'
import { encodeLuo } from '../abi/luo.ts'
import { radixLayout } from '../abi/radix.ts'
import { physAddr, fromHex, hex } from '../shared/units.ts'
import type { Blob } from '../shared/documents/index.ts'

/** What both boots of the sample have in common: where things lie and what the kernel's own structures hold. */

export const RELEASE = '7.3.4'
export const CMDLINE = 'console=ttyS0 kho=on liveupdate=on reserve_mem=12M:4096:trace nokaslr memblock=debug'

/** Stands in for SHA-256, which this room does not compute: 64 digits that depend on every byte. */
export function sha256(data: Uint8Array | string): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return Array.from({ length: 8 }, (_unused, seed) => {
    let state = seed + 1
    for (const byte of bytes) state = (state * 48_271 + byte) % 4_294_967_291
    return state.toString(16).padStart(8, '0')
  }).join('')
}

export function blobOf(bytes: Uint8Array): Blob {
  return {
    size: bytes.length,
    sha256: sha256(bytes),
    hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  }
}

export const REGIONS = [
  { start: '0x3a400000', size: '0x4400000' },
  { start: '0x3e800000', size: '0x0' },
  { start: '0x33800000', size: '0x3c00000' },
]
export const FIRMWARE_MAP = [
  { start: '0x0', end: '0x9fc00', type: 'System RAM' },
  { start: '0x9fc00', end: '0xa0000', type: 'Reserved' },
  { start: '0xf0000', end: '0x100000', type: 'Reserved' },
  { start: '0x100000', end: '0x3ffe0000', type: 'System RAM' },
  { start: '0x3ffe0000', end: '0x40000000', type: 'Reserved' },
  { start: '0xb0000000', end: '0xc0000000', type: 'Reserved' },
  { start: '0xfed1c000', end: '0xfed20000', type: 'Reserved' },
  { start: '0xfffc0000', end: '0x100000000', type: 'Reserved' },
  { start: '0xfd00000000', end: '0x10000000000', type: 'Reserved' },
]
const RESERVE_MEM = { name: 'trace', start: 0x3e800000, size: 0xc00000 }
export const ROOT_ADDRESS = [0x1184000, 0x1a2f000] as const
export const MAP_ADDRESS = [0x1183000, 0x1a2e000] as const

export const subtreesOf = (hop: 0 | 1): { name: string; address: number; bytes: Uint8Array }[] => [
  {
    name: 'kexec-metadata',
    address: ROOT_ADDRESS[hop] + 0x1000,
    bytes: encodeKexecMetadata({ version: 1, previousRelease: RELEASE, kexecCount: hop + 1 }),
  },
  {
    name: 'LUO',
    address: ROOT_ADDRESS[hop] + 0x3000,
    bytes: encodeLuo({ liveupdateNumber: hop + 1, sessions: physAddr(0), flbs: physAddr(ROOT_ADDRESS[hop] + 0x4000) }),
  },
  { name: 'memblock', address: ROOT_ADDRESS[hop] + 0x5000, bytes: kernelMemblockFdt([RESERVE_MEM]) },
]

export const rootBytes = (hop: 0 | 1): Uint8Array =>
  kernelRootFdt({
    compatible: 'kho-v4',
    memoryMap: MAP_ADDRESS[hop],
    subtrees: subtreesOf(hop).map(({ name, address, bytes }) => ({ name, address, size: bytes.length })),
  })

export const recordsOf = (hop: 0 | 1): { start: string; order: number }[] =>
  [
    { start: hex(ROOT_ADDRESS[hop]), order: 0 },
    ...subtreesOf(hop).map(({ address }) => ({ start: hex(address), order: 0 })),
    { start: hex(ROOT_ADDRESS[hop] + 0x4000), order: 0 },
    { start: '0x3e800000', order: 11 },
    { start: '0x3f000000', order: 10 },
  ].sort((a, b) => fromHex(a.start) - fromHex(b.start))

export const layoutOf = (hop: 0 | 1) => radixLayout(recordsOf(hop).map(({ start, order }) => ({ start: fromHex(start), order })))
