import { expect, it } from 'vitest'
import { namedReservations } from './named-reservations.ts'

const basis = { function: 'f', file: 'x.c', release: '7.3' }
const change = (kind: 'reserve' | 'free', base: number, size: number, count?: number) => ({
  kind,
  base,
  size,
  nid: 0,
  flags: 0,
  ...(count === undefined ? {} : { count }),
})

it('has what each step still holds in the end, pages that touch as one', () => {
  const steps = [
    { name: 'kernel image', basis, changes: [change('reserve', 0x100000, 0x10000)] },
    { name: 'direct map', basis, changes: [change('reserve', 0x9000, 0x1000, 3), change('reserve', 0x6000, 0x1000)] },
    { name: 'log buffer', basis, changes: [change('reserve', 0x40000, 0x4000), change('free', 0x41000, 0x1000)] },
    { name: 'kernel image', basis, changes: [change('free', 0x10c000, 0x4000)] },
  ]
  expect(namedReservations({ steps })).toEqual([
    { name: 'direct map', start: 0x6000, end: 0xa000 },
    { name: 'log buffer', start: 0x40000, end: 0x41000 },
    { name: 'log buffer', start: 0x42000, end: 0x44000 },
    { name: 'kernel image', start: 0x100000, end: 0x10c000 },
  ])
})
