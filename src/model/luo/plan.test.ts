import { describe, expect, it } from 'vitest'
import type { LuoStep } from '../../shared/documents/index.ts'
import { MiB, bytes } from '../../shared/units.ts'
import { outline, predictionOf } from '../model.fixture.ts'
import { luoPlan } from './plan.ts'

const vm = (size: number): LuoStep => ({ step: 'luoCreate', session: 'vm', memfds: [{ token: 1, size: bytes(size) }] })
const fill = (count: number, duplicate = false): LuoStep => ({ step: 'luoFill', count, prefix: 's-', duplicate })

describe('pages that sessions preserve', () => {
  it.each<[string, LuoStep[], number]>([
    ['none', [], 0],
    ['one session: a block', [fill(1)], 1],
    ['51 sessions: still one', [fill(51)], 1],
    ['52 sessions', [fill(52)], 2],
    ['one page of memfd: block, block of files, state, folio, array, chunk', [vm(4096)], 6],
    ['1 MiB of memfd', [vm(MiB)], 2 + 1 + 256 + 1 + 1],
    ['an array that just fills a chunk needs another', [vm(511 * 256 * 4096)], 2 + 1 + 511 * 256 + 511 + 2],
  ])('%s', (_what, steps, pages) => {
    expect(luoPlan(steps, [], 1).pages).toBe(pages)
  })
})

describe('the defect of luo_session_insert()', () => {
  it.each([
    [50, 0],
    [51, 1],
    [52, 0],
    [102, 1],
  ])('%i sessions and a duplicate leave %i empty blocks', (count, emptyBlocks) => {
    expect(luoPlan([fill(count, true)], [], 1).emptyBlocks).toBe(emptyBlocks)
  })

  it('is predicted to be the end of the next boot, and is a finding', () => {
    const workload = [{ boot: 0, steps: [{ luoFill: { count: 51, duplicate: true } }] }]
    const lines = outline(predictionOf({ kho: { liveupdate: true }, workload })).filter((line) => line.startsWith('hop1.'))
    expect(lines).toEqual([
      'hop1.boot.outcome: value {"how":"panic","message":"The incoming tree failed to initialize properly [-22], disabling live update"} [luo-empty-block]',
    ])
    const harmless = outline(
      predictionOf({ kho: { liveupdate: true }, workload: [{ boot: 0, steps: [{ luoFill: { count: 51 } }] }] }),
    )
    expect(harmless.filter((line) => line.startsWith('hop1.boot.outcome'))).toEqual([
      'hop1.boot.outcome: value {"how":"handover"}',
    ])
  })
})

describe('what the tool is told', () => {
  const errors = (steps: LuoStep[], incoming = luoPlan([vm(8192)], [], 1).sessions): string[] =>
    luoPlan(steps, incoming, 1).reports.map(({ op, error, detail }) =>
      `${op.replace(/,\d+$/, '')} ${error} ${detail ?? ''}`.trim(),
    )

  it('a session that is taken, kept, and taken once more', () => {
    expect(
      errors([
        { step: 'luoRetrieve', session: 'vm', keep: true },
        { step: 'luoRetrieve', session: 'vm', keep: false },
      ]),
    ).toEqual([
      'retrieve=vm 0',
      'fetch=1 0 8192 2',
      'finish 0',
      'create=vm 0',
      'again=1 0',
      'retrieve=vm 22',
      'fetch=1 9',
      'finish 9',
    ])
  })

  it('a session that a program took and gave up is gone', () => {
    const take: LuoStep = { step: 'luoRetrieve', session: 'vm', keep: false }
    expect(errors([take, take]).slice(3)).toEqual(['retrieve=vm 2', 'fetch=1 9', 'finish 9'])
  })

  it('nothing can be preserved in a session that was refused', () => {
    expect(errors([vm(4096), vm(4096)], [])).toEqual([
      'create=vm 0',
      'memfd=1,4096 0 4096',
      'create=vm 17',
      'memfd=1,4096 9 4096',
    ])
    expect(errors([{ step: 'luoRetrieve', session: 'other', keep: true }], [])).toEqual([
      'retrieve=other 2',
      'finish 9',
      'create=other 0',
    ])
  })
})
