import { describe, expect, it } from 'vitest'
import { ramSpans } from '../../model/firmware-map.ts'
import { GiB } from '../../shared/units.ts'
import { qemuArguments } from './qemu-arguments.ts'
import { layoutByArguments } from './ram-layout.ts'

const layout = (text: string) => layoutByArguments(qemuArguments(text.split(' ')), ramSpans)

describe('layoutByArguments', () => {
  it('splits one backend at 4 GiB', () => {
    expect(layout('-M q35 -m 4G')).toEqual([
      { start: 0, end: 2 * GiB, backend: 'pc.ram', offset: 0 },
      { start: 4 * GiB, end: 6 * GiB, backend: 'pc.ram', offset: 2 * GiB },
    ])
  })

  it('fills the spans with one node after the other', () => {
    const objects = '-object memory-backend-ram,id=a,size=3G -object memory-backend-ram,id=b,size=1G'
    expect(layout(`-M q35 -m 4G ${objects} -numa node,memdev=a -numa node,memdev=b`)).toEqual([
      { start: 0, end: 2 * GiB, backend: 'a', offset: 0 },
      { start: 4 * GiB, end: 5 * GiB, backend: 'a', offset: 2 * GiB },
      { start: 5 * GiB, end: 6 * GiB, backend: 'b', offset: 0 },
    ])
  })

  it.each(['-M microvm -m 1G', '-M q35,max-ram-below-4g=1G -m 4G', '-M q35 -m lots', '-readconfig x'])(
    'does not guess: %s',
    (text) => {
      expect(() => layout(text)).toThrow(expect.objectContaining({ code: 'ram-unreadable' }))
    },
  )
})
