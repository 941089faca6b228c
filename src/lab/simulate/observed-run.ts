import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseFreeByType } from '../../abi/free-by-type.ts'
import { parsePagetypeinfo } from '../../abi/page-counts.ts'
import { parseZoneinfo, type ZoneInfo } from '../../abi/zoneinfo.ts'
import { MAX_ORDER_FRAMES, MAX_PAGE_ORDER } from '../../model/pages/frame-bits.ts'
import { MIGRATE_TYPES } from '../../model/pages/migratetype.ts'
import type { ObservedZone } from '../../model/pages/observed.ts'
import { ORDERS, ZONE, ZONES_PER_NODE } from '../../model/pages/pages.ts'
import { MIGRATE_OF_NAME, type ObservedStart } from '../../model/policy/observed-start.ts'
import { eachRecordIn, recordsIn } from '../../abi/record-list.ts'
import { HopObservation, HostView, Observation, type PreservedRecord, type Reading } from '../../shared/documents/index.ts'
import { LabError, messageOf, type Result } from '../../shared/result.ts'
import { fromHex, PAGE_SIZE } from '../../shared/units.ts'
import { systemWords } from '../read-file.ts'

/** Texts of /proc as one boot of a guest showed them. */
export interface PageFiles {
  readonly zoneinfo: string
  readonly pagetypeinfo: string
}

/**
 * What a boot of a finished run showed of its memory, as the start of a study. Rejects with LabError run-not-found where a file
 * is missing, bad-document where it does not hold what is needed.
 */
export async function observedRun(directory: string, boot: number): Promise<ObservedStart> {
  const hop = await hopOf(directory, boot)
  const proc = (name: string): Promise<string> => readText(join(directory, `raw/hop${boot}/guest/proc/${name}`))
  const files = { zoneinfo: await proc('zoneinfo'), pagetypeinfo: await proc('pagetypeinfo') }
  const ram = needed(hop.host.ramMap).map(({ start, end }) => ({ start: fromHex(start), end: fromHex(end) }))
  const scratch = needed(hop.host.scratchArray).regions.map(({ start, size }) => ({
    start: fromHex(start),
    end: fromHex(start) + fromHex(size),
  }))
  const radix = needed(hop.host.outRadix)
  if (recordsIn(radix.records) !== radix.recordCount)
    throw unfit(`its ${radix.recordCount} preserved records lie too scattered to be kept`)
  return observedStart(files, ram, scratch, radix.records)
}

/** Bytes [start, end) of physical memory. */
export interface PhysRange {
  readonly start: number
  readonly end: number
}

/** The same from what the parts say. Throws LabError bad-document. */
export function observedStart(
  files: PageFiles,
  ram: readonly PhysRange[],
  scratch: readonly PhysRange[],
  records: readonly PreservedRecord[],
): ObservedStart {
  const frames = ram.reduce((sum, { start, end }) => sum + (end - start) / PAGE_SIZE, 0)
  const frameOf = withoutHoles(ram)
  const zones = parsed(parseZoneinfo(files.zoneinfo)).filter((zone) => zone.managed > 0 && zone.startPfn !== undefined)
  const blocks = parsed(parsePagetypeinfo(files.pagetypeinfo))
  const free = parsed(parseFreeByType(files.pagetypeinfo))
  const starts = zones.map(({ startPfn = 0 }) => alignedDown(frameOf(startPfn * PAGE_SIZE)))
  const nodes = new Set(zones.map(({ node }) => node)).size
  const observed = zones.map((zone, index): ObservedZone => {
    const start = starts[index] ?? 0
    const end = Math.min(frames, ...starts.filter((other) => other > start))
    const types = blocks.find((one) => one.node === zone.node && one.zone === zone.zone)?.blocks ?? {}
    return {
      zone: modelZone(zone, zones),
      range: { start, end },
      unmanaged: end - start - zone.managed,
      blocks: Array.from({ length: MIGRATE_TYPES }, (_unused, type) => types[nameOf(type)] ?? 0),
      free: Array.from({ length: MIGRATE_TYPES }, (_unused, type) => {
        const own = free.find((one) => one.node === zone.node && one.zone === zone.zone && one.type === nameOf(type))
        return Array.from({ length: ORDERS }, (_none, order) => own?.freeByOrder[order] ?? 0)
      }),
    }
  })
  if (frames % (MAX_ORDER_FRAMES * nodes) !== 0)
    throw unfit(`its ${frames} pages are not whole blocks of 4 MiB in each of ${nodes} nodes`)
  const dma32 = observed.find(({ zone }) => zone === ZONE.dma32)
  return {
    frames,
    nodes,
    dma32: dma32 === undefined ? 0 : dma32.range.end - dma32.range.start,
    zones: observed,
    scratch: scratch
      .map(({ start, end }) => ({ start: frameOf(start), end: frameOf(start) + (end - start) / PAGE_SIZE }))
      .filter(({ start, end }) => start < end),
    folios: foliosOf(records, frameOf),
  }
}

