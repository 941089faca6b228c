import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { sampleObservation, samplePrediction } from '../compare/sample.fixture.ts'
import { reportExtras, writeReport } from './report.ts'

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

it('shows the last lines of a console, each as much of it as somebody reads', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-report-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'raw'))
  writeFileSync(join(directory, 'raw/serial.log'), `${'x'.repeat(20 * 2 ** 20)}\r\nKernel panic\n`)
  const { serialTail } = await reportExtras(directory, { ...sampleObservation(), raw: [] }, samplePrediction())
  expect(serialTail.map((line) => line.replace(/^x+/, 'x'))).toEqual([
    expect.stringMatching(/^x… \(\d+ characters\)$/),
    'Kernel panic',
  ])
})
