import { describe, expect, it } from 'vitest'
import type { Givens, KernelFacts } from '../shared/documents/index.ts'
import { ExperimentFile, completeExperiment, type ExperimentInput } from '../shared/documents/experiment.ts'
import { KernelBuildFacts } from '../shared/documents/kernel-build-facts.ts'
import { MiB, hex } from '../shared/units.ts'
import buildFacts from './boot/fixtures/build-facts.json' with { type: 'json' }
import recorded from './boot/fixtures/first-boots.json' with { type: 'json' }
import { kernelOf, outline } from './model.fixture.ts'
import { predict } from './predict.ts'
import { resolve } from './resolve.ts'

const kernel = kernelOf('7.3.4', { initrdSize: 3_500_000, build: KernelBuildFacts.parse(buildFacts) })

function claimsOf(input: Omit<ExperimentInput, 'name' | 'hops'>, givens: Givens = {}, facts: KernelFacts = kernel) {
  const { experiment, issues } = completeExperiment(ExperimentFile.parse({ name: 'first boot', hops: 0, ...input }))
  if (experiment === undefined) throw new Error(JSON.stringify(issues))
  const claims = resolve(predict(experiment, [facts], { experimentSha256: '0'.repeat(64) }), givens)
  return Object.fromEntries(
    claims.map(({ subject, prediction, predicted, unpredicted }) => [subject, { kind: prediction.kind, predicted, unpredicted }]),
  )
}

describe('scratch of a first boot', () => {
  it('is a value before the guest starts, under TCG without KASLR', () => {
    const claims = claimsOf({ accelerator: 'tcg', kernel: { cmdline: 'nokaslr' } })
    // The cells of a guest of 1 GiB with this initrd that was booted.
    expect([claims['scratch.sizes'], claims['scratch.addresses']]).toEqual([
      { kind: 'value', predicted: ['0x4800000', '0x0', '0x4400000'], unpredicted: undefined },
      { kind: 'value', predicted: ['0x3a000000', '0x3e800000', '0x35c00000'], unpredicted: undefined },
    ])
  })

  it('follows from where KASLR put the kernel, and from what the guest runs under', () => {
    const random = recorded.find((boot) => boot.random !== undefined && boot.nodes.length === 1)
    if (random?.random === undefined) throw new Error('no recorded boot with KASLR')
    const machine = { type: random.type === 'pc' ? ('pc' as const) : ('q35' as const), memory: random.memory, cpus: random.cpus }
    const scratch = random.cmdline.match(/kho_scratch=(\S+)/)?.[1]
    const input = {
      machine,
      kho: scratch === undefined ? {} : { scratch },
      reserveMem: [{ name: 'a', size: '3M' }],
    }
    const facts = { ...kernel, initrdSize: random.initrdSize }
    // Places that need as many page tables as the guest took: its one CPU's area, wherever within 2 MiB it lay.
    const drawn = { pageOffsetBase: '0xff11000000000000', vmemmapBase: '0xffd4000000000000', entryAreas: [1] }
    const givens = {
      'host.accelerator': { used: 'tcg', cpuModel: 'x' },
      'hop0.kernel.base': random.random.base,
      'hop0.kernel.addressSpace': drawn,
    }
    const starts = random.changes.slice(-3).map((line) => `0x${line.split(/[ +]/)[1] ?? ''}`)
    expect(claimsOf(input, givens, facts)['scratch.addresses']).toEqual({
      kind: 'rule',
      predicted: starts,
      unpredicted: undefined,
    })
    const kvm = { ...givens, 'host.accelerator': { used: 'kvm', cpuModel: 'x' } }
    expect(claimsOf(input, kvm, facts)['scratch.addresses']?.unpredicted).toEqual({
      kind: 'no-rule',
      reason: 'which page tables the processor of this host gives to a guest under KVM is not modelled',
    })
  })

  it('decides whether KHO stays on, to the alignment of scratch', () => {
    const khoWith = (lowmem: number): unknown =>
      claimsOf({ accelerator: 'tcg', kernel: { cmdline: 'nokaslr' }, kho: { scratch: `${lowmem}M,4M,4M` } })['boot.kho']
        ?.predicted
    let [fits, fails] = [4, 1024]
    while (fails - fits > 4) {
      const middle = Math.floor((fits + fails) / 8) * 4
      if (khoWith(middle) === true) fits = middle
      else fails = middle
    }
    expect([khoWith(fits), khoWith(fails)]).toEqual([true, false])
    expect(hex(fits * MiB)).toMatchInlineSnapshot(`"0x3c800000"`)
  })

  it('counts a crash kernel, and leaves out what is not modelled', () => {
    const kho = claimsOf({ accelerator: 'tcg', kernel: { cmdline: 'nokaslr crashkernel=128M' } })
    const cma = claimsOf({ accelerator: 'tcg', kernel: { cmdline: 'nokaslr hugetlb_cma=1G' } })
    expect([kho['boot.kho']?.predicted, kho['scratch.sizes']?.predicted, cma['scratch.sizes']?.unpredicted?.reason])
      .toMatchInlineSnapshot(`
      [
        true,
        [
          "0x14800000",
          "0x0",
          "0x4400000",
        ],
        "how hugetlb_cma=1G changes early memory is not modelled",
      ]
    `)
  })
})

