import fc from 'fast-check'
import { expect, it } from 'vitest'
import { impossibleIn, POLICY_IDS, StudyFile, type PolicyId, type Study, type StudyRow } from '../../shared/documents/index.ts'
import { POLICIES } from './policies.ts'
import { tryPrimitive } from './primitive.ts'
import { simulate } from './simulate.ts'

const SMALL = {
  name: 'small',
  machine: { memory: '2GiB' },
  boot: { image: '32MiB', footprint: '32MiB', drivers: '16MiB' },
  workload: { churn: 2000 },
}

const small = (more: object = {}): Study => StudyFile.parse({ ...SMALL, ...more })

const run = (policy: PolicyId, study: Study, generations: number, seed = 1): Omit<StudyRow, 'value'>[] => [
  ...simulate({ study, policy: POLICIES[policy], seed, generations, check: true }),
]

const ending = (rows: readonly Omit<StudyRow, 'value'>[]): string => `${rows.length} ${rows.at(-1)?.failedStep ?? 'all'}`

it('keeps every invariant after every step under every policy, and ends as the design says', { timeout: 60_000 }, () => {
  const study = small()
  expect(Object.fromEntries(POLICY_IDS.map((policy) => [policy, ending(run(policy, study, 4))]))).toMatchInlineSnapshot(`
    {
      "ab-both": "4 all",
      "ab-late": "2 target-not-empty",
      "ab-simple": "2 overwritten",
      "gfp-kho": "4 all",
      "purgatory": "4 all",
      "scratch": "4 all",
      "scratch-extended": "4 all",
      "to-kho": "1 to-kho-refused",
      "zone-switch": "1 to-kho-refused",
    }
  `)
})

it('gives the same rows for the same seed, and others for another', () => {
  const study = small()
  const [first, again, another] = [1, 1, 2].map((seed) => JSON.stringify(run('scratch', study, 2, seed)))
  expect([first === again, first === another]).toEqual([true, false])
})

it('lets to_kho and the switched zone live when booting allocates nothing that is handed over', { timeout: 60_000 }, () => {
  const study = small({ boot: { ...SMALL.boot, preservedDrivers: 0 } })
  expect(['to-kho', 'zone-switch', 'ab-late'].map((policy) => ending(run(policy as PolicyId, study, 4)))).toMatchInlineSnapshot(`
    [
      "4 all",
      "4 all",
      "4 all",
    ]
  `)
})

it('refuses in A/B what was not marked when it was allocated', () => {
  const unmarked = small({ workload: { churn: 2000, marked: 0 } })
  expect([ending(run('gfp-kho', small(), 3)), ending(run('gfp-kho', unmarked, 3))]).toEqual(['3 all', '1 to-kho-refused'])
})

it('says how much early memory is missing when scratch is too small', () => {
  const [row] = run('scratch', small({ boot: { ...SMALL.boot, region: '64MiB' } }), 1)
  expect([row?.failedStep, (row?.bootNeeded ?? 0) > (row?.bootAvailable ?? 0)]).toEqual(['boot-memory', true])
})

it('carries one folio through the primitive of the mail under every policy', { timeout: 60_000 }, () => {
  const study = small({ machine: { memory: '2GiB', randomised: false } })
  expect(POLICY_IDS.map((policy) => tryPrimitive(study, policy))).toEqual(
    POLICY_IDS.map((policy) => ({ policy, order: true, refcount: true, gfp: true, frame: true, address: true, put: true })),
  )
})

it('never lets a sound policy boot over what was handed over, whatever the workload', { timeout: 120_000 }, () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const workload = fc.record({
    vmShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
    vmPinned: share,
    driverFolios: fc.nat(3000),
    driverFixed: share,
    iommuPages: fc.nat(3000),
    marked: share,
    slabShare: fc.double({ min: 0, max: 0.1, noNaN: true }),
    cacheShare: fc.double({ min: 0, max: 0.35, noNaN: true }),
    churn: fc.nat(4000),
    turnover: share,
    growth: share,
  })
  fc.assert(
    fc.property(
      workload,
      fc.constantFrom(...POLICY_IDS),
      fc.nat(1000),
      fc.constantFrom('zone', 'milder'),
      (values, policy, seed, zoneSwitch) => {
        const study = small({ machine: { memory: '1GiB', nodes: 1 }, workload: values, zoneSwitch })
        if (impossibleIn(study).length > 0) return
        const rows = run(policy, study, 3, seed)
        for (const row of rows) expect(row.overwrittenFrames > 0).toBe(row.failedStep === 'overwritten')
      },
    ),
    { numRuns: 25 },
  )
})
