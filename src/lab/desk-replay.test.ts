import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { sampleObservation } from '../compare/sample.fixture.ts'
import { fixtureComparison } from './desk-run.fixture.ts'
import { replayRun } from './desk-replay.ts'
import { EventLog } from './run/event-log.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kho-lab-replay-'))
})
const put = async (name: string, value: unknown): Promise<void> => {
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'raw'), { recursive: true })
  await writeFile(join(directory, name), typeof value === 'string' ? value : JSON.stringify(value))
}
const types = async (): Promise<string[]> => (await replayRun(directory)).map(({ type }) => type)
const end = async (): Promise<unknown> => (await replayRun(directory)).at(-1)

describe('a run that is opened again', () => {
  it('tells what it told while it went on, in its order and with its times', async () => {
    const log = new EventLog(() => 0)
    log.stamped({ type: 'step', hop: 0, text: 'starting QEMU' })
    log.stamped({ type: 'phase', hop: 0, phase: 'firmware', ms: 5 })
    log.stamped({ type: 'qemu', event: 'RESUME', data: '{}' })
    await put('events.json', log.document())
    await put('observation.json', sampleObservation())
    await put('comparison.json', fixtureComparison)
    await put('raw/serial.log', 'SeaBIOS\r\n')
    expect(await types()).toEqual(['predicted', 'started', 'step', 'phase', 'qemu', 'serial', 'finished'])
    expect((await replayRun(directory))[2]).toEqual({ type: 'step', at: 0, hop: 0, text: 'starting QEMU' })
  })

  it('of an earlier lab has the phases of its observation', async () => {
    await put('observation.json', sampleObservation())
    expect(new Set(await types())).toEqual(new Set(['started', 'phase', 'failed']))
  })

  it('says where something was left out', async () => {
    const log = new EventLog(() => 0)
    for (let hop = 0; hop < 3000; hop++) log.stamped({ type: 'step', hop, text: 'x' })
    await put('events.json', log.document())
    expect((await replayRun(directory))[1000]).toEqual({ type: 'step', hop: 0, text: '1000 events were not kept' })
  })
})

describe('a folder in which something is missing or damaged', () => {
  it('says that the run has no verdict, or why it failed', async () => {
    await put('run.json', '{}')
    expect(await end()).toMatchObject({ type: 'failed', error: { code: 'run-not-found' } })
    await put('failure.json', { code: 'qemu-missing', message: 'no QEMU' })
    expect(await end()).toMatchObject({ type: 'failed', error: { code: 'qemu-missing', message: 'no QEMU' } })
  })

  it('names the comparison that cannot be read, or is of a newer lab', async () => {
    await put('comparison.json', JSON.stringify(fixtureComparison).slice(0, 1000))
    expect(await end()).toMatchObject({
      type: 'failed',
      error: { code: 'bad-document', message: expect.stringContaining('comparison.json is no JSON') as unknown },
    })
    await put('comparison.json', { ...fixtureComparison, version: 2 })
    expect(await end()).toMatchObject({
      error: { message: expect.stringContaining('comparison.json was written by a newer kho-lab') as unknown },
    })
    await rm(join(directory, 'comparison.json'))
    await mkdir(join(directory, 'comparison.json'))
    expect(await end()).toMatchObject({
      error: { message: expect.stringContaining('comparison.json: it is a directory') as unknown },
    })
  })

  it('tells the verdict where only the others are damaged', async () => {
    await put('comparison.json', fixtureComparison)
    await put('observation.json', '{"document"')
    await put('events.json', [])
    expect(await types()).toEqual(['predicted', 'finished'])
  })
})