const unfit = (message: string): LabError =>
  new LabError({
    code: 'bad-document',
    message: `the run cannot start a study: ${message}`,
    hint: 'Run the experiment again with this release of the lab.',
  })

const nameOf = (type: number): string => Object.keys(MIGRATE_OF_NAME).find((name) => MIGRATE_OF_NAME[name] === type) ?? ''
const alignedDown = (frame: number): number => frame - (frame % MAX_ORDER_FRAMES)

/** A machine with one zone has it as Normal, whatever the kernel calls it: nothing is below it. */
function modelZone({ node, zone }: ZoneInfo, all: readonly ZoneInfo[]): number {
  const kinds: Readonly<Record<string, number>> = { DMA32: ZONE.dma32, Normal: ZONE.normal, Movable: ZONE.movable }
  const kind = all.length === 1 ? ZONE.normal : kinds[zone]
  if (kind === undefined) throw unfit(`the model has no zone ${zone}`)
  return node * ZONES_PER_NODE + kind
}

/** Physical address to frame, as if RAM were in one piece. */
function withoutHoles(ram: readonly PhysRange[]): (address: number) => number {
  return (address) => {
    let before = 0
    for (const { start, end } of ram) {
      if (address < end) return (before + Math.max(0, address - start)) / PAGE_SIZE
      before += end - start
    }
    return before / PAGE_SIZE
  }
}

/** Records in pieces that the buddy allocator knows. */
function foliosOf(records: readonly PreservedRecord[], frameOf: (address: number) => number): ObservedStart['folios'] {
  return [...eachRecordIn(records)]
    .flatMap(({ start, order }) => {
      const piece = Math.min(order, MAX_PAGE_ORDER)
      const first = frameOf(start)
      return Array.from({ length: 2 ** (order - piece) }, (_unused, at) => ({ frame: first + at * 2 ** piece, order: piece }))
    })
    .sort((a, b) => a.frame - b.frame)
}

function needed<T>(reading: Reading<T>): T {
  if (reading.ok) return reading.value
  throw unfit(reading.reason)
}

function parsed<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw unfit(result.error)
}

/** What a start needs of an observation; all else may be left out of a recording. */
const Recording = Observation.pick({ document: true, version: true }).extend({
  hops: z.array(
    HopObservation.pick({ hop: true }).extend({ host: HostView.pick({ ramMap: true, scratchArray: true, outRadix: true }) }),
  ),
})

async function hopOf(directory: string, boot: number): Promise<z.infer<typeof Recording>['hops'][number]> {
  const read = Recording.safeParse(parseJson(await readText(join(directory, 'observation.json'))))
  if (!read.success) throw unfit(`observation.json: ${read.error.issues[0]?.message ?? 'not the document that it should be'}`)
  const hop = read.data.hops.find((one) => one.hop === boot)
  if (hop === undefined) throw unfit(`it has no boot ${boot}, only ${read.data.hops.map((one) => one.hop).join(', ')}`)
  return hop
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unfit(`observation.json: ${messageOf(error)}`)
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new LabError(
      {
        code: 'run-not-found',
        message: `cannot read ${file}: ${systemWords(error)}`,
        hint: 'start.run is a folder that kho-lab run wrote.',
      },
      { cause: error },
    )
  }
}
