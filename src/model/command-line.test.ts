import { describe, expect, it } from 'vitest'
import { ExperimentFile, completeExperiment, type Experiment, type ExperimentInput } from '../shared/documents/index.ts'
import { commandLine } from './command-line.ts'
import { kernelOptions } from './kernel-options.ts'

function experimentOf(input: ExperimentInput): Experiment {
  const { experiment, issues } = completeExperiment(ExperimentFile.parse(input))
  if (experiment === undefined) throw new Error(JSON.stringify(issues))
  return experiment
}

describe('commandLine', () => {
  it('has what the lab needs and nothing else by default', () => {
    expect(commandLine(experimentOf({ name: 'plain' }), 0)).toBe('console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on')
  })

  it('writes every option in a form that the kernel reads back exactly', () => {
    const experiment = experimentOf({
      name: 'all',
      kernel: [{ cmdline: 'nokaslr' }, { cmdline: ' quiet ' }],
      kho: { enabled: false, scratch: '20M,0M,44M', liveupdate: true },
      reserveMem: [
        { name: 'trace', size: '12MiB' },
        { name: 'odd', size: 5000, align: '2MiB' },
      ],
      hugepages: { size: '2MiB', count: 32 },
    })
    const common =
      'console=ttyS0 panic=-1 no_timer_check memblock=debug kho=off liveupdate=on kho_scratch=20M,0M,44M reserve_mem=12M:4K:trace reserve_mem=5000:2M:odd hugepagesz=2M hugepages=32'
    expect([0, 1].map((hop) => commandLine(experiment, hop))).toEqual([`${common} nokaslr`, `${common} quiet`])
    const { reserveMem } = kernelOptions(common, 2 ** 40)
    expect(reserveMem).toEqual([
      { name: 'trace', size: 12582912, align: 4096 },
      { name: 'odd', size: 5000, align: 2097152 },
    ])
  })
})

describe('memblock=debug, which prints a line for each preserved record', () => {
  const has = (more: Partial<ExperimentInput>): boolean =>
    commandLine(experimentOf({ name: 'much', kho: { liveupdate: true }, ...more }), 0).includes('memblock=debug')
  const inBoot0 = (step: NonNullable<ExperimentInput['workload']>[number]['steps'][number]) => ({
    workload: [{ boot: 0, steps: [step] }],
  })
  const memfd = (size: string) => inBoot0({ luoCreate: { session: 'vm', memfds: [{ token: 1, size }] } })

  it('is left out where the log has no room for them', () => {
    expect([
      has(inBoot0({ allocate: { name: 'a', count: 1000 } })),
      has(inBoot0({ allocate: { name: 'a', count: 1001 } })),
    ]).toEqual([true, false])
    expect([has(memfd('3MiB')), has(memfd('4MiB'))]).toEqual([true, false])
    expect([has({ selftest: 'liveupdate/luo_stress_sessions' }), has({ selftest: 'liveupdate/luo_stress_files' })]).toEqual([
      true,
      false,
    ])
  })
})

describe('kernelOptions', () => {
  const options = (cmdline: string) => kernelOptions(cmdline, 2 ** 30)

  it('takes the last kho= and liveupdate= that kstrtobool() understands', () => {
    expect(options('kho=on kho=0 liveupdate=on')).toMatchInlineSnapshot(`
      {
        "changesMemory": undefined,
        "giganticPages": 0,
        "kho": false,
        "liveupdate": true,
        "nokaslr": false,
        "regionsHaveUsers": false,
        "reserveMem": [],
        "reservesMore": undefined,
        "scratch": {
          "kind": "percent",
          "percent": 200,
        },
      }
    `)
    expect(options('kho=off kho=Yes').kho).toBe(true)
    expect(options('kho=on kho=maybe').kho).toBe(true)
    expect(options('').kho).toBe(false)
  })

  it('refuses the regions that reserve_mem() refuses', () => {
    const names = (cmdline: string): string[] => options(cmdline).reserveMem.map(({ name }) => name)
    expect(names('reserve_mem=1M:4K:a reserve_mem=2M:4K:a')).toEqual(['a'])
    expect(names('reserve_mem=0:4K:a reserve_mem=1M:4K: reserve_mem=1M:4K reserve_mem=x:4K:b')).toEqual([])
    expect(names('reserve_mem=1M:4K:sixteen-letters- reserve_mem=1M:4K:fifteen-letters')).toEqual(['fifteen-letters'])
    expect(names('reserve_mem=2G:4K:more-than-ram')).toEqual([])
    expect(names(Array.from({ length: 9 }, (_unused, index) => `reserve_mem=1M:4K:r${index}`).join(' '))).toHaveLength(8)
  })
})
