import { parseProbeAnswers, probeFields, type ProbeAnswer } from '../../abi/khoprobe-answer.ts'
import {
  EntryReport,
  LISTED_ENTRIES,
  notSeen,
  seen,
  SetReport,
  StepObservation,
  stepText,
  type Reading,
  type WorkloadObservation,
  type MemoryStep,
} from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import { errnoName } from '../observe/frames.ts'
import { quoted } from '../ssh/session.ts'
import type { GuestChannel } from '../types.ts'
import { probeCommand } from './commands.ts'

/** One command may fill and compare gigabytes under TCG. */
const COMMAND_TIMEOUT_MS = 15 * 60_000
/** PROBE_SHOW_MAX of qemu-images/khoprobe/khoprobe.h. */
const SHOWN_AT_ONCE = 1024
const SCRATCH_STARTS = '/sys/kernel/debug/kho/out/scratch_phys'

export interface WorkloadRun {
  readonly hop: number
  readonly steps: readonly MemoryStep[]
  readonly seed: number
  readonly signal?: AbortSignal | undefined
  readonly onStep: (text: string) => void
  /** Called with everything so far after each step: a guest that dies in the next one still leaves this. */
  readonly onObserved: (workload: WorkloadObservation) => void
}

/** Has khoprobe carry out the steps of one boot. A step that fails is an observation; a guest without khoprobe is none. */
export async function runWorkload(channel: GuestChannel, run: WorkloadRun): Promise<WorkloadObservation> {
  const steps: StepObservation[] = []
  const inherited = await listSets(channel, run)
  const soFar = (left: WorkloadObservation['left']): WorkloadObservation => ({ inherited, steps: [...steps], left })
  for (const [index, step] of run.steps.entries()) {
    run.onStep(`${stepText(step)} …`)
    const observed = await runStep(channel, run, step, index)
    steps.push(observed)
    const { result, message, ms } = observed
    run.onStep(`${observed.step}: ${result}${message === undefined ? '' : `, ${message}`} (${ms} ms)`)
    run.onObserved(soFar(notSeen('the steps of this boot did not come to their end')))
  }
  return soFar(await listSets(channel, run))
}

async function give(channel: GuestChannel, run: WorkloadRun, lines: readonly string[]): Promise<readonly ProbeAnswer[]> {
  const result = await channel.exec(`khoprobe ${lines.map(quoted).join(' ')}`, {
    timeoutMs: COMMAND_TIMEOUT_MS,
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  })
  if (result.code !== 0)
    throw new LabError({
      code: 'guest-command-failed',
      message: `the guest cannot carry out a workload: ${result.stderr.trim() || `khoprobe ended with ${result.code}`}`,
      hint: 'khoprobe comes with kernels that the lab built; a bzImage of your own has none.',
    })
  const answers = parseProbeAnswers(result.stdout.toString('latin1'))
  if (answers.ok && answers.value.length === lines.length) return answers.value
  throw new LabError({
    code: 'guest-command-failed',
    message: answers.ok ? `khoprobe answered ${answers.value.length} of ${lines.length} lines` : answers.error,
  })
}

async function listSets(channel: GuestChannel, run: WorkloadRun): Promise<Reading<SetReport[]>> {
  const [answer] = await give(channel, run, ['list'])
  const lines = answer?.lines.filter((line) => line.startsWith('set ')) ?? []
  const sets = lines.map(parseSet)
  const known = sets.filter((set) => set !== undefined)
  return known.length === sets.length ? seen(known) : notSeen('khoprobe listed a set in words that the lab does not know')
}

