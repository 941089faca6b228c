import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errnoName, parseFrames, type CaptureFrame } from './frames.ts'

const encoder = new TextEncoder()
const join = (...parts: (string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))))

const write = (frames: readonly CaptureFrame[]): Uint8Array =>
  join(
    ...frames.flatMap((frame) =>
      frame.kind === 'file'
        ? [`F ${frame.errno} ${frame.bytes.length} ${frame.path}\n`, frame.bytes]
        : [`D ${frame.errno} 0 ${frame.path}\n`],
    ),
  )

const segment = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((s) => !/[/\0\n]/.test(s) && s !== '.' && s !== '..' && s.isWellFormed())
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
const frame: fc.Arbitrary<CaptureFrame> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), path, errno: fc.constant(0), bytes: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({
    kind: fc.constant('file' as const),
    path,
    errno: fc.integer({ min: 1, max: 133 }),
    bytes: fc.uint8Array({ maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('directory' as const), path, errno: fc.constant(0) }),
)
const frames = fc
  .uniqueArray(frame, { selector: (f) => f.path, maxLength: 12 })
  .filter((list) => !list.some((file) => file.kind === 'file' && list.some((other) => other.path.startsWith(`${file.path}/`))))

describe('parseFrames', () => {
  test('reads files, directories and failures', () => {
    const stream = join('D 0 0 /sys/kernel/debug/kho\n', 'F 0 4 /a\n', 'x\nF ', 'F 2 0 /sys/firmware/memmap\n')
    expect(parseFrames(stream)).toEqual({
      ok: true,
      value: [
        { kind: 'directory', path: '/sys/kernel/debug/kho', errno: 0 },
        { kind: 'file', path: '/a', errno: 0, bytes: encoder.encode('x\nF ') },
        { kind: 'file', path: '/sys/firmware/memmap', errno: 2, bytes: new Uint8Array() },
      ],
    })
  })

  test.each([
    ['F 0 4 /a\nxyz', 'capture stream, offset 0: 4 bytes announced, 3 are there'],
    ['F 0 0 /a', 'capture stream, offset 0: a header without its line feed'],
    ['X 0 0 /a\n', 'capture stream, offset 0: not a header'],
    ['F 0 0 a\n', 'capture stream, offset 0: not a header'],
    ['F 0 -1 /a\n', 'capture stream, offset 0: not a header'],
    ['F 0 99999999999999999 /a\n', 'capture stream, offset 0: not a header'],
    ['F 0 0 /a/../b\n', 'capture stream, offset 0: not a plain absolute path'],
    ['F 0 0 /a//b\n', 'capture stream, offset 0: not a plain absolute path'],
    ['F 0 0 /a\nF 0 0 /a\n', 'capture stream, offset 9: the path /a appears twice'],
    ['F 0 0 /a\nF 0 0 /a/b/c\n', 'capture stream, offset 9: the path /a/b/c lies below a file'],
    ['D 0 3 /a\nabc', 'capture stream, offset 0: bytes after a directory'],
  ])('refuses %j', (text, error) => {
    expect(parseFrames(encoder.encode(text))).toEqual({ ok: false, error })
  })

  test('refuses a header that is not UTF-8, and too many paths', () => {
    expect(parseFrames(join('F 0 0 /', Uint8Array.of(0xff), '\n'))).toEqual({
      ok: false,
      error: 'capture stream, offset 0: a header that is not UTF-8',
    })
    expect(parseFrames(encoder.encode('F 0 0 /a\nF 0 0 /b\n'), { maxFrames: 1, maxHeader: 100 })).toEqual({
      ok: false,
      error: 'capture stream, offset 9: more than 1 paths',
    })
  })

  test('reads back whatever was written', () => {
    fc.assert(
      fc.property(frames, (list) => {
        expect(parseFrames(write(list))).toEqual({ ok: true, value: list })
      }),
    )
  })

  test('no mutation of a stream makes it throw or read outside', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), fc.nat(), (list, edits, cut) => {
        const stream = write(list)
        for (const [at, value] of edits) if (stream.length > 0) stream[at % stream.length] = value
        const shortened = stream.subarray(0, stream.length === 0 ? 0 : cut % (stream.length + 1))
        const parsed = parseFrames(shortened)
        if (!parsed.ok) return
        const total = parsed.value.reduce((sum, f) => sum + (f.kind === 'file' ? f.bytes.length : 0), 0)
        expect(total).toBeLessThanOrEqual(shortened.length)
        expect(Buffer.from(write(parsed.value))).toEqual(Buffer.from(shortened))
      }),
    )
  })
})

test('errno names', () => {
  expect([errnoName(2), errnoName(13), errnoName(999)]).toEqual(['ENOENT', 'EACCES', 'errno 999'])
})
