import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { writeReport } from './report.ts'

it('replaces a report whole, and leaves nothing beside it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-report-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'r.txt')
  writeFileSync(file, 'the one before')
  await writeReport(file, 'the new one')
  expect([readFileSync(file, 'utf8'), readdirSync(directory)]).toEqual(['the new one', ['r.txt']])
  await expect(writeReport(directory, 'x')).rejects.toMatchObject({ code: 'out-unwritable' })
})

it('says that the disk is full', async () => {
  await expect(writeReport('/dev/full', 'x'.repeat(100_000))).rejects.toMatchObject({
    code: 'disk-full',
    message: 'cannot write /dev/full: no space is left on the device',
  })
})
