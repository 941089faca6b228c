import { expect, it } from 'vitest'
import { GiB, MiB } from '../shared/units.ts'
import { sweepHtml } from './sweep-page.ts'

it('draws a bar per value, marks what does not fit, and escapes what it is given', () => {
  const row = { nodes: 1, cpus: 2, why: [] }
  const regions = [
    { kind: 'lowmem', size: 64 * MiB },
    { kind: 'global', size: 0 },
    { kind: 'node0', size: 64 * MiB },
  ]
  const page = sweepHtml('a <b>', {
    parameter: 'memory',
    assumed: ['TCG'],
    rows: [
      { ...row, value: GiB, memory: GiB, kho: true, nextFits: true, scratch: { regions, size: 128 * MiB, share: 0.125 } },
      { ...row, value: 2 * GiB, memory: 2 * GiB, kho: false, why: ['scratch does not fit'] },
    ],
  })
  expect(page).toContain('<h1>a &#60;b&#62;: scratch over memory</h1>')
  expect(page).toContain('<title>memory 1 GiB: 128 MiB, 12.50 % of RAM</title>')
  expect(page).toContain('<title>memory 2 GiB: not predicted; scratch does not fit</title>')
  expect(page.match(/✗/g)).toHaveLength(2)
  expect(page).not.toContain('<script')
})
