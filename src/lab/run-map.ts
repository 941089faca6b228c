import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeSpans } from '../model/firmware-map.ts'
import { lanesOf, type Lane, type Mark } from '../report/map/lanes.ts'
import { structuresOf } from '../report/map/structures.ts'
import type { MapLane, MapRanges, RunMap } from '../shared/boot-views.ts'
import {
  Comparison,
  Observation,
  Prediction,
  type Experiment,
  type GuestView,
  type HopObservation,
} from '../shared/documents/index.ts'
import { MEMORY_KINDS } from '../shared/palette.ts'
import { LabError } from '../shared/result.ts'
import { GiB, MiB, PAGE_SIZE } from '../shared/units.ts'
import { earlyMarks } from './early-marks.ts'
import { parseExperimentYaml } from './experiment-file.ts'
import { ownersOf } from './preserved-owners.ts'
import { readRunDocument } from './run/store.ts'

/**
 * The memory of one boot of a run, from the documents in its folder. A document that is missing leaves out what it would have
 * shown. Rejects with LabError bad-document for a damaged one, run-not-found when there is neither comparison nor observation.
 */
export async function mapOfRun(directory: string, hop: number): Promise<RunMap> {
  const [comparison, observation, prediction, experiment] = await Promise.all([
    readRunDocument(directory, 'comparison.json', Comparison),
    readRunDocument(directory, 'observation.json', Observation),
    readRunDocument(directory, 'prediction.json', Prediction),
    readExperiment(directory),
  ])
  if (comparison === undefined && observation === undefined)
    throw new LabError({
      code: 'run-not-found',
      message: 'nothing of this run was observed or compared, so there is no memory to show',
      hint: 'Run the experiment again.',
    })
  const seen = { hops: observation?.hops ?? [] }
  const lanes = lanesOf(
    { claims: comparison?.claims ?? [] },
    { observation: seen, prediction: { kernels: prediction?.kernels ?? [] } },
    hop,
  )
  const named = prediction === undefined || comparison === undefined ? [] : earlyMarks(prediction, comparison, hop)
  const more = { predicted: named, ...structuresOf(seen, hop), difference: [] }
  const owners = ownersAt(seen.hops, hop)
  const whole = lanes.map((lane) => ({
    ...lane,
    marks: detailed(lane.marks, more[lane.name]).map((mark) => owned(mark, owners)),
  }))
  return mapOf(hop, whole, experiment, seen.hops.find((candidate) => candidate.hop === hop)?.guest.memory)
}

/**
 * All reservations joined are an outline: where single ones are known, those are drawn instead of it. That scratch is reserved as well
 * would only hide it.
 */
function detailed(marks: readonly Mark[], more: readonly Mark[]): readonly Mark[] {
  if (!more.some(({ kind }) => kind === 'reserved')) return [...marks, ...more]
  const scratch = new Set(marks.flatMap(({ kind, start, end }) => (kind === 'scratch' ? [`${start} ${end}`] : [])))
  return [
    ...marks.filter(({ kind }) => kind !== 'reserved'),
    ...more.filter(({ kind, start, end }) => kind !== 'reserved' || !scratch.has(`${start} ${end}`)),
  ]
}

/** What the boot before handed over is still where it was, so both boots say whose a page is. */
function ownersAt(hops: readonly HopObservation[], hop: number): ReadonlyMap<number, string> {
  const [before, now] = [hop - 1, hop].map((number) => hops.find((candidate) => candidate.hop === number))
  return new Map([...(before === undefined ? [] : ownersOf(before)), ...(now === undefined ? [] : ownersOf(now))])
}

function owned(mark: Mark, owners: ReadonlyMap<number, string>): Mark {
  const owner = mark.kind === 'preserved' ? owners.get(mark.start) : undefined
  return owner === undefined ? mark : { ...mark, label: `${mark.label}, ${owner}` }
}

