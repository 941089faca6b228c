import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkAttach, checkPdf } from './doctor-reach.ts'

it.each([
  ['0\n', 1000, 'ok'],
  ['1\n', 1000, 'warning'],
  ['1\n', 0, 'ok'],
  ['3\n', 0, 'warning'],
])('ptrace_scope %j as user %i: %s', async (text, uid, state) => {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-yama-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ptrace_scope')
  writeFileSync(file, text)
  const found = await checkAttach(uid, file)
  expect([found.state, found.fix !== undefined]).toEqual([state, state === 'warning'])
})

it('takes a kernel without Yama as one without its limit', async () => {
  expect((await checkAttach(1000, '/nonexistent')).state).toBe('ok')
})

it('says how to get a Chromium where there is none', async () => {
  expect(await checkPdf('/nonexistent')).toMatchObject({ state: 'warning', fix: expect.stringContaining('chromium') as unknown })
})
