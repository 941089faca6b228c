import { execFileSync } from 'node:child_process'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { appendCpio, compress, writeCpio, type CpioEntry } from './cpio.ts'

const cpio = (args: string[], input: Uint8Array): string =>
  execFileSync('cpio', args, {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
  })

const ENTRIES: readonly CpioEntry[] = [
  { kind: 'file', path: 'etc/motd', mode: 0o644, data: Buffer.from('hello\n') },
  { kind: 'link', path: 'bin/sh', target: 'busybox' },
  { kind: 'directory', path: 'etc', mode: 0o755 },
  { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
  { kind: 'file', path: 'init', mode: 0o755, data: new Uint8Array() },
]

describe('writeCpio', () => {
  it('is listed by cpio with types, modes, owners, devices and times', () => {
    const lines = cpio(['-itv'], writeCpio(ENTRIES))
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '))
    expect(lines).toEqual([
      'lrwxrwxrwx 1 root root 7 Jan 1 1970 bin/sh -> busybox',
      'crw------- 1 root root 5, 1 Jan 1 1970 dev/console',
      'drwxr-xr-x 2 root root 0 Jan 1 1970 etc',
      '-rw-r--r-- 1 root root 6 Jan 1 1970 etc/motd',
      '-rwxr-xr-x 1 root root 0 Jan 1 1970 init',
    ])
  })

  it('gives cpio back every name and byte, whatever their lengths', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,40}$/)
    const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 300 })), {
      selector: ([path]) => path,
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(files, (list) => {
        const archive = writeCpio(list.map(([path, data]) => ({ kind: 'file', path, mode: 0o600, data })))
        const sorted = [...list].sort(([a], [b]) => (a < b ? -1 : 1))
        expect(cpio(['-it'], archive).trimEnd().split('\n')).toEqual(sorted.map(([path]) => path))
        const contents = execFileSync('cpio', ['-i', '--to-stdout'], { input: archive, stdio: ['pipe', 'pipe', 'ignore'] })
        expect(contents).toEqual(Buffer.concat(sorted.map(([, data]) => data)))
      }),
      { numRuns: 25 },
    )
  })

  it('gives the same bytes for any order of entries', () => {
    expect(compress(writeCpio([...ENTRIES].reverse()))).toEqual(compress(writeCpio(ENTRIES)))
  })

  it('refuses absolute paths and a path twice', () => {
    const file = (path: string): CpioEntry => ({ kind: 'file', path, mode: 0o600, data: new Uint8Array() })
    expect(() => writeCpio([file('/etc')])).toThrow(new RangeError('not a relative path: /etc'))
    expect(() => writeCpio([file('a'), file('a')])).toThrow(new RangeError('twice in the archive: a'))
  })
})

describe('appendCpio', () => {
  it('starts the second archive at a multiple of 4, after zeros only', () => {
    const second = writeCpio([])
    for (const length of [0, 1, 2, 3, 4, 5]) {
      const joined = appendCpio(new Uint8Array(length).fill(0xff), second)
      const start = joined.length - second.length
      expect({ start, gap: [...joined.subarray(length, start)] }).toEqual({
        start: Math.ceil(length / 4) * 4,
        gap: Array.from({ length: Math.ceil(length / 4) * 4 - length }, () => 0),
      })
      expect(joined.subarray(start)).toEqual(second)
    }
  })

  it('leaves the compressed part readable by gzip on its own', () => {
    const first = writeCpio(ENTRIES)
    expect(gunzipSync(compress(first))).toEqual(first)
  })
})
