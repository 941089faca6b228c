import { expect, it } from 'vitest'
import { completeExperiment, ExperimentFile } from '../experiment.ts'

const complete = (workload: unknown, hops = 3) => {
  const parsed = ExperimentFile.safeParse({ name: 'x', hops, workload })
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  const { experiment, issues } = completeExperiment(parsed.data)
  return experiment === undefined ? issues.map(({ path, message }) => `${path.join('.')}: ${message}`) : experiment.workload
}

it('carries steps to the boots that they name, in order, one set per step', () => {
  expect(
    complete([
      {
        boot: 0,
        steps: [
          { allocate: { name: 'a', order: '0..2' } },
          { allocate: { name: 'v', kind: 'vmalloc', size: '9000', huge: true } },
          { churn: { operations: 5 } },
          { wait: '1.5s' },
        ],
      },
      { boot: '1..last', steps: [{ restore: ['a', 'v'] }] },
      { boot: 'last', steps: [{ put: 'a' }] },
    ]),
  ).toMatchInlineSnapshot(`
    [
      [
        {
          "count": 1,
          "huge": false,
          "kind": "folio",
          "movable": false,
          "name": "a",
          "orders": [
            0,
            1,
            2,
          ],
          "pages": 0,
          "step": "allocate",
        },
        {
          "count": 1,
          "huge": true,
          "kind": "vmalloc",
          "movable": false,
          "name": "v",
          "orders": [
            0,
          ],
          "pages": 3,
          "step": "allocate",
        },
        {
          "hold": 16777216,
          "maxOrder": 3,
          "operations": 5,
          "step": "churn",
        },
        {
          "ms": 1500,
          "step": "wait",
        },
      ],
      [
        {
          "name": "a",
          "step": "restore",
        },
        {
          "name": "v",
          "step": "restore",
        },
      ],
      [
        {
          "name": "a",
          "step": "restore",
        },
        {
          "name": "v",
          "step": "restore",
        },
      ],
      [
        {
          "name": "a",
          "step": "restore",
        },
        {
          "name": "v",
          "step": "restore",
        },
        {
          "name": "a",
          "step": "put",
        },
      ],
    ]
  `)
})

const KEYS =
  'allocate, churn, preserve, unpreserve, free, wait, restore, verify, put, kho_restore_folio, kho_preserve_pages, kho_unpreserve_pages, luoCreate, luoFill, luoRetrieve'

it.each([
  [{ steps: [{}] }, `workload.0.steps.0: a step has exactly one of ${KEYS}`],
  [{ steps: [{ put: 'a', free: 'a' }] }, `workload.0.steps.0: a step has exactly one of ${KEYS}`],
  [{ boot: 4, steps: [{ put: 'a' }] }, 'workload.0.boot: there are boots 0 to 3, not 4'],
  [{ boot: '2..1', steps: [{ put: 'a' }] }, 'workload.0.boot: there are boots 0 to 3, not 2..1'],
  [{ steps: [{ wait: '2h' }] }, 'workload.0.steps.0.wait: not a time: 2h (write 500ms or 2s, up to 60s)'],
  [
    { steps: [{ allocate: { name: 'A' } }] },
    'workload.0.steps.0.allocate.name: a lower-case letter, then up to 14 lower-case letters, digits or -',
  ],
  [
    { steps: [{ allocate: { name: 'a', order: '0..11' } }] },
    'workload.0.steps.0.allocate.order: not an order or a range of orders: 0..11 (write 9 or 0..10)',
  ],
  [
    { steps: [{ allocate: { name: 'a', size: '1M' } }] },
    'workload.0.steps.0.allocate.size: folios have order and count; size is for contiguous and vmalloc',
  ],
  [{ steps: [{ allocate: { name: 'a', kind: 'vmalloc' } }] }, 'workload.0.steps.0.allocate.size: a vmalloc set needs a size'],
  [
    { steps: [{ allocate: { name: 'a', kind: 'contiguous', size: '2M', huge: true } }] },
    'workload.0.steps.0.allocate.huge: only a vmalloc area can be huge',
  ],
  [
    { steps: [{ allocate: { name: 'a', order: '0..10', count: 1_000_000 } }] },
    'workload.0.steps.0.allocate.count: more than the 4194304 folios that a set can have',
  ],
])('refuses %j', (boot, message) => {
  expect(complete([{ boot: 0, ...boot }])).toEqual([message])
})

it('calls functions of KHO for one entry, and asks for a range inside scratch', () => {
  const inside = { allocate: { name: 's', kind: 'contiguous', size: '4MiB', scratch: 0 } }
  const calls = [{ kho_restore_folio: { set: 'a' } }, { kho_unpreserve_pages: { set: 'a', entry: 3, order: 2 } }]
  expect(complete([{ boot: 0, steps: [inside, ...calls] }], 0)).toMatchObject([
    [
      { step: 'allocate', name: 's', scratch: 0, pages: 1024 },
      { step: 'kho_restore_folio', name: 'a', entry: 0, order: 0 },
      { step: 'kho_unpreserve_pages', name: 'a', entry: 3, order: 2 },
    ],
  ])
  expect(complete([{ boot: 1, steps: [inside] }], 1)).toEqual([
    'workload.0.steps.0.allocate.scratch: only in boot 0: later kernels are loaded into scratch, and what of it is free then is not known',
  ])
  expect(complete([{ boot: 0, steps: [{ allocate: { name: 's', scratch: 0 } }] }], 0)).toEqual([
    'workload.0.steps.0.allocate.scratch: only a contiguous range can be asked for inside scratch',
  ])
})

it('hands a set over as one or page by page, not both', () => {
  const steps = [{ allocate: { name: 'a' } }, { preserve: 'a' }, { kho_preserve_pages: { set: 'a', order: 0 } }]
  expect(complete([{ boot: 0, steps }], 0)).toEqual([
    'workload: boot 0 hands a over by preserve and by kho_preserve_pages: do one of them',
  ])
})
