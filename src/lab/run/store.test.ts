import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunId } from '../../shared/contract.ts'
import { toLabError } from '../../shared/result.ts'
import { FAILURE_FILE, openRunFolder, RUN_FILE, RunMark } from './run-folder.ts'
import { findRun, listRuns, newRunFolder, newRunId, readRunDocument, runsDirectory } from './store.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kho-lab-store-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const AT = new Date('2026-11-22T10:55:35.313Z')
const SUMMARY = { match: 46, differ: 0, unobserved: 0, unpredicted: 4, run: 'agreed' }
const start = async (name: string, at = AT) => {
  const { id, directory } = await newRunFolder(root, at, name)
  await openRunFolder({ directory, name, startedAt: at.toISOString(), boots: 2 })
  return { id, directory }
}

describe('ids', () => {
  test.each([
    ['hello', '20261122-105535-hello'],
    ['Two nodes, odd scratch!', '20261122-105535-two-nodes-odd-scratch'],
    ['///', '20261122-105535-run'],
    ['x'.repeat(100), `20261122-105535-${'x'.repeat(40)}`],
    ['ä ö', '20261122-105535-run'],
  ])('%j', (name, id) => {
    expect(newRunId(AT, name)).toBe(id)
    expect(RunId.safeParse(id).success).toBe(true)
  })

  test('two runs within a second have two ids', async () => {
    expect((await start('hello')).id).toBe('20261122-105535-hello')
    expect((await start('hello')).id).toBe('20261122-105535-hello-2')
  })

  test('where runs lie', () => {
    expect(runsDirectory({ XDG_DATA_HOME: '/data' })).toBe('/data/kho-lab/runs')
    expect(runsDirectory({ XDG_DATA_HOME: 'relative' })).toMatch(/^\/.*\/\.local\/share\/kho-lab\/runs$/)
  })
})

describe('the state of a run is what is true, not what somebody wrote', () => {
  test('running while its process lives, done, failed, and broken when the process is gone', async () => {
    const running = await start('running')
    const done = await start('done')
    await writeFile(join(done.directory, 'comparison.json'), JSON.stringify({ summary: SUMMARY }))
    const failed = await start('failed')
    await writeFile(join(failed.directory, FAILURE_FILE), JSON.stringify({ code: 'bad-kernel', message: 'no' }))
    const killed = await start('killed')
    const mark = await readRunDocument(killed.directory, RUN_FILE, RunMark)
    if (mark === undefined) throw new Error('no mark')
    await writeFile(join(killed.directory, RUN_FILE), JSON.stringify({ ...mark, lab: { ...mark.lab, startTime: '1' } }))
    const listed = await listRuns(root)
    expect(listed.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'running running',
      'killed broken',
      'failed failed',
      'done done',
    ])
    expect(listed[3]).toEqual({ id: done.id, name: 'done', state: 'done', startedAt: AT.toISOString(), summary: SUMMARY })
    expect(await findRun(root, running.id)).toBe(running.directory)
  })

  test('damaged runs are listed as broken, other folders are not listed', async () => {
    const damaged = await start('damaged')
    await writeFile(join(damaged.directory, 'comparison.json'), '{"summary":')
    await mkdir(join(root, '20261122-105536-empty'))
    await mkdir(join(root, 'notes'))
    expect((await listRuns(root)).map(({ id, state, startedAt }) => ({ id, state, startedAt }))).toEqual([
      { id: '20261122-105536-empty', state: 'broken', startedAt: '2026-11-22T10:55:36.000Z' },
      { id: '20261122-105535-damaged', state: 'broken', startedAt: '2026-11-22T10:55:35.000Z' },
    ])
    expect(await listRuns(join(root, 'nowhere'))).toEqual([])
  })

  test('a damaged document is named', async () => {
    const { directory } = await start('x')
    await writeFile(join(directory, RUN_FILE), '[]')
    await expect(readRunDocument(directory, RUN_FILE, RunMark)).rejects.toMatchObject({
      code: 'bad-document',
      message: `${join(directory, RUN_FILE)} is not the document it should be`,
    })
  })

  test.each(['../etc', '20261122-105535-hello/../../x', '', '20261122-105535-absent'])('there is no run %j', async (id) => {
    await expect(findRun(root, id)).rejects.toMatchObject({ code: 'run-not-found' })
  })
})

describe('the folder of a run', () => {
  const open = (directory: string) =>
    openRunFolder({ directory, name: 'x', startedAt: AT.toISOString(), boots: 2 }).then(
      () => 'opened',
      (error: unknown) => toLabError(error).code,
    )

  test('is made, and nothing is overwritten', async () => {
    expect(await open(join(root, 'a/b/c'))).toBe('opened')
    expect(await open(join(root, 'a/b/c'))).toBe('out-unwritable')
    await writeFile(join(root, 'file'), 'x')
    expect(await open(join(root, 'file'))).toBe('out-unwritable')
    expect(await open(root)).toBe('out-unwritable')
    expect(await open('/proc/kho-lab')).toBe('out-unwritable')
  })
})
