import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { publishedSchemas } from './published-schemas.ts'

const root = join(import.meta.dirname, '..')

it('are what schemas/ holds; `npm run schemas` writes them anew', () => {
  const onDisk = readdirSync(join(root, 'schemas'))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, 'schemas', file), 'utf8') }))
  expect(onDisk).toEqual([...publishedSchemas()].sort((a, b) => (a.file < b.file ? -1 : 1)))
})

function experimentCheck(): (value: unknown) => boolean {
  const text = publishedSchemas().find(({ file }) => file === 'experiment.json')?.text ?? ''
  const schema: unknown = JSON.parse(text)
  if (typeof schema !== 'object' || schema === null) throw new Error('no schema')
  return new Ajv2020({ strict: false }).compile(schema)
}

it('accept every experiment that is shipped, by an independent validator', () => {
  const valid = experimentCheck()
  const files = readdirSync(join(root, 'experiments'))
  const refused = files.filter((file) => !valid(parse(readFileSync(join(root, 'experiments', file), 'utf8'))))
  expect([files.length >= 6, refused]).toEqual([true, []])
})

it('refuse what the lab refuses', () => {
  const valid = experimentCheck()
  expect([{ name: 'a' }, {}, { name: 'a', hop: 1 }, { name: 'a', machine: { memroy: '1GiB' } }].map(valid)).toEqual([
    true,
    false,
    false,
    false,
  ])
})

it('can each be compiled by an independent validator', () => {
  for (const { text } of publishedSchemas())
    expect(new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(text))).toBeTypeOf('function')
})
