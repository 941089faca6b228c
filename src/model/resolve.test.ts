import { describe, expect, it } from 'vitest'
import type { Givens, Prediction } from '../shared/documents/index.ts'
import { resolve } from './resolve.ts'
import { kernelOf, predictionOf } from './model.fixture.ts'

const scratch = [
  { start: '0x37000000', size: '0x6800000' },
  { start: '0x3f800000', size: '0x0' },
  { start: '0x32800000', size: '0x4800000' },
]
const answer = (prediction: Prediction, givens: Givens, id: string) => {
  const claim = resolve(prediction, givens).find((candidate) => candidate.id === id)
  return claim && { predicted: claim.predicted, unpredicted: claim.unpredicted, givenValues: claim.givenValues }
}

describe('resolve', () => {
  it('gives values at once and says which givens are missing', () => {
    const prediction = predictionOf({})
    expect(answer(prediction, {}, 'hop0.scratch.count')).toEqual({ predicted: 3, unpredicted: undefined, givenValues: {} })
    expect(answer(prediction, { 'hop0.tree.memoryMap': '0x1000' }, 'hop0.tree.bytes')).toEqual({
      predicted: undefined,
      unpredicted: { kind: 'given-missing', reason: 'not observed: hop0.tree.addresses' },
      givenValues: { 'hop0.tree.memoryMap': '0x1000' },
    })
  })

  it('keeps the reason of what has no rule', () => {
    expect(answer(predictionOf({}), {}, 'hop0.scratch.addresses')?.unpredicted?.kind).toBe('no-rule')
  })

  it('places segments in the scratch that was given', () => {
    const givens = { 'hop0.scratch.regions': scratch }
    expect(
      ['load', 'kernel', 'initrd', 'scratchArray', 'segments'].map((subject) =>
        JSON.stringify(answer(predictionOf({}), givens, `hop1.kexec.${subject}`)?.predicted),
      ),
    ).toMatchInlineSnapshot(`
      [
        "{"accepted":true}",
        "{"start":"0x3c800000"}",
        "{"start":"0x3c400000","size":4194304}",
        "{"address":"0x3d7f0000"}",
        "[{"start":"0x3d7f0000","memsz":"0x1000"},{"start":"0x3d7fb000","memsz":"0x5000"},{"start":"0x3d7f9000","memsz":"0x2000"},{"start":"0x3c800000","memsz":"0xf2d000"},{"start":"0x3c400000","memsz":"0x400000"}]",
      ]
    `)
  })

  it("answers without the purgatory's size what does not depend on it", () => {
    const kernels = [kernelOf('7.3.4', { purgatorySize: undefined }), kernelOf()]
    const givens = { 'hop0.scratch.regions': scratch }
    const prediction = predictionOf({}, kernels)
    expect(answer(prediction, givens, 'hop1.kexec.kernel')?.predicted).toEqual({ start: '0x3c800000' })
    expect(answer(prediction, givens, 'hop1.kexec.segments')?.unpredicted?.reason).toBe(
      "the size of the loading kernel's purgatory is not known",
    )
  })

  it('says when the kernel cannot be loaded, and why nothing has an address then', () => {
    const givens = { 'hop0.scratch.regions': [{ start: '0x3e000000', size: '0x400000' }] }
    expect(answer(predictionOf({}), givens, 'hop1.kexec.load')?.predicted).toEqual({ accepted: false })
    expect(answer(predictionOf({}), givens, 'hop1.kexec.initrd')?.unpredicted).toEqual({
      kind: 'no-rule',
      reason: 'no scratch region has room for the kernel (15912960 bytes): kexec_file_load fails with EADDRNOTAVAIL',
    })
  })

  it('splits regions by alignment and node, and knows the tree that holds them', () => {
    const prediction = predictionOf({
      machine: { memory: '1GiB', nodes: [{ memory: '513MiB' }, { memory: '511MiB' }] },
      hops: 0,
      kho: { liveupdate: true },
      reserveMem: [
        { name: 'a', size: '12MiB' },
        { name: 'b', size: '8MiB' },
        { name: 'tiny', size: 100, align: 64 },
        { name: 'odd', size: 5000, align: 64 },
      ],
    })
    const givens = {
      'hop0.tree.address': '0x5a2000',
      'hop0.tree.addresses': { 'kexec-metadata': '0x5a3000', LUO: '0x5a4000', memblock: '0x5a5000' },
      'hop0.tree.luoFlb': '0x5a6000',
      'hop0.tree.memblockRegions': [
        { name: 'a', start: '0x1fa00000', size: '0x1' },
        { name: 'b', start: '0x3f400000', size: '0x1' },
        { name: 'tiny', start: '0x3fdfe000', size: '0x1' },
        { name: 'odd', start: '0x3fdfdfc0', size: '0x1' },
      ],
    }
    expect(JSON.stringify(answer(prediction, givens, 'hop0.preserved.records')?.predicted).match(/\{.*?\}/g))
      .toMatchInlineSnapshot(`
      [
        "{"start":"0x5a2000","order":0}",
        "{"start":"0x5a3000","order":0}",
        "{"start":"0x5a4000","order":0}",
        "{"start":"0x5a5000","order":0}",
        "{"start":"0x5a6000","order":0}",
        "{"start":"0x1fa00000","order":9}",
        "{"start":"0x1fc00000","order":10}",
        "{"start":"0x20000000","order":8}",
        "{"start":"0x20100000","order":8}",
        "{"start":"0x20200000","order":9}",
        "{"start":"0x20400000","order":9}",
        "{"start":"0x3f400000","order":10}",
        "{"start":"0x3f800000","order":10}",
        "{"start":"0x3fdfd000","order":0}",
      ]
    `)
    expect(JSON.stringify(answer(prediction, givens, 'hop0.preserved.radix')?.predicted)).toMatchInlineSnapshot(
      `"{"nodeCount":20,"levels":[[[0,2]],[[0],[1,2,4]],[[0],[0],[0],[0]],[[0],[0],[0],[0]],[[0,7],[0],[0],[0]],[[127,253,254],[1442,1443,1444,1445,1446],[253,257,258],[32253],[512,513]]]}"`,
    )
  })

  it('takes the LUO page out of what must keep its content, and regions that a driver owns', () => {
    const hashes = ['0x5a2000', '0x5a4000', '0x1fc00000'].map((start, index) => ({
      start,
      order: index === 2 ? 1 : 0,
      digest: `${index}`.repeat(32),
    }))
    const givens = {
      'hop0.preserved.hashes': hashes,
      'hop0.tree.addresses': { LUO: '0x5a4000' },
      'hop0.tree.memblockRegions': [{ name: 'a', start: '0x1fc00000', size: '0x2000' }],
    }
    const input = { kho: { liveupdate: true }, reserveMem: [{ name: 'a', size: 8192 }] }
    const starts = (cmdline: string): unknown =>
      answer(predictionOf({ ...input, kernel: { cmdline } }), givens, 'hop1.handover.content')?.predicted
    expect(starts('')).toEqual([hashes[0], hashes[2]])
    expect(starts('ramoops.mem_name=a')).toEqual([hashes[0]])
  })

  it('answers for malformed given values and rules that do not exist instead of throwing', () => {
    const prediction = predictionOf({})
    expect(answer(prediction, { 'hop0.scratch.regions': [{ start: 7 }] }, 'hop1.scratch.unchanged')?.unpredicted?.kind).toBe(
      'no-rule',
    )
    const foreign = {
      ...prediction,
      claims: prediction.claims.map((claim) => ({
        ...claim,
        prediction: { kind: 'rule' as const, rule: 'constructor', inputs: {}, given: ['host.accelerator'] },
      })),
    }
    expect(answer(foreign, { 'host.accelerator': 1 }, 'hop0.boot.release')?.unpredicted).toEqual({
      kind: 'no-rule',
      reason: 'this release of the model has no rule constructor',
    })
  })

  it('knows the map once the accelerator is known', () => {
    const prediction = predictionOf({ accelerator: 'kvm', machine: { type: 'pc' }, hops: 0 })
    const map = answer(
      prediction,
      { 'host.accelerator': { used: 'kvm', cpuModel: 'Intel(R) Core(TM)' } },
      'hop0.firmware.map',
    )?.predicted
    expect(JSON.stringify(map).match(/\{.*?\}/g)).toMatchInlineSnapshot(`
      [
        "{"start":"0x0","end":"0x9fc00","type":"System RAM"}",
        "{"start":"0x9fc00","end":"0xa0000","type":"Reserved"}",
        "{"start":"0xf0000","end":"0x100000","type":"Reserved"}",
        "{"start":"0x100000","end":"0x3ffe0000","type":"System RAM"}",
        "{"start":"0x3ffe0000","end":"0x40000000","type":"Reserved"}",
        "{"start":"0xfeffc000","end":"0xff000000","type":"Reserved"}",
        "{"start":"0xfffc0000","end":"0x100000000","type":"Reserved"}",
      ]
    `)
  })
})
