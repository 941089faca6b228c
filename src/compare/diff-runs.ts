import type {
  ClaimChange,
  ComparedClaim,
  Comparison,
  HopObservation,
  Observation,
  RunDiff,
  Side,
} from '../shared/documents/index.ts'
import { sameJson, type Json } from '../shared/json.ts'
import { fromHex, MiB } from '../shared/units.ts'
import { describeDifference, firstDifference, shortValue } from './difference.ts'

/** What is known of a finished run. A comparison alone has no experiment and no figures. */
export interface RunDocuments {
  readonly comparison: Comparison
  /** experiment.json as it is: only compared, key by key. */
  readonly experiment?: Json | undefined
  readonly cmdlines?: readonly string[] | undefined
  readonly observation?: Observation | undefined
}

/** What changed from run `a` to run `b`. Claims are the same claim when their id is. */
export function diffRuns(a: RunDocuments, b: RunDocuments): RunDiff {
  const changes = claimChanges(a.comparison, b.comparison)
  const verdictChanged = changes.filter(({ verdict }) => verdict.a !== verdict.b)
  const valueChanged = changes.filter(({ verdict, values }) => verdict.a === verdict.b && values.length > 0)
  return {
    document: 'kho-lab/run-diff',
    version: 1,
    a: sideOf(a.comparison),
    b: sideOf(b.comparison),
    circumstances: circumstances(a, b),
    verdicts: verdictChanged,
    values: valueChanged,
    findings: findings(a.comparison, b.comparison),
    figures: figures(a.observation, b.observation),
    same: changes.length - verdictChanged.length - valueChanged.length,
  }
}

const sideOf = ({ experiment, environment, summary, claims }: Comparison): RunDiff['a'] => ({
  name: experiment.name,
  startedAt: environment.startedAt,
  kernel: environment.image.kernelVersion,
  verdict: summary.run,
  claims: claims.length,
})

/** Every claim of either run, in the order of the first, then what only the second has. */
function claimChanges(a: Comparison, b: Comparison): ClaimChange[] {
  const inB = new Map(b.claims.map((claim) => [claim.id, claim]))
  const inA = new Set(a.claims.map(({ id }) => id))
  return [
    ...a.claims.map((claim) => claimChange(claim, inB.get(claim.id))),
    ...b.claims.filter(({ id }) => !inA.has(id)).map((claim) => claimChange(undefined, claim)),
  ]
}

function claimChange(a: ComparedClaim | undefined, b: ComparedClaim | undefined): ClaimChange {
  const any = a ?? b
  if (any === undefined) throw new RangeError('a change is of a claim that one of the runs makes')
  const { id, subject, hop, title } = any
  const verdict = { ...(a === undefined ? {} : { a: a.verdict }), ...(b === undefined ? {} : { b: b.verdict }) }
  if (a === undefined || b === undefined) return { id, subject, hop, title, verdict, values: [] }
  const values = [
    ...valueChange('predicted', a.predicted, b.predicted),
    ...valueChange('guest', valueOf(a.guest), valueOf(b.guest)),
    ...valueChange('host', valueOf(a.host), valueOf(b.host)),
  ]
  return { id, subject, hop, title, verdict, values }
}

const valueOf = (side: Side): Json | undefined => ('value' in side ? side.value : undefined)

function valueChange(
  side: ClaimChange['values'][number]['side'],
  a: Json | undefined,
  b: Json | undefined,
): ClaimChange['values'] {
  if (sameOrAbsent(a, b)) return []
  return [{ side, ...pair(a, b), words: wordsOf(a, b) }]
}

