import { describe, expect, it } from 'vitest'
import { kernelOf } from '../model/model.fixture.ts'
import buildFacts from '../model/boot/fixtures/build-facts.json' with { type: 'json' }
import type { Experiment } from '../shared/documents/index.ts'
import { KernelBuildFacts } from '../shared/documents/kernel-build-facts.ts'
import { LabError } from '../shared/result.ts'
import { MiB } from '../shared/units.ts'
import { parseExperimentYaml } from './experiment-file.ts'
import { parseSweep, sweepExperiment, type SweepResult } from './sweep.ts'
import { sweepCsv, sweepTable } from './sweep-tables.ts'

const kernel = kernelOf('7.3.4', { initrdSize: 3_500_000, build: KernelBuildFacts.parse(buildFacts) })

function experimentOf(yaml: string): Experiment {
  const parsed = parseExperimentYaml(`name: sweep\n${yaml}`, 'sweep.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

const sweep = (text: string, yaml = 'hops: 0', next = kernel): SweepResult =>
  sweepExperiment(experimentOf(yaml), [kernel, next], parseSweep(text))

const refusal = (work: () => unknown): string => {
  try {
    return `accepted: ${JSON.stringify(work())}`
  } catch (error) {
    if (error instanceof LabError) return `${error.code}: ${error.message}`
    throw error
  }
}

describe('values of a sweep', () => {
  it.each([
    ['memory=1GiB..8GiB', [1024, 2048, 4096, 8192].map((size) => size * MiB)],
    ['memory=512M..1536M', [512, 1024, 1536].map((size) => size * MiB)],
    ['memory=1GiB..2GiB:4', [1024, 1365, 1706, 2048].map((size) => size * MiB)],
    ['memory=1GiB..1GiB', [1024 * MiB]],
    ['cpus=1..5', [1, 2, 3, 4, 5]],
    ['cpus=1..2:8', [1, 2]],
    ['scratch=50%..400%', [50, 100, 200, 400]],
  ])('%s', (text, values) => expect(parseSweep(text).values).toEqual(values))

  it('are refused by name', () => {
    const texts = [
      'memory',
      'memory=1GiB',
      'hops=1..3',
      'toString=1..3',
      'memory=1GiB..lots',
      'memory=0..1GiB',
      'memory=2GiB..1GiB',
      'cpus=1..2.5',
      'cpus=1..500',
      'memory=1GiB..2GiB:1',
      'memory=1GiB..2GiB:many',
      'scratch=1..2',
    ]
    expect(texts.map((text) => refusal(() => parseSweep(text)))).toMatchInlineSnapshot(`
      [
        "usage: --sweep memory: not KEY=FROM..TO",
        "usage: --sweep memory=1GiB: not KEY=FROM..TO",
        "usage: --sweep hops=1..3: there is no parameter hops",
        "usage: --sweep toString=1..3: there is no parameter toString",
        "usage: --sweep memory=1GiB..lots: "lots" is not a size such as 1GiB",
        "usage: --sweep memory=0..1GiB: "0" is not a size such as 1GiB",
        "usage: --sweep memory=2GiB..1GiB: 2GiB is more than 1GiB",
        "usage: --sweep cpus=1..2.5: "2.5" is not a whole number from 1",
        "usage: --sweep cpus=1..500: more than 200 values",
        "usage: --sweep memory=1GiB..2GiB:1: STEPS is a whole number from 2 to 200, not "1"",
        "usage: --sweep memory=1GiB..2GiB:many: STEPS is a whole number from 2 to 200, not "many"",
        "usage: --sweep scratch=1..2: "1" is not a percentage such as 100%",
      ]
    `)
  })

  it('that the experiment cannot have are refused by name', () => {
    const uneven = 'machine: { memory: 4GiB, nodes: [{ memory: 3GiB }, { memory: 1GiB }] }'
    expect([
      refusal(() => sweep('cpus=254..256')),
      refusal(() => sweep('nodes=64..65')),
      refusal(() => sweep('memory=64MiB..128MiB')),
      refusal(() => sweep('memory=2GiB..4GiB', uneven)),
    ]).toMatchInlineSnapshot(`
      [
        "usage: --sweep cpus: the experiment cannot have 256: 256 is too much: at most 255",
        "usage: --sweep nodes: the experiment cannot have 65: 65 is too much: at most 64",
        "usage: --sweep memory: the experiment cannot have 64 MiB: less than 128MiB: the guest cannot start",
        "usage: --sweep memory: the experiment gives its nodes memory of their own, so it cannot be swept",
      ]
    `)
  })
})

describe('a sweep', () => {
  it('over memory has the scratch that a booted guest of 1 GiB with this initrd had', () => {
    const { rows } = sweep('memory=1GiB..1GiB')
    expect(rows[0]?.scratch?.regions.map(({ size }) => size)).toEqual([0x4800000, 0, 0x4400000])
  })

  it('over memory, also beyond where QEMU moves RAM', () => {
    expect(sweepTable(sweep('memory=512MiB..4TiB'))).toMatchInlineSnapshot(`
      "assumed: nokaslr on the command line; with KASLR scratch also depends on where the kernel comes to lie
      assumed: TCG; under KVM scratch also depends on the host's processor
      RAM      nodes  CPUs  KHO on  regions  scratch     lowmem   global      in nodes    of RAM   next fits  why
      512 MiB  1      2     yes     3        108 MiB     56 MiB   0 B         52 MiB      21.09 %  yes
      1 GiB    1      2     yes     3        140 MiB     72 MiB   0 B         68 MiB      13.67 %  yes
      2 GiB    1      2     yes     3        208 MiB     108 MiB  0 B         100 MiB     10.16 %  yes
      4 GiB    1      2     yes     3        476 MiB     164 MiB  148 MiB     164 MiB     11.62 %  yes
      8 GiB    1      2     yes     3        744 MiB     164 MiB  288 MiB     292 MiB     9.08 %   yes
      16 GiB   1      2     yes     3        1280 MiB    164 MiB  568 MiB     548 MiB     7.81 %   yes
      32 GiB   1      2     yes     3        2352 MiB    164 MiB  1128 MiB    1060 MiB    7.18 %   yes
      64 GiB   1      2     yes     3        4496 MiB    164 MiB  2248 MiB    2084 MiB    6.86 %   yes
      128 GiB  1      2     yes     3        8592 MiB    164 MiB  4296 MiB    4132 MiB    6.56 %   yes
      256 GiB  1      2     yes     3        16976 MiB   164 MiB  8584 MiB    8228 MiB    6.48 %   yes
      512 GiB  1      2     yes     3        33360 MiB   164 MiB  16776 MiB   16420 MiB   6.36 %   yes
      1 TiB    1      2     yes     3        66512 MiB   164 MiB  33544 MiB   32804 MiB   6.34 %   yes
      2 TiB    1      2     yes     3        132052 MiB  164 MiB  66312 MiB   65576 MiB   6.30 %   yes
      4 TiB    1      2     yes     3        263896 MiB  164 MiB  132620 MiB  131112 MiB  6.29 %   yes
      "
    `)
  })

  it('over nodes, asked for without KASLR and under TCG', () => {
    const asked = 'machine: { memory: 4GiB, cpus: 4 }\naccelerator: tcg\nkernel: { cmdline: nokaslr }'
    expect(sweepTable(sweep('nodes=1..4', asked))).toMatchInlineSnapshot(`
      "RAM    nodes  CPUs  KHO on  regions  scratch  lowmem   global   in nodes  of RAM   next fits  why
      4 GiB  1      4     yes     3        476 MiB  164 MiB  148 MiB  164 MiB   11.62 %  yes
      4 GiB  2      4     yes     4        468 MiB  228 MiB  72 MiB   168 MiB   11.43 %  yes
      4 GiB  3      4     yes     5        468 MiB  208 MiB  92 MiB   168 MiB   11.43 %  yes
      4 GiB  4      4     yes     6        472 MiB  228 MiB  72 MiB   172 MiB   11.52 %  yes
      "
    `)
  })

  it('over scratch, until it does not fit', () => {
    expect(sweepCsv(sweep('scratch=20%..2560%'))).toMatchInlineSnapshot(`
      "kho_scratch_percent,memory,nodes,cpus,kho,regions,scratch,lowmem,global,in_nodes,share,next_fits,why
      20,1073741824,1,2,true,3,16777216,8388608,0,8388608,0.015625,false,no scratch region has room for the kernel (15912960 bytes): kexec_file_load fails with EADDRNOTAVAIL
      40,1073741824,1,2,true,3,33554432,16777216,0,16777216,0.03125,true,
      80,1073741824,1,2,true,3,58720256,29360128,0,29360128,0.0546875,true,
      160,1073741824,1,2,true,3,113246208,58720256,0,54525952,0.10546875,true,
      320,1073741824,1,2,true,3,226492416,117440512,0,109051904,0.2109375,true,
      640,1073741824,1,2,true,3,452984832,234881024,0,218103808,0.421875,true,
      1280,1073741824,1,2,true,3,905969664,469762048,0,436207616,0.84375,true,
      2560,1073741824,1,2,false,,,,,,,,"the kernel turns KHO off, as scratch does not fit"
      "
    `)
  })

  it('says why a kernel that is too large does not fit', () => {
    const large = kernelOf('7.3.4', { initrdSize: 200 * MiB })
    expect(sweep('cpus=2..2', 'hops: 3', large).rows).toMatchInlineSnapshot(`
      [
        {
          "cpus": 2,
          "kho": true,
          "memory": 1073741824,
          "nextFits": false,
          "nodes": 1,
          "regions": 3,
          "scratch": {
            "regions": [
              {
                "kind": "lowmem",
                "size": 75497472,
              },
              {
                "kind": "global",
                "size": 0,
              },
              {
                "kind": "node0",
                "size": 71303168,
              },
            ],
            "share": 0.13671875,
            "size": 146800640,
          },
          "value": 2,
          "why": [
            "no scratch region has room for the initrd (209715200 bytes): kexec_file_load fails with EADDRNOTAVAIL",
          ],
        },
      ]
    `)
  })

  it('says why nothing is predicted', () => {
    const { rows } = sweepExperiment(experimentOf('hops: 1'), [kernelOf(), kernelOf()], parseSweep('cpus=2..2'))
    const kvm = sweep('cpus=2..2', 'accelerator: kvm').rows
    const off = sweep('cpus=2..2', 'kho: { enabled: false }').rows
    expect([rows, kvm, off].flatMap(([row]) => row?.why)).toMatchInlineSnapshot(`
      [
        "needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "which page tables the processor of this host gives to a guest under KVM is not modelled",
        "KHO is off",
      ]
    `)
  })
})
