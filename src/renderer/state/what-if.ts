import { computed, shallowRef, watch } from 'vue'
import type { LabClient, RequestOut } from '../../shared/contract.ts'
import { formatSize } from '../../shared/units.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import { useLab } from './lab.ts'

type SweepResult = RequestOut<'predict:sweep'>
export type SweepRow = SweepResult['rows'][number]

/** A machine that nobody need have. */
export interface Machine {
  readonly memory: number
  readonly nodes: number
  readonly cpus: number
  /** Empty: the kernel's own choice; `150%`, or sizes `lowmem,global,pernode`. */
  readonly scratch: string
  readonly cmdline: string
}

export interface Swept {
  readonly key: SweepResult['parameter']
  readonly from: string
  readonly to: string
}

export type WhatIf = ReturnType<typeof createWhatIf>

const known = new WeakMap<LabClient, WhatIf>()
/** A slider moves faster than an answer is wanted. */
const CALM_MS = 120

/** The predictor without a guest; the same for every view that asks. */
export function useWhatIf(): WhatIf {
  const { client } = useLab()
  const whatIf = known.get(client) ?? createWhatIf(client)
  known.set(client, whatIf)
  return whatIf
}

function createWhatIf(client: LabClient) {
  const machine = shallowRef<Machine>({ memory: 8 * 2 ** 30, nodes: 1, cpus: 4, scratch: '', cmdline: '' })
  const swept = shallowRef<Swept>({ key: 'memory', from: '1GiB', to: '4TiB' })
  const point = shallowRef<SweepResult>()
  const sweep = shallowRef<SweepResult>()
  const problem = shallowRef<Problem>()
  const sweepProblem = shallowRef<Problem>()
  let asked = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const yaml = computed(() => experimentOf(machine.value))
  const ask = async (): Promise<void> => {
    const mine = ++asked
    const size = formatSize(machine.value.memory).replace(' ', '')
    const { key, from, to } = swept.value
    const [one, many] = await Promise.allSettled([
      client.invoke('predict:sweep', { yaml: yaml.value, sweep: `memory=${size}..${size}` }),
      client.invoke('predict:sweep', { yaml: yaml.value, sweep: `${key}=${from}..${to}` }),
    ])
    if (mine !== asked) return
    point.value = one.status === 'fulfilled' ? one.value : undefined
    problem.value = one.status === 'rejected' ? problemOf(one.reason) : undefined
    sweep.value = many.status === 'fulfilled' ? many.value : undefined
    // The same twice helps nobody.
    sweepProblem.value = many.status === 'rejected' && one.status === 'fulfilled' ? problemOf(many.reason) : undefined
  }
  watch([yaml, swept], () => {
    clearTimeout(timer)
    timer = setTimeout(() => void ask(), CALM_MS)
  })
  return { machine, swept, point, sweep, problem, sweepProblem, yaml, ask }
}

/** As an experiment file says it; JSON is YAML. */
export function experimentOf({ memory, nodes, cpus, scratch, cmdline }: Machine): string {
  return JSON.stringify(
    {
      name: 'what if',
      machine: { memory: formatSize(memory).replace(' ', ''), nodes, cpus },
      ...(scratch === '' ? {} : { kho: { scratch } }),
      kernel: { cmdline: `nokaslr${cmdline === '' ? '' : ` ${cmdline}`}` },
    },
    undefined,
    1,
  )
}

/** What a value of a sweep is called. */
export function sweptText(key: SweepResult['parameter'], row: SweepRow): string {
  return key === 'memory' ? formatSize(row.memory) : key === 'scratch' ? `${row.value} %` : String(row.value)
}
