import { gzipSync } from 'node:zlib'

/** One file of an initramfs. Paths are relative, without a leading slash. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device'
      readonly path: string
      readonly mode: number
      readonly major: number
      readonly minor: number
    }

const TYPE_BITS = { directory: 0o040000, file: 0o100000, link: 0o120000, 'character-device': 0o020000 } as const
const TRAILER = 'TRAILER!!!'

const field = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0')
const padded = (length: number): number => length + ((4 - (length % 4)) % 4)

/** Header, name and data of one member, each padded to 4 bytes (newc, Documentation/driver-api/early-userspace/buffer-format.rst). */
function member(
  inode: number,
  path: string,
  mode: number,
  links: number,
  data: Uint8Array,
  device: readonly [number, number],
): Buffer {
  const name = Buffer.from(`${path}\0`)
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const numbers = [inode, mode, 0, 0, links, 0, data.length, 0, 0, device[0], device[1], name.length, 0]
  const header = Buffer.from(`070701${numbers.map(field).join('')}`)
  const dataStart = padded(header.length + name.length)
  const out = Buffer.alloc(dataStart + padded(data.length))
  header.copy(out)
  name.copy(out, header.length)
  out.set(data, dataStart)
  return out
}

function encode(entry: CpioEntry, inode: number): Buffer {
  const none: readonly [number, number] = [0, 0]
  const type = TYPE_BITS[entry.kind]
  switch (entry.kind) {
    case 'directory':
      return member(inode, entry.path, type + entry.mode, 2, new Uint8Array(), none)
    case 'file':
      return member(inode, entry.path, type + entry.mode, 1, entry.data, none)
    case 'link':
      return member(inode, entry.path, type + 0o777, 1, Buffer.from(entry.target), none)
    case 'character-device':
      return member(inode, entry.path, type + entry.mode, 1, new Uint8Array(), [entry.major, entry.minor])
  }
}

/**
 * A cpio archive in the newc form that the kernel unpacks (init/initramfs.c). The same entries always give the same bytes:
 * sorted by path (which also puts directories before what is in them), owner 0, time 0, inodes counted from 1.
 * Throws RangeError for an absolute path or a path twice.
 */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  const seen = new Set<string>()
  for (const { path } of sorted) {
    if (path === '' || path.startsWith('/')) throw new RangeError(`not a relative path: ${path}`)
    if (seen.has(path)) throw new RangeError(`twice in the archive: ${path}`)
    seen.add(path)
  }
  const members = sorted.map((entry, index) => encode(entry, index + 1))
  return Buffer.concat([...members, member(0, TRAILER, 0, 1, new Uint8Array(), [0, 0])])
}

/** Gzip without a time stamp, so that equal input gives equal output. */
export const compress = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 9 })

/**
 * Puts a plain cpio behind a compressed one. The kernel looks for the next archive at a multiple of 4 bytes and skips
 * zeros before it (unpack_to_rootfs() in init/initramfs.c).
 */
export function appendCpio(initramfs: Uint8Array, cpio: Uint8Array): Buffer {
  const out = Buffer.alloc(padded(initramfs.length) + cpio.length)
  out.set(initramfs)
  out.set(cpio, padded(initramfs.length))
  return out
}
