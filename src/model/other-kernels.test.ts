import { describe, expect, it } from 'vitest'
import type { ExperimentInput, KernelFacts } from '../shared/documents/index.ts'
import { KernelBuildFacts } from '../shared/documents/kernel-build-facts.ts'
import buildFacts from './boot/fixtures/build-facts.json' with { type: 'json' }
import { kernelOf, predictionOf } from './model.fixture.ts'

const build = KernelBuildFacts.parse(buildFacts)
const known = kernelOf('7.3.4', { build })
const INPUT: Omit<ExperimentInput, 'name'> = { machine: { memory: '2GiB' }, kernel: { cmdline: 'nokaslr' }, hops: 1 }

const withOptions = (change: (options: KernelBuildFacts['options']) => KernelBuildFacts['options']): KernelFacts =>
  kernelOf('7.3.4', { build: { ...build, options: change(build.options) } })

/** How many claims of each family have a value or a rule, and why the others have none. */
function outcome(kernel: KernelFacts) {
  const { claims } = predictionOf(INPUT, [kernel, kernel])
  const families = new Map<string, string>()
  const reasons = new Set<string>()
  for (const family of new Set(claims.map((claim) => claim.family))) {
    const own = claims.filter((claim) => claim.family === family)
    const silent = own.flatMap(({ prediction }) => (prediction.kind === 'unpredicted' ? [prediction.reason] : []))
    families.set(family, `${own.length - silent.length} of ${own.length}`)
    for (const reason of silent) reasons.add(reason)
  }
  return { ...Object.fromEntries(families), why: [...reasons] }
}

describe('what is predicted of a kernel', () => {
  it('that the lab built: all but what the page allocator decides', () => {
    expect(outcome(known)).toMatchInlineSnapshot(`
      {
        "boot": "7 of 7",
        "debugfs": "2 of 2",
        "firmware": "6 of 6",
        "handover": "6 of 6",
        "hugetlb": "2 of 2",
        "invariant": "8 of 8",
        "iomem": "2 of 2",
        "kexec": "6 of 6",
        "loader": "7 of 7",
        "log": "14 of 14",
        "memblock": "4 of 4",
        "preserved": "4 of 4",
        "scratch": "10 of 10",
        "tree": "6 of 6",
        "why": [],
        "zone": "12 of 12",
      }
    `)
  })

  it('of a bzImage alone: what its header and release decide', () => {
    expect(outcome(kernelOf('7.3.4', { purgatorySize: undefined }))).toMatchInlineSnapshot(`
      {
        "boot": "7 of 7",
        "debugfs": "2 of 2",
        "firmware": "6 of 6",
        "handover": "5 of 5",
        "invariant": "6 of 6",
        "kexec": "5 of 6",
        "loader": "6 of 7",
        "preserved": "4 of 4",
        "scratch": "7 of 10",
        "tree": "6 of 6",
        "why": [
          "a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
          "needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
          "the size of the loading kernel's purgatory is not known",
        ],
        "zone": "0 of 4",
      }
    `)
  })

  it('with an option whose reservations no step has: nothing of early memory, which the option is named for', () => {
    expect(outcome(withOptions((options) => [...options, 'KASAN']))).toMatchInlineSnapshot(`
      {
        "boot": "7 of 7",
        "debugfs": "2 of 2",
        "firmware": "6 of 6",
        "handover": "6 of 6",
        "invariant": "6 of 6",
        "kexec": "6 of 6",
        "loader": "7 of 7",
        "preserved": "4 of 4",
        "scratch": "7 of 10",
        "tree": "6 of 6",
        "why": [
          "what CONFIG_KASAN reserves early is not modelled",
        ],
        "zone": "0 of 4",
      }
    `)
  })

  it('without an option that the schedule takes for granted', () => {
    expect(outcome(withOptions((options) => options.filter((option) => option !== 'SPARSEMEM_VMEMMAP')))).toMatchInlineSnapshot(`
      {
        "boot": "7 of 7",
        "debugfs": "2 of 2",
        "firmware": "6 of 6",
        "handover": "6 of 6",
        "invariant": "6 of 6",
        "kexec": "6 of 6",
        "loader": "7 of 7",
        "preserved": "4 of 4",
        "scratch": "7 of 10",
        "tree": "6 of 6",
        "why": [
          "a kernel without CONFIG_SPARSEMEM_VMEMMAP is not modelled",
        ],
        "zone": "0 of 4",
      }
    `)
  })

  it('of a release whose source the rules were not read from', () => {
    expect(outcome(kernelOf('7.4.1', { build }))).toMatchInlineSnapshot(`
      {
        "boot": "4 of 7",
        "firmware": "6 of 6",
        "kexec": "0 of 1",
        "loader": "5 of 5",
        "preserved": "0 of 2",
        "scratch": "0 of 6",
        "tree": "0 of 2",
        "why": [
          "the model has the rules of 7.2 and 7.3, not of release 7.4.1",
        ],
        "zone": "0 of 4",
      }
    `)
  })

  it('of a series that hands over alike, but whose early reservations were not read', () => {
    expect(outcome(kernelOf('7.2.3', { build }))).toMatchInlineSnapshot(`
      {
        "boot": "7 of 7",
        "debugfs": "2 of 2",
        "firmware": "6 of 6",
        "handover": "6 of 6",
        "invariant": "6 of 6",
        "kexec": "6 of 6",
        "loader": "7 of 7",
        "preserved": "4 of 4",
        "scratch": "7 of 10",
        "tree": "6 of 6",
        "why": [
          "the early reservations of 7.3 are known in their order, not those of 7.2",
        ],
        "zone": "0 of 4",
      }
    `)
  })

  it('of another configuration whose rules are known: other values, as many claims', () => {
    const other = kernelOf('7.3.4', { build: { ...build, numbers: { ...build.numbers, sizeofPglistData: 20_480, nrCpus: 512 } } })
    expect(outcome(other)).toEqual(outcome(known))
    const addresses = (kernel: KernelFacts) =>
      predictionOf(INPUT, [kernel, kernel]).claims.find(({ id }) => id === 'hop0.memblock.reserved')?.prediction
    expect(addresses(other)).not.toEqual(addresses(known))
  })
})
