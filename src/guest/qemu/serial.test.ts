import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LabPort } from './lab-port.ts'
import { ConsoleCapture, LINE_LIMIT, LineSplitter, type Trouble, isPanicEnd, recogniseTrouble } from './serial.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 5 }), (all, cuts) => {
        const whole = new LineSplitter()
        const expected = whole.push(all)
        const pieces = new LineSplitter()
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length]
        const got = places.slice(1).flatMap((end, index) => pieces.push(all.subarray(places[index], end)))
        expect(got).toEqual(expected)
        expect(pieces.partial()).toBe(whole.partial())
      }),
    )
  })

  it('shows control characters, drops colours and carriage returns, and keeps broken UTF-8 harmless', () => {
    const splitter = new LineSplitter()
    expect(
      splitter.push(Buffer.concat([bytes('\u001b[1;31mred\u001b[0m\r\n\u0007bell\u0000\n'), Buffer.from([0xff, 0xfe, 10])])),
    ).toEqual(['red', '\\x07bell\\x00', '\ufffd\ufffd'])
  })

  it('holds no more of a 10 MB line than its limit', () => {
    const splitter = new LineSplitter()
    const [line] = [splitter.push(Buffer.alloc(10_000_000, 65)), splitter.push(bytes('\n'))].flat()
    expect(line).toBe(`${'A'.repeat(LINE_LIMIT)} [${10_000_000 - LINE_LIMIT} bytes more]`)
    expect(splitter.push(bytes('next\n'))).toEqual(['next'])
  })
})

describe('recogniseTrouble', () => {
  // Texts as Linux 7.3.4 prints them.
  const cases: [string, Trouble | undefined][] = [
    [
      '[    1.674531] Kernel panic - not syncing: No working init found.',
      { kind: 'panic', text: 'Kernel panic - not syncing: No working init found.' },
    ],
    [
      'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
      { kind: 'panic', text: 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)' },
    ],
    [
      '[    0.000000][    T0] PANIC: early exception 0x0e IP 10:ffffffff81000000 error 0 cr2 0x0',
      { kind: 'panic', text: 'PANIC: early exception 0x0e IP 10:ffffffff81000000 error 0 cr2 0x0' },
    ],
    [' -- System halted', { kind: 'panic', text: '-- System halted' }],
    [
      '[    3.100000] BUG: kernel NULL pointer dereference, address: 0000000000000000',
      { kind: 'oops', text: 'BUG: kernel NULL pointer dereference, address: 0000000000000000' },
    ],
    [
      '[    3.100000] Oops: general protection fault: 0000 [#1] SMP',
      { kind: 'oops', text: 'Oops: general protection fault: 0000 [#1] SMP' },
    ],
    ['[    3.1] kernel BUG at mm/page_alloc.c:1!', { kind: 'oops', text: 'kernel BUG at mm/page_alloc.c:1!' }],
    [
      '[   12.8] Out of memory: Killed process 61 (dropbear) total-vm:2540kB, anon-rss:128kB, file-rss:1300kB, UID:0',
      {
        kind: 'out-of-memory',
        text: 'Out of memory: Killed process 61 (dropbear) total-vm:2540kB, anon-rss:128kB, file-rss:1300kB, UID:0',
      },
    ],
    ['[   12.8] dd invoked oom-killer: gfp_mask=0xcc0, order=0, oom_score_adj=0', undefined],
    ['[    1.0] Command line: panic=-1 oops=panic', undefined],
    ['[    1.0] sh: Kernel panic - not syncing: said by user space', undefined],
  ]
  it.each(cases)('%s', (line, trouble) => {
    expect(recogniseTrouble(line)).toEqual(trouble)
  })

  it('knows the end of a panic', () => {
    expect(isPanicEnd('[    1.7] ---[ end Kernel panic - not syncing: x ]---')).toBe(true)
    expect(isPanicEnd('[    1.7] Kernel panic - not syncing: x')).toBe(false)
  })
})

describe('ConsoleCapture', () => {
  it('gives every byte to the sink, says when the first came, and keeps the last lines', () => {
    const kept: Uint8Array[] = []
    const heard: string[] = []
    const capture = new ConsoleCapture((chunk) => kept.push(chunk))
    capture.on('first', () => heard.push('first'))
    capture.on('trouble', ({ kind }) => heard.push(kind))
    capture.push(bytes('one\ntwo\nKernel panic - not '))
    capture.push(bytes('syncing: x\nand the'))
    expect(heard).toEqual(['first', 'panic'])
    expect(capture.tail(3)).toEqual(['two', 'Kernel panic - not syncing: x', 'and the'])
    expect(Buffer.concat(kept).toString()).toBe('one\ntwo\nKernel panic - not syncing: x\nand the')
    for (let line = 0; line < 1000; line++) capture.push(bytes(`${line}\n`))
    expect(capture.tail(10_000)).toHaveLength(200)
  })

  it('takes a UTF-8 character that is cut in two', () => {
    const texts: string[] = []
    const capture = new ConsoleCapture(() => undefined)
    capture.on('data', (text) => texts.push(text))
    const euro = bytes('€')
    capture.push(euro.subarray(0, 1))
    capture.push(euro.subarray(1))
    expect(texts.join('')).toBe('€')
  })
})

describe('LabPort', () => {
  const settled = async (promise: Promise<string>): Promise<string | undefined> =>
    await Promise.race([promise, Promise.resolve(undefined)])

  it('hears the words of one boot at a time and nothing else', async () => {
    const port = new LabPort()
    const first = port.said('init')
    port.push(bytes('noise\nkho-lab nonsense\nxkho-lab ssh\nkho-lab init 1.64\r\n'))
    expect(await first).toBe('1.64')
    expect(await settled(port.said('ssh'))).toBeUndefined()
    port.push(bytes('kho-lab ssh\n'))
    expect(await port.said('ssh')).toBe('')
    port.nextBoot()
    expect(await settled(port.said('init'))).toBeUndefined()
    port.push(bytes('kho-lab init 1.2\n'))
    expect(await port.said('init')).toBe('1.2')
  })
})
