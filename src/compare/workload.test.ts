import { describe, expect, it } from 'vitest'
import { notSeen, seen, type HopObservation, type ResolvedClaim, type SetReport } from '../shared/documents/index.ts'
import type { Subject, SubjectValues } from '../shared/documents/subjects.ts'
import type { Json } from '../shared/json.ts'
import { compare } from './compare.ts'
import { sampleMeta, sampleObservation } from './sample.fixture.ts'

const SET: SetReport = { name: 'a', kind: 'folio', state: 'preserved', entries: 1, pages: 2, hash: '0x5' }
const RESTORED = {
  restored: 1,
  lost: 0,
  orderDiffers: 0,
  refcountDiffers: 0,
  compoundDiffers: 0,
  sameKva: 1,
  managed: 2,
}
const ENTRY = {
  start: '0x2000',
  order: 1,
  kva: '0xff11000000002000',
  hasOrder: 1,
  compound: true,
  refcount: 1,
  node: 0,
}
const SHAPE = { name: 'a', kind: 'folio', entries: 1, pages: 2 }

/** Boot 0 hands one folio over and forgets another; boot 1 takes the first back, compares it and hands it on. */
function boots(): HopObservation[] {
  const { hops } = sampleObservation()
  const [first, second] = hops
  if (first === undefined || second === undefined) throw new Error('the sample has two boots')
  const table = () =>
    seen({
      address: '0x1000',
      sets: [{ ...SHAPE, kind: 'folio' as const, hash: '0x5', records: [], listPages: [], areaChunks: [], areaOrder: 0 }],
    })
  first.host.probeTable = table()
  first.workload = { inherited: seen([]), steps: [], left: seen([{ ...SET }]) }
  const digest = '0'.repeat(64)
  second.host.control = seen([{ name: 'lost', pages: 9, before: digest, after: digest, changed: 3 }])
  second.host.probeTable = table()
  second.host.takenBack = seen([{ name: 'a', entries: 1, marked: 0, referencedOnce: 1 }])
  const restored: SetReport = { ...SET, state: 'restored', restored: { ...RESTORED } }
  second.workload = {
    inherited: seen([{ ...SET, state: 'inherited' }]),
    steps: [
      { index: 0, step: 'restore a', command: 'restore a', result: 'ok', ms: 1, set: restored, entries: [{ ...ENTRY }] },
      { index: 1, step: 'verify a', command: 'verify a', result: 'ok', ms: 1, set: { ...restored, intact: 2 } },
      { index: 2, step: 'free a', command: 'free a', result: 'EBUSY', ms: 0, message: 'a is preserved: unpreserve it first' },
      {
        index: 3,
        step: 'kho_restore_folio a, entry 0',
        command: 'kho_restore_folio a 0',
        result: 'ok',
        ms: 0,
        call: { start: '0x2000', order: 1, answer: 'NULL' },
      },
    ],
    left: seen([{ ...SET }]),
  }
  return hops
}

type WorkloadSubject = Extract<Subject, `workload.${string}`>

const predicted: { readonly [S in WorkloadSubject]: SubjectValues[S] } = {
  'workload.steps': [
    { index: 0, step: 'restore a', result: 'ok' },
    { index: 2, step: 'free a', result: 'EBUSY' },
  ],
  'workload.calls': [{ index: 3, function: 'kho_restore_folio', answer: 'NULL' }],
  'workload.inherited': [SHAPE],
  'workload.preserved': [SHAPE],
  'workload.restored': [
    {
      index: 0,
      name: 'a',
      hash: '0x5',
      restored: 1,
      lost: 0,
      orderDiffers: 0,
      refcountDiffers: 0,
      compoundDiffers: 0,
      managed: 2,
    },
  ],
  'workload.entries': [{ index: 0, name: 'a', entries: [{ start: '0x2000', order: 1, compound: true, refcount: 1, node: 0 }] }],
  'workload.marks': [{ name: 'a', entries: 1, marked: 0, referencedOnce: 1 }],
  'workload.kva': [{ index: 0, name: 'a', same: 1 }],
  'workload.intact': [{ index: 1, name: 'a', pages: 2 }],
  'workload.control': { sets: ['lost'], overwritten: true },
}

const claimOf = (subject: WorkloadSubject): ResolvedClaim => ({
  id: `hop1.${subject}`,
  subject,
  family: 'workload',
  hop: 1,
  title: subject,
  basis: [],
  prediction: { kind: 'value', value: predicted[subject] as Json },
  predicted: predicted[subject],
  givenValues: {},
})

const verdictOf = (subject: WorkloadSubject, hops: HopObservation[]): string | undefined =>
  compare([claimOf(subject)], { ...sampleObservation(), hops }, sampleMeta()).claims[0]?.verdict

const step = (hops: HopObservation[], index: number) => {
  const found = hops[1]?.workload?.steps[index]
  if (found === undefined) throw new Error(`no step ${index}`)
  return found
}

/** For every subject, something that would be wrong. */
const damage: { readonly [S in WorkloadSubject]: (hops: HopObservation[]) => void } = {
  'workload.steps': (hops) => (step(hops, 2).result = 'ok'),
  'workload.calls': (hops) => {
    const { call } = step(hops, 3)
    if (call) call.answer = 'folio'
  },
  'workload.inherited': (hops) => {
    if (hops[1]?.workload) hops[1].workload.inherited = seen([])
  },
  'workload.preserved': (hops) => {
    if (hops[1]) delete hops[1].host.probeTable
  },
  'workload.restored': (hops) => {
    const { restored } = step(hops, 0).set ?? {}
    if (restored) restored.managed = 1
  },
  'workload.entries': (hops) => step(hops, 0).entries?.splice(0, 1, { ...ENTRY, start: '0x4000' }),
  'workload.marks': (hops) => {
    const held = hops[1]?.host.takenBack
    if (held?.ok === true) for (const set of held.value) set.marked = 1
  },
  'workload.kva': (hops) => {
    const { restored } = step(hops, 0).set ?? {}
    if (restored) restored.sameKva = 0
  },
  'workload.intact': (hops) => {
    const { set } = step(hops, 1)
    if (set) set.intact = 1
  },
  'workload.control': (hops) => {
    const control = hops[1]?.host.control
    if (control?.ok) for (const group of control.value) group.changed = 0
  },
}

describe.each(Object.keys(damage) as WorkloadSubject[])('%s', (subject) => {
  it('is found as it was predicted, and only so', () => {
    expect(verdictOf(subject, boots())).toBe('match')
    const damaged = boots()
    damage[subject](damaged)
    expect(verdictOf(subject, damaged)).toBe('differ')
  })

  it('is not observed where nothing was read', () => {
    const hops = boots()
    for (const hop of hops) {
      delete hop.workload
      hop.host.probeTable = notSeen('gone')
      hop.host.control = notSeen('gone')
      hop.host.takenBack = notSeen('gone')
    }
    expect(verdictOf(subject, hops)).toBe('unobserved')
  })
})