it('a kernel that the lab built without KHO has none, and says what it does with what it is given', () => {
  const build = kernel.build && { ...kernel.build, options: kernel.build.options.filter((option) => option !== 'KEXEC_HANDOVER') }
  const without: KernelFacts = { ...kernel, ...(build ? { build } : {}) }
  const { experiment } = completeExperiment(ExperimentFile.parse({ name: 'x', hops: 1 }))
  if (experiment === undefined) throw new Error('no experiment')
  const lines = outline(predict(experiment, [kernel, without], { experimentSha256: '0'.repeat(64) }))
  expect(lines.filter((line) => /^hop1\.(boot\.kho|boot\.outcome|handover|tree)/.test(line))).toEqual([
    'hop1.boot.outcome: value {"how":"no-handover"}',
    'hop1.handover.refused: value ["Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring."]',
    'hop1.boot.kho: value false',
  ])
})

it('pages that the tests of such a kernel take back are not counted', () => {
  const { experiment } = completeExperiment(ExperimentFile.parse({ name: 'x', hops: 1 }))
  if (experiment === undefined) throw new Error('no experiment')
  const testing: KernelFacts = { ...kernel, hasOwnTests: true }
  const counted = (kernels: KernelFacts[]): string[] =>
    outline(predict(experiment, kernels, { experimentSha256: '0'.repeat(64) }))
      .filter((line) => /zone\.(managed|totalRam)/.test(line))
      .map((line) => line.split(' ', 2).join(' '))
  expect(counted([testing, testing]).filter((line) => line.endsWith('unpredicted'))).toEqual([
    'hop1.zone.managed.node0.DMA32: unpredicted',
    'hop1.zone.totalRam: unpredicted',
  ])
  expect(counted([kernel, kernel]).filter((line) => line.endsWith('unpredicted'))).toEqual([])
})

describe('a reserve_mem region that the boot before did not have', () => {
  const kernels = ['', 'reserve_mem=1M:4K:late', 'reserve_mem=1M:4K:late'].map((cmdline) => ({ cmdline }))
  const { experiment } = completeExperiment(ExperimentFile.parse({ name: 'x', accelerator: 'tcg', kernel: kernels, hops: 2 }))
  if (experiment === undefined) throw new Error('no experiment')
  const claims = (checksScratch: boolean) => {
    const facts = kernels.map((): KernelFacts => ({ ...kernel, checksScratch }))
    return predict(experiment, facts, { experimentSha256: '0'.repeat(64) }).claims
  }
  const roots = (checksScratch: boolean): readonly string[] =>
    claims(checksScratch)
      .filter(({ subject }) => subject === 'tree.root' || subject === 'tree.regions')
      .map(({ id, prediction, onlyIf = [] }) => {
        const trees = prediction.kind === 'value' ? (JSON.stringify(prediction.value).match(/"name":"[^"]+"/g) ?? []).length : 0
        return `${id}: ${prediction.kind} ${trees}${onlyIf.map(({ claim, is }) => `, ${claim} ${is}`).join('')}`
      })

  it('is claimed either way where the kernel refuses it inside scratch, and again of a kernel that finds none of it', () => {
    expect(roots(true)).toEqual([
      'hop0.tree.root: value 1',
      'hop1.tree.regions: rule 0',
      'hop1.tree.root: value 2, hop1.tree.regions true',
      'hop1.tree.root: value 1, hop1.tree.regions false',
      'hop2.tree.root: value 2, hop1.tree.regions true',
      'hop2.tree.regions: rule 0, hop1.tree.regions false',
      'hop2.tree.root: value 2, hop1.tree.regions false, hop2.tree.regions true',
      'hop2.tree.root: value 1, hop1.tree.regions false, hop2.tree.regions false',
    ])
  })

  it('is handed over wherever it lies by a kernel that does not check', () => {
    const scratch = claims(false).filter(({ subject, hop }) => subject === 'invariant.preserved-outside-scratch' && hop === 1)
    expect(scratch.map(({ prediction }) => prediction.kind)).toContain('unpredicted')
    expect(roots(false)).toContain('hop1.tree.root: value 2, hop1.tree.regions true')
  })

  it('is left open, all of it, only after so many boots', () => {
    const many = Array.from({ length: 9 }, (_unused, hop) => ({ cmdline: `reserve_mem=${hop + 1}M:4K:late` }))
    const long = completeExperiment(ExperimentFile.parse({ name: 'x', accelerator: 'tcg', kernel: many, hops: 8 })).experiment
    if (long === undefined) throw new Error('no experiment')
    const facts = many.map((): KernelFacts => ({ ...kernel, checksScratch: true }))
    const roots8 = predict(long, facts, { experimentSha256: '0'.repeat(64) }).claims.filter(({ id }) => id === 'hop8.tree.root')
    expect(roots8.map(({ prediction }) => prediction.kind)).toEqual(['unpredicted'])
  })
})
