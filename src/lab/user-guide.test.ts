import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { validKeys } from './experiment-words.ts'

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
const guide = read('docs/user-guide.md')

it('lists every error code, and none that is not there', () => {
  const source = /export type LabErrorCode =\n((?: {2}\| '[a-z-]+'\n?)+)/.exec(read('src/shared/result.ts'))?.[1] ?? ''
  const codes = [...source.matchAll(/'([a-z-]+)'/g)].map((match) => match[1])
  const listed = [...guide.slice(guide.indexOf('## Errors')).matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1])
  expect(listed).toEqual(codes)
})

it('lists every key of an experiment', () => {
  const section = guide.slice(guide.indexOf('## Experiments'), guide.indexOf('## The folder of a run'))
  const keys = validKeys([]).flatMap((key) => {
    const below = key === 'machine' || key === 'kernel' || key === 'kho' ? validKeys([key]) : []
    return below.length === 0 ? [key] : below.map((inner) => `${key}.${inner}`)
  })
  expect(keys.filter((key) => !section.includes(`\`${key}\``))).toEqual([])
})
