import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeSpans } from '../model/firmware-map.ts'
import { lanesOf, type Lane, type Mark } from '../report/map/lanes.ts'
import { structuresOf } from '../report/map/structures.ts'
import type { MapLane, MapRanges, RunMap } from '../shared/boot-views.ts'
import { Comparison, Observation, Prediction, type Experiment } from '../shared/documents/index.ts'
import { MEMORY_KINDS } from '../shared/palette.ts'
import { LabError } from '../shared/result.ts'
import { GiB, MiB } from '../shared/units.ts'
import { parseExperimentYaml } from './experiment-file.ts'
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
  const more = structuresOf(seen, hop)
  return mapOf(
    hop,
    lanes.map((lane) => ({
      ...lane,
      marks: lane.name === 'guest' || lane.name === 'host' ? [...lane.marks, ...more[lane.name]] : lane.marks,
    })),
    experiment,
  )
}

/** The lanes as columns, and nodes and zones beside them. */
export function mapOf(hop: number, lanes: readonly Lane[], experiment: Experiment | undefined): RunMap {
  const texts = new Map<string, number>()
  const columns = lanes.map(({ name, marks, missing }): MapLane => ({
    name,
    ranges: columnsOf(marks, texts),
    missing: [...missing],
  }))
  const ramEnd = Math.max(0, ...lanes.flatMap(({ marks }) => marks.filter(({ kind }) => kind === 'ram').map(({ end }) => end)))
  return { hop, ramEnd, lanes: columns, texts: [...texts.keys()], bands: [...nodes(experiment), ...zones(ramEnd)] }
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

/** MAX_DMA_PFN and MAX_DMA32_PFN, arch/x86/include/asm/dma.h, 7.3: 16 MiB and 4 GiB. */
function zones(ramEnd: number): RunMap['bands'] {
  return [
    { row: 'zone' as const, name: 'DMA', start: 0, end: 16 * MiB },
    { row: 'zone' as const, name: 'DMA32', start: 16 * MiB, end: 4 * GiB },
    { row: 'zone' as const, name: 'Normal', start: 4 * GiB, end: Infinity },
  ].flatMap((zone) => (zone.start < ramEnd ? [{ ...zone, end: Math.min(zone.end, ramEnd) }] : []))
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
