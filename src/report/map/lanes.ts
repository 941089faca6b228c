import type { ComparedClaim, Comparison, HopObservation, Observation, Prediction } from '../../shared/documents/index.ts'
import type { Json } from '../../shared/json.ts'
import type { MemoryKind } from '../../shared/palette.ts'
import { fromHex, PAGE_SIZE, roundUp } from '../../shared/units.ts'
import { subtract, union, type Span } from './ranges.ts'

/** A range on the map and what it is. */
export interface Mark extends Span {
  readonly kind: MemoryKind
  readonly label: string
}

export type LaneName = 'predicted' | 'guest' | 'host' | 'difference'

export interface Lane {
  readonly name: LaneName
  readonly marks: readonly Mark[]
  /** What the lane cannot show, in words. */
  readonly missing: readonly string[]
}

type SideName = 'predicted' | 'guest' | 'host'

/** Extents that a claim leaves out because another claim or the kernel's file has them. */
interface Sizes {
  /** Bytes of the kernel segment: PAGE_ALIGN(init_size), bzImage64_load(), arch/x86/kernel/kexec-bzimage64.c, 7.3. */
  readonly kernel: number
  /** Sizes of the scratch regions, where the side of the drawing has them. */
  readonly scratch: readonly Json[]
}

/** Claims whose values are places in memory, and how to read them off. */
const PLACES: Readonly<Record<string, (value: Json, sizes: Sizes) => Mark[]>> = {
  'firmware.ram': (value) => entries(value).map((entry) => mark('ram', entry, 'RAM')),
  'firmware.map': (value) => entries(value).map((entry) => mapMark(entry)),
  'scratch.addresses': (value, sizes) =>
    listOf(value).map((start, index) => mark('scratch', { start, size: sizes.scratch[index] ?? '0x0' }, scratchName(index))),
  'scratch.unchanged': (value) => entries(value).map((entry, index) => mark('scratch', entry, scratchName(index))),
  'preserved.records': (value) =>
    entries(value).map((entry) => mark('preserved', entry, orderWords(entry['order'], entry['count']))),
  'memblock.reserved': (value) => entries(value).map((entry) => mark('reserved', entry, 'reserved when early boot ends')),
  'handover.reserved': (value) => entries(value).map((entry) => mark('preserved', entry, 'handed over')),
  'kexec.kernel': (value, sizes) =>
    entries([value]).map((entry) => mark('kernel', { ...entry, size: sizes.kernel }, 'kernel as loaded')),
  'kexec.initrd': (value) => entries([value]).map((entry) => mark('initrd', entry, 'initrd')),
}

/**
 * The four lanes of one hop. Predicted, guest and host come from the compared claims; what a side shows beyond them comes
 * from the observation. The difference lane sets a claim's sides against its prediction, so it never says other than the verdicts.
 */
export function lanesOf(
  comparison: Pick<Comparison, 'claims'>,
  extras: { readonly observation: Pick<Observation, 'hops'>; readonly prediction: Pick<Prediction, 'kernels'> },
  hop: number,
): Lane[] {
  const { observation, prediction } = extras
  const kernel = roundUp(prediction.kernels[hop]?.header.initSize ?? PAGE_SIZE, PAGE_SIZE)
  const sizesClaim = comparison.claims.find((claim) => claim.hop === hop && claim.subject === 'scratch.sizes')
  const sizesOf: SizesOf = (side) => ({ kernel, scratch: listOf(sizesClaim && valueOf(sizesClaim, side)) })
  const ofHop = comparison.claims.filter((claim) => claim.hop === hop && PLACES[claim.subject] !== undefined)
  // Of a machine that the lab did not start RAM alone is predicted; else the map has it, and what it is not.
  const mapped = ofHop.some(({ subject }) => subject === 'firmware.map')
  const claims = ofHop.filter(({ subject }) => subject !== 'firmware.ram' || !mapped)
  const seen = observation.hops.find((candidate) => candidate.hop === hop)
  const sides = (['predicted', 'guest', 'host'] as const).map((side) => {
    const claimed = claims.flatMap((claim) => marksOf(claim, side, sizesOf))
    const marks = side === 'predicted' ? claimed : withContext(claimed, contextOf(seen, side))
    return { name: side, marks: marks.sort(byStart), missing: missingKinds(marks) }
  })
  const differing = claims.flatMap((claim) => differencesOf(claim, sizesOf))
  return [...sides, { name: 'difference', marks: differing.sort(byStart), missing: notCompared(claims) }]
}

const byStart = (a: Span, b: Span): number => a.start - b.start || b.end - a.end

const valueOf = (claim: ComparedClaim, side: SideName): Json | undefined =>
  side === 'predicted' ? claim.predicted : 'value' in claim[side] ? claim[side].value : undefined

type SizesOf = (side: SideName) => Sizes

function marksOf(claim: ComparedClaim, side: SideName, sizesOf: SizesOf): Mark[] {
  const value = valueOf(claim, side)
  return value === undefined
    ? []
    : (PLACES[claim.subject]?.(value, sizesOf(side)) ?? []).filter((found) => found.end > found.start)
}

