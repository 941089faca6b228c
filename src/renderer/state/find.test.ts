import { expect, it } from 'vitest'
import { find, type FindSources } from './find.ts'

const sources: FindSources = {
  views: [
    { id: 'lab', name: 'Lab', words: 'experiments' },
    { id: 'map', name: 'Memory map', words: 'lanes', followsAddress: true },
    { id: 'claims', name: 'Claims', words: 'verdicts', followsAddress: true },
  ],
  experiments: [{ id: 'two-nodes', name: 'two nodes', description: 'd', yaml: '' }],
  runs: [{ id: '20261101-090000-two', name: 'two nodes', state: 'failed', startedAt: 'x' }],
  claims: Array.from({ length: 100_000 }, (_unused, index) => ({ id: `hop1.scratch.c${index}`, title: 'Scratch' })),
}
const texts = (text: string): string[] => find(text, sources).map((found) => `${found.kind} ${found.text}`)

it('offers an address in every view that follows one', () => {
  expect(find('0x1000000', sources).map(({ words, to }) => [words, to])).toEqual([
    ['pfn 0x1000, in Memory map', { view: 'map', at: 0x1000000 }],
    ['pfn 0x1000, in Claims', { view: 'claims', at: 0x1000000 }],
  ])
})

it('finds views, experiments, runs and claims by any of their words', () => {
  expect(texts('mem')).toEqual(['view Memory map'])
  expect(texts('nodes two')).toEqual(['experiment two nodes', 'run two nodes'])
  expect(texts('c99999')).toEqual(['claim hop1.scratch.c99999'])
  expect(texts('')).toHaveLength(5)
  expect(texts('scratch')).toHaveLength(60)
  expect(texts('nothing like it')).toEqual([])
})
