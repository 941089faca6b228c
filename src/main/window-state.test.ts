import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readWindowState, writeWindowState } from './window-state.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kho-lab-window-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const FIRST = { width: 1360, height: 860, maximized: false }

it('reads what it wrote and leaves nothing beside it', () => {
  const file = join(folder, 'deep/window.json')
  const state = { x: -10, y: 40, width: 900, height: 700, maximized: true }
  writeWindowState(file, state)
  expect(readWindowState(file)).toEqual(state)
  expect(readdirSync(join(folder, 'deep'))).toEqual(['window.json'])
})

it.each(['', '{', '[]', '{"width":1,"height":1,"maximized":false}', '{"width":1e99,"height":700,"maximized":false}'])(
  'takes a damaged file as none: %j',
  (text) => {
    const file = join(folder, 'window.json')
    writeFileSync(file, text)
    expect(readWindowState(file)).toEqual(FIRST)
  },
)

it('takes no file as the first time', () => {
  expect(readWindowState(join(folder, 'none.json'))).toEqual(FIRST)
})
