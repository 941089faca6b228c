import { expect, it } from 'vitest'
import { formatPfn, parseAddress, partsOf, roughSize } from './address.ts'

it.each([
  ['0x3a400000', 0x3a400000],
  ['3A400000h', 0x3a400000],
  ['pfn 0x3a400', 0x3a400000],
  ['PFN: 512', 0x200000],
  ['3GiB', 3 * 2 ** 30],
  ['1GiB + 0x2000', 2 ** 30 + 0x2000],
  ['0xfffffffffffff', 2 ** 52 - 1],
])('reads %s', (text, address) => expect(parseAddress(text)).toBe(address))

it.each(['', 'hello', '12', '0x', '0x10000000000000', 'pfn', '1GiB+', '0x1+x', 'pfn 0xfffffffffff'])('does not take %j', (text) =>
  expect(parseAddress(text)).toBeUndefined(),
)

it('writes pfns and sizes as a kernel engineer reads them', () => {
  expect([formatPfn(0x3a400fff), roughSize(4096), roughSize(0x4400000), roughSize(1.5 * 2 ** 40), roughSize(233)]).toEqual([
    'pfn 0x3a400',
    '4 KiB',
    '68 MiB',
    '1.50 TiB',
    '233 B',
  ])
})

it('finds addresses in a text and leaves the rest as it is', () => {
  const text = '{start: 0x3a400000, size: 0x400000, memsz: 0x50000} 0x12 [0x1000000'
  expect(
    partsOf(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text)
  expect(partsOf(text).flatMap((part) => part.address ?? [])).toEqual([0x3a400000, 0x1000000])
})