/** Adds kinds that no claim placed: what the side shows anyway. Where the kernel runs may be elsewhere than where it was loaded, so both stay. */
function withContext(claimed: readonly Mark[], context: readonly Mark[]): Mark[] {
  const kinds = new Set(claimed.filter((found) => found.kind !== 'kernel').map((found) => found.kind))
  return [...claimed, ...context.filter((found) => !kinds.has(found.kind) && found.end > found.start)]
}

function contextOf(seen: HopObservation | undefined, side: 'guest' | 'host'): Mark[] {
  if (seen === undefined) return []
  return side === 'guest' ? guestContext(seen.guest) : hostContext(seen.host)
}

function guestContext(guest: HopObservation['guest']): Mark[] {
  const map = guest.firmwareMap.ok ? guest.firmwareMap.value.map((entry) => mapMark({ ...entry })) : []
  const lengths = guest.scratchLen.ok ? guest.scratchLen.value : []
  const scratch = guest.scratchPhys.ok
    ? guest.scratchPhys.value.map((start, index) => mark('scratch', { start, size: lengths[index] ?? '0x0' }, scratchName(index)))
    : []
  const kernel = guest.iomem.ok
    ? guest.iomem.value
        .filter((line) => /^Kernel (code|rodata|data|bss)$/.test(line.name))
        .map((line) => mark('kernel', { ...line }, line.name))
    : []
  return [...map, ...scratch, ...kernel]
}

function hostContext(host: HopObservation['host']): Mark[] {
  const ram = host.ramMap.ok ? host.ramMap.value.map((range) => mark('ram', { ...range }, 'RAM')) : []
  const scratch = host.scratchArray.ok
    ? host.scratchArray.value.regions.map((region, index) => mark('scratch', { ...region }, scratchName(index)))
    : []
  const preserved = host.outRadix.ok
    ? host.outRadix.value.records.map((record) => mark('preserved', { ...record }, orderWords(record.order, record.count)))
    : []
  return [...ram, ...scratch, ...preserved]
}

function differencesOf(claim: ComparedClaim, sizesOf: SizesOf): Mark[] {
  if (claim.verdict !== 'differ' || claim.predicted === undefined) return []
  const predicted = marksOf(claim, 'predicted', sizesOf)
  return (['guest', 'host'] as const).flatMap((side) => {
    if (!('value' in claim[side])) return []
    const shown = marksOf(claim, side, sizesOf)
    const kinds = [...new Set([...predicted, ...shown].map((found) => found.kind))]
    return kinds.flatMap((kind) => {
      const of = (marks: readonly Mark[]): Span[] => union(marks.filter((found) => found.kind === kind))
      const note =
        (label: string) =>
        (span: Span): Mark => ({ ...span, kind: 'difference', label })
      return [
        ...subtract(of(predicted), of(shown)).map(note(`${kind}: predicted, not shown by the ${side}`)),
        ...subtract(of(shown), of(predicted)).map(note(`${kind}: shown by the ${side}, not predicted`)),
      ]
    })
  })
}

function notCompared(claims: readonly ComparedClaim[]): string[] {
  return claims
    .filter((claim) => claim.verdict === 'unpredicted' || claim.verdict === 'unobserved')
    .map((claim) => `${claim.subject} (${claim.verdict})`)
}

const DRAWN: readonly MemoryKind[] = ['ram', 'scratch', 'preserved', 'kernel', 'initrd']

function missingKinds(marks: readonly Mark[]): string[] {
  const kinds = new Set(marks.map((found) => found.kind))
  return DRAWN.filter((kind) => !kinds.has(kind))
}

/** Scratch regions by their place in the array: kho_reserve_scratch(), kernel/liveupdate/kexec_handover.c, 7.3. */
const scratchName = (index: number): string =>
  index === 0 ? 'scratch lowmem' : index === 1 ? 'scratch global' : `scratch node ${index - 2}`

type Entry = { readonly [key: string]: Json | undefined }

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)
const listOf = (value: Json | undefined): readonly Json[] => (isList(value) ? value : [])
const entries = (value: Json): Entry[] => listOf(value).filter(isEntry)
const isEntry = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !isList(value)

const word = (value: Json | undefined): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '?')

function mapMark(entry: Entry): Mark {
  const type = word(entry['type'])
  return mark(type === 'System RAM' ? 'ram' : 'firmware', entry, type)
}

const orderWords = (order: Json | undefined, count: Json | undefined): string =>
  `order ${word(order)}${count === undefined ? '' : ` × ${word(count)}`}`

/** `{start, end}`, `{start, size}` or `{start, order}` as a mark; a place without an extent is one page. */
function mark(kind: MemoryKind, entry: Entry, label: string): Mark {
  const start = number(entry['start']) ?? 0
  const size = number(entry['size'])
  const order = typeof entry['order'] === 'number' ? entry['order'] : undefined
  const count = typeof entry['count'] === 'number' ? entry['count'] : 1
  const end = number(entry['end']) ?? start + (size ?? count * PAGE_SIZE * 2 ** (order ?? 0))
  return { kind, start, end: number(entry['start']) === undefined ? start : end, label }
}

function number(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(value)) return undefined
  return fromHex(value)
}