async function runStep(channel: GuestChannel, run: WorkloadRun, step: MemoryStep, index: number): Promise<StepObservation> {
  const region = step.step === 'allocate' ? step.scratch : undefined
  const at = region === undefined ? undefined : await scratchStart(channel, region)
  const command = probeCommand(step, run.seed, run.hop, index, at)
  if (region !== undefined && at === undefined) {
    const message = `debugfs shows no scratch region ${region}`
    return { index, step: stepText(step), command, result: 'ENOENT', ms: 0, message }
  }
  const [answer] = await give(channel, run, [command])
  if (answer === undefined) throw new RangeError('one line has one answer')
  const line = answer.lines.find((candidate) => candidate.startsWith('set '))
  const set = line === undefined ? undefined : parseSet(line)
  const message = /^error \d+ (.*)$/.exec(answer.lines[0] ?? '')?.[1]
  const listed = answer.errno === 0 && (step.step === 'allocate' || step.step === 'restore')
  const entries = listed && set !== undefined ? await listEntries(channel, run, set) : undefined
  return {
    index,
    step: stepText(step),
    command,
    result: answer.errno === 0 ? 'ok' : errnoName(answer.errno),
    ms: answer.ms,
    ...(message === undefined ? {} : { message }),
    ...(set === undefined ? {} : { set }),
    ...(entries === undefined ? {} : { entries }),
    ...callOf(answer.lines),
  }
}

/** Where a scratch region begins; undefined where debugfs does not show it. */
async function scratchStart(channel: GuestChannel, region: number): Promise<string | undefined> {
  const { code, stdout } = await channel.exec(`cat ${SCRATCH_STARTS}`)
  const start = code === 0 ? stdout.toString('latin1').split('\n')[region] : undefined
  return start !== undefined && /^0x[0-9a-f]{1,16}$/.test(start) ? start : undefined
}

function callOf(lines: readonly string[]): Pick<StepObservation, 'call'> {
  const line = lines.find((candidate) => candidate.startsWith('call '))
  if (line === undefined) return {}
  const fields = probeFields(line)
  const call = StepObservation.shape.call.safeParse({
    start: fields.get('phys'),
    order: Number(fields.get('order')),
    answer: fields.get('answer'),
  })
  return call.data === undefined ? {} : { call: call.data }
}

async function listEntries(channel: GuestChannel, run: WorkloadRun, set: SetReport): Promise<EntryReport[] | undefined> {
  if (set.entries > LISTED_ENTRIES) return undefined
  const lines = Array.from(
    { length: Math.ceil(set.entries / SHOWN_AT_ONCE) },
    (_unused, part) => `show ${set.name} ${part * SHOWN_AT_ONCE} ${SHOWN_AT_ONCE}`,
  )
  const answers = await give(channel, run, lines)
  const entries = answers.flatMap((answer) => answer.lines.map(parseEntry))
  const known = entries.filter((entry) => entry !== undefined)
  return known.length === set.entries ? known : undefined
}

function parseSet(line: string): SetReport | undefined {
  const fields = probeFields(line)
  const number = (key: string): number => Number(fields.get(key))
  const restored = {
    restored: number('restored'),
    lost: number('lost'),
    orderDiffers: number('order-differs'),
    refcountDiffers: number('refcount-differs'),
    compoundDiffers: number('compound-differs'),
    sameKva: number('same-kva'),
    managed: number('managed'),
  }
  return SetReport.safeParse({
    name: line.split(' ')[1],
    kind: fields.get('kind'),
    state: fields.get('state'),
    entries: number('entries'),
    pages: number('pages'),
    hash: fields.get('hash') === '0' ? '0x0' : fields.get('hash'),
    ...(fields.has('intact') ? { intact: number('intact') } : {}),
    ...(fields.has('area') ? { area: fields.get('area'), areaBefore: hex(BigInt(fields.get('area-before') ?? 0)) } : {}),
    ...(fields.has('restored') ? { restored } : {}),
  }).data
}

function parseEntry(line: string): EntryReport | undefined {
  const fields = probeFields(line)
  const number = (key: string): number => Number(fields.get(key))
  return EntryReport.safeParse({
    start: fields.get('phys'),
    order: number('order'),
    kva: fields.get('kva'),
    hasOrder: number('has-order'),
    compound: fields.get('compound') === '1',
    refcount: number('refcount'),
    node: number('node'),
  }).data
}