const sameOrAbsent = (a: Json | undefined, b: Json | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameJson(a, b)
const pair = (a: Json | undefined, b: Json | undefined) => ({
  ...(a === undefined ? {} : { a }),
  ...(b === undefined ? {} : { b }),
})

function wordsOf(a: Json | undefined, b: Json | undefined): string {
  if (a === undefined) return `is ${shortValue(b)}, before nothing`
  if (b === undefined) return `is nothing, before ${shortValue(a)}`
  const difference = firstDifference(a, b)
  return difference === undefined ? 'the same' : describeDifference(difference, 'before')
}

function circumstances(a: RunDocuments, b: RunDocuments): RunDiff['circumstances'] {
  const [one, other] = [rowsOf(a), rowsOf(b)]
  const names = [...new Set([...one.keys(), ...other.keys()])]
  return names
    .filter((what) => !sameOrAbsent(one.get(what), other.get(what)))
    .map((what) => ({ what, ...pair(one.get(what), other.get(what)) }))
}

function rowsOf({ comparison: { environment }, experiment, cmdlines = [] }: RunDocuments): Map<string, Json> {
  const { image, qemu, accelerator, host, lab, attached } = environment
  return new Map<string, Json>([
    ['kernel', image.kernelVersion],
    ...(image.kernelPackage === undefined ? [] : [['kernel package', image.kernelPackage] satisfies [string, Json]]),
    ['image', image.id],
    ['QEMU', qemu.version],
    ['accelerator', accelerator.used],
    ['host processor', host.cpuModel],
    ['host kernel', host.kernel],
    ['kho-lab', lab.version],
    ['machine', attached === undefined ? 'started by the lab' : 'attached to'],
    ...cmdlines.map((text, hop): [string, Json] => [`command line, hop ${hop}`, text]),
    ...(experiment === undefined ? [] : leaves(experiment, 'experiment')),
  ])
}

/** Every value below `value` with the path to it. Documents are as deep as their schema, which is not recursive. */
function leaves(value: Json, path: string): [string, Json][] {
  if (Array.isArray(value)) return value.flatMap((inner: Json, index) => leaves(inner, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`))
}

function findings(a: Comparison, b: Comparison): RunDiff['findings'] {
  const key = ({ id, hop }: Comparison['findings'][number]): string => `${id} ${hop}`
  const all = new Map([...a.findings, ...b.findings].map((finding) => [key(finding), finding]))
  return [...all].flatMap(([name, { id, hop, title }]) => {
    const [one, other] = [a, b].map((run) => run.findings.find((finding) => key(finding) === name)?.status)
    if (one === other) return []
    return [{ id, hop, title, ...(one === undefined ? {} : { a: one }), ...(other === undefined ? {} : { b: other }) }]
  })
}

interface Figure {
  readonly what: string
  readonly unit: string
  readonly value: number
}

function figures(a: Observation | undefined, b: Observation | undefined): RunDiff['figures'] {
  const [one, other] = [a, b].map((run) => new Map((run?.hops ?? []).flatMap(figuresOf).map((figure) => [figure.what, figure])))
  const names = new Map([...(one ?? []), ...(other ?? [])])
  return [...names].map(([what, { unit }]) => {
    const [left, right] = [one?.get(what)?.value, other?.get(what)?.value]
    return { what, unit, ...(left === undefined ? {} : { a: left }), ...(right === undefined ? {} : { b: right }) }
  })
}

function figuresOf({ hop, phases, host }: HopObservation): Figure[] {
  const at = `hop ${hop}`
  const scratch = host.scratchArray.ok
    ? host.scratchArray.value.regions.reduce((sum, { size }) => sum + fromHex(size), 0) / MiB
    : undefined
  const tree = host.outRadix.ok ? host.outRadix.value : undefined
  return [
    ...phases.map(({ phase, ms }) => ({ what: `${at}: until ${phase}`, unit: 'ms', value: ms })),
    ...(tree === undefined
      ? []
      : [
          { what: `${at}: preserved records`, unit: '', value: tree.recordCount },
          { what: `${at}: preserved pages`, unit: '', value: tree.pageCount },
          { what: `${at}: radix nodes`, unit: '', value: tree.nodeCount },
        ]),
    ...(scratch === undefined ? [] : [{ what: `${at}: scratch`, unit: 'MiB', value: scratch }]),
  ]
}
