import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readSettings, settingsFile, writeSettings } from './settings.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'kho-lab-settings-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

it('keeps what was chosen, and takes none or a damaged file as the first time', async () => {
  const file = settingsFile({ XDG_CONFIG_HOME: home })
  expect(await readSettings(file)).toEqual({ notify: false })
  await writeSettings({ notify: true }, file)
  expect([await readSettings(file), await readdir(join(home, 'kho-lab'))]).toEqual([{ notify: true }, ['settings.json']])
  await writeFile(file, '{"notify":"yes"}')
  expect(await readSettings(file)).toEqual({ notify: false })
})

it('says where it could not write', async () => {
  await writeFile(join(home, 'kho-lab'), '')
  await expect(writeSettings({ notify: true }, settingsFile({ XDG_CONFIG_HOME: home }))).rejects.toThrow(
    /cannot write .*settings\.json/,
  )
})
