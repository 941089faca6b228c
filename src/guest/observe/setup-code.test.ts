import { expect, it } from 'vitest'
import { findSetupCode } from './setup-code.ts'

/** 128 KiB of RAM with the magic of a setup header at each place. */
function ramWith(...places: number[]) {
  const ram = new Uint8Array(0x20000)
  for (const at of places) ram.set(Buffer.from('HdrS'), at)
  return {
    ranges: [{ start: 0, end: ram.length }],
    read: (address: number, length: number) =>
      address + length <= ram.length ? ram.subarray(address, address + length) : undefined,
  }
}

it('finds the setup code and the copy of its header', () => {
  expect(findSetupCode(ramWith(0x10202, 0x14a92))).toEqual({
    ok: true,
    value: { address: '0x10000', bootParams: '0x14890' },
  })
})

it('says what is not there', () => {
  const why = (...places: number[]) => {
    const reading = findSetupCode(ramWith(...places))
    return reading.ok ? reading.value : reading.reason
  }
  expect([
    why(),
    why(0x14a92),
    why(0x10202),
    why(0x10202, 0x14a93),
    why(0x10202, 0x1f202),
    why(0x10202, 0x14a92, 0x16202),
  ]).toEqual([
    'no setup header of a kernel lies at 0x10000',
    'no setup header of a kernel lies at 0x10000',
    '0 copies of the setup header lie behind 0x10000, not one',
    '0 copies of the setup header lie behind 0x10000, not one',
    { address: '0x10000', bootParams: '0x1f000' },
    '2 copies of the setup header lie behind 0x10000, not one',
  ])
})