/** The lanes as columns, and nodes and zones beside them. */
export function mapOf(
  hop: number,
  lanes: readonly Lane[],
  experiment: Experiment | undefined,
  memory?: GuestView['memory'],
): RunMap {
  const texts = new Map<string, number>()
  const columns = lanes.map(({ name, marks, missing }): MapLane => ({
    name,
    ranges: columnsOf(marks, texts),
    missing: [...missing],
  }))
  const ramEnd = Math.max(0, ...lanes.flatMap(({ marks }) => marks.filter(({ kind }) => kind === 'ram').map(({ end }) => end)))
  return {
    hop,
    ramEnd,
    lanes: columns,
    texts: [...texts.keys()],
    bands: [...nodes(experiment), ...zones(ramEnd, memory), ...cma(lanes, memory)],
  }
}

function columnsOf(marks: readonly Mark[], texts: Map<string, number>): MapRanges[] {
  const sorted = [...marks].sort((a, b) => a.start - b.start || b.end - a.end)
  return MEMORY_KINDS.flatMap((kind) => {
    const own = sorted.filter((mark) => mark.kind === kind)
    if (own.length === 0) return []
    const labels = own.map(({ label }) => {
      const index = texts.get(label) ?? texts.size
      texts.set(label, index)
      return index
    })
    return [{ kind, starts: own.map(({ start }) => start), ends: own.map(({ end }) => end), labels }]
  })
}

const nodes = (experiment: Experiment | undefined): RunMap['bands'] =>
  experiment === undefined
    ? []
    : nodeSpans(experiment.machine).flatMap((spans, node) =>
        spans.map(({ start, end }) => ({ row: 'node' as const, name: `node ${node}`, start, end })),
      )

/** As /proc/zoneinfo has them; where it was not read, MAX_DMA_PFN and MAX_DMA32_PFN of arch/x86/include/asm/dma.h, 7.3. */
function zones(ramEnd: number, memory: GuestView['memory']): RunMap['bands'] {
  if (memory?.zones.ok === true)
    return memory.zones.value.flatMap(({ node, zone, startPfn, spanned }) => {
      if (startPfn === undefined || spanned === 0) return []
      const start = startPfn * PAGE_SIZE
      return [{ row: 'zone' as const, name: `${zone}, node ${node}`, start, end: start + spanned * PAGE_SIZE }]
    })
  return [
    { row: 'zone' as const, name: 'DMA', start: 0, end: 16 * MiB },
    { row: 'zone' as const, name: 'DMA32', start: 16 * MiB, end: 4 * GiB },
    { row: 'zone' as const, name: 'Normal', start: 4 * GiB, end: Infinity },
  ].flatMap((zone) => (zone.start < ramEnd ? [{ ...zone, end: Math.min(zone.end, ramEnd) }] : []))
}

/**
 * Page blocks of migratetype CMA: the guest counts them (/proc/pagetypeinfo) and does not say where they are; the kernel makes those of
 * scratch (kho_init() and kho_release_scratch(), kernel/liveupdate/kexec_handover.c, 7.3), so they are drawn there.
 */
function cma(lanes: readonly Lane[], memory: GuestView['memory']): RunMap['bands'] {
  if (memory?.pageBlocks.ok !== true) return []
  const blocks = memory.pageBlocks.value.reduce((sum, { blocks: own }) => sum + (own['CMA'] ?? 0), 0)
  if (blocks === 0) return []
  const scratch = lanes.find(({ name }) => name === 'guest')?.marks.filter(({ kind }) => kind === 'scratch') ?? []
  return scratch.map(({ start, end }) => ({ row: 'cma' as const, name: `CMA, of ${blocks} page blocks in all`, start, end }))
}

/** The machine is all that is taken from it: where the file is gone or damaged, the map has no nodes. */
async function readExperiment(directory: string): Promise<Experiment | undefined> {
  try {
    const parsed = parseExperimentYaml(await readFile(join(directory, 'experiment.yaml'), 'utf8'), 'experiment.yaml')
    return parsed.ok ? parsed.value : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) return undefined
    throw error
  }
}
