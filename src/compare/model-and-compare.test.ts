import { describe, expect, it } from 'vitest'
import { kernelOf, predictionOf } from '../model/model.fixture.ts'
import { resolve } from '../model/resolve.ts'
import { notSeen, seen, type Givens, type GuestMemory, type Observation } from '../shared/documents/index.ts'
import { fromHex, hex } from '../shared/units.ts'
import { compare } from './compare.ts'
import { sampleMeta, sampleObservation } from './sample.fixture.ts'

const KERNEL = kernelOf('7.3.4', {
  initrdSize: 3_452_212,
  header: {
    initSize: 0xcbb000,
    prefAddress: 0x1000000,
    kernelAlignment: 0x200000,
    relocatable: true,
    setupSects: 39,
    version: 527,
  },
})
const PREDICTION = predictionOf(
  {
    machine: { memory: '1GiB' },
    kho: { liveupdate: true },
    kernel: { cmdline: 'nokaslr' },
    reserveMem: [{ name: 'trace', size: '12MiB' }],
    hops: 1,
  },
  [KERNEL, KERNEL],
)

/** The sample observation under the command lines that the model makes. */
function observationOf(): Observation {
  const observation = sampleObservation()
  for (const { hop, guest, host } of observation.hops) {
    if (hop === 0) host.setupCode = seen({ address: '0x10000', bootParams: '0x15000' })
    guest.cmdline = seen(PREDICTION.cmdlines[hop] ?? '')
    guest.memory = { ...SILENT, e820: guest.firmwareMap }
  }
  return observation
}

const silent = notSeen('not part of the sample')
const SILENT: GuestMemory = {
  zones: silent,
  buddy: silent,
  pageBlocks: silent,
  total: silent,
  e820: silent,
  nodeRanges: silent,
  lines: silent,
  hugepages: silent,
  reserved: silent,
}

function givensOf(observation: Observation): Givens {
  return Object.assign(
    {},
    ...observation.hops.map(({ hop, host }) => {
      if (!host.outRoot.ok || !host.outRadix.ok || !host.scratchArray.ok) throw new Error('the sample shows all of it')
      const { address, preservedMemoryMap, subtrees, blob } = host.outRoot.value
      const given = {
        'scratch.regions': host.scratchArray.value.regions,
        'tree.address': address,
        'tree.memoryMap': preservedMemoryMap,
        'tree.addresses': Object.fromEntries(subtrees.map((subtree) => [subtree.name, subtree.address])),
        'tree.memblockRegions': [{ name: 'trace', start: '0x3e800000', size: '0xc00000' }],
        'tree.luoFlb': hex(fromHex(address) + 0x4000),
        'tree.blob': { address, size: blob.size, sha256: blob.sha256 },
        'preserved.records': host.outRadix.value.records,
        ...(host.preservedBefore?.ok === true
          ? { 'preserved.hashes': host.preservedBefore.value.map(({ record, digest }) => ({ ...record, digest })) }
          : {}),
      }
      return Object.fromEntries(Object.entries(given).map(([name, value]) => [`hop${hop}.${name}`, value]))
    }),
    { 'host.accelerator': { used: 'tcg', cpuModel: 'any' } },
  ) as Givens
}

describe("the model's claims and what compare reads", () => {
  it('have the same shape: a kernel that does as predicted agrees in every claim', () => {
    const observation = observationOf()
    const { claims, summary } = compare(resolve(PREDICTION, givensOf(observation)), observation, sampleMeta())
    const unpredicted = PREDICTION.claims
      .filter(({ prediction }) => prediction.kind === 'unpredicted')
      .map(({ id }) => `${id} unpredicted: `)
    expect(
      claims
        .filter(({ verdict }) => verdict !== 'match')
        .map(({ id, verdict, reason }) => `${id} ${verdict}: ${verdict === 'unpredicted' ? '' : reason}`),
    ).toEqual(unpredicted)
    expect(summary.run).toBe('agreed')
  })

  it('are unobserved where a given value was not measured', () => {
    const observation = observationOf()
    const { claims, summary } = compare(resolve(PREDICTION, {}), observation, sampleMeta())
    const rules = PREDICTION.claims.filter(({ prediction }) => prediction.kind === 'rule').map(({ id }) => id)
    expect(claims.filter(({ verdict }) => verdict === 'unobserved').map(({ id }) => id)).toEqual(rules)
    expect(summary.run).toBe('incomplete')
  })
})
