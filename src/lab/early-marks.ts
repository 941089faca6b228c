import { z } from 'zod'
import { localName } from '../model/rule.ts'
import { ruleOf } from '../model/rules.ts'
import { Once } from '../model/once.ts'
import type { Mark } from '../report/map/lanes.ts'
import type { Comparison, Prediction } from '../shared/documents/index.ts'
import { Hex } from '../shared/documents/common.ts'
import type { MemoryKind } from '../shared/palette.ts'
import { fromHex } from '../shared/units.ts'

const Reservations = z.array(z.object({ name: z.string(), start: Hex, end: Hex }))

/** Steps of a boot whose memory has a kind of its own; undefined where a claim places it already. */
const KINDS: Readonly<Record<string, MemoryKind | undefined>> = {
  'direct map': 'pagetable',
  brk: 'pagetable',
  'CPU entry areas': 'pagetable',
  'kernel image': 'kernel',
  initrd: 'initrd',
  scratch: undefined,
  'scratch handed over': undefined,
  'preserved memory': undefined,
}

/**
 * What the model says that early boot reserves and for what: page tables, the memory map, per-CPU areas and the rest, as the claim of
 * memblock.reserved was resolved. Nothing where that claim has no rule or its given values were not observed.
 */
export function earlyMarks(
  prediction: Pick<Prediction, 'claims' | 'kernels' | 'cmdlines'>,
  comparison: Pick<Comparison, 'claims'>,
  hop: number,
): Mark[] {
  const asked = prediction.claims.find((claim) => claim.hop === hop && claim.subject === 'memblock.reserved')
  const compared = comparison.claims.find(({ id }) => id === asked?.id)
  if (asked?.prediction.kind !== 'rule' || compared === undefined) return []
  const given = Object.fromEntries(Object.entries(compared.given).map(([name, value]) => [localName(name), value]))
  const { kernels, cmdlines } = prediction
  const answer = ruleOf('early-reservations')?.apply(asked.prediction.inputs, given, { kernels, cmdlines, once: new Once() })
  const list = answer?.ok === true ? Reservations.safeParse(answer.value) : undefined
  return (list?.data ?? []).flatMap(({ name, start, end }) => {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : 'reserved'
    return kind === undefined ? [] : [{ kind, start: fromHex(start), end: fromHex(end), label: labelOf(name) }]
  })
}

/** The brk area begins with the buffer of the first page tables (alloc_pgt_buf, arch/x86/mm/init.c, 7.3). */
const LABELS: Readonly<Record<string, string>> = {
  'direct map': 'page tables of the direct map',
  brk: 'brk: first page tables of the direct map',
  'CPU entry areas': 'page tables of the CPU entry areas',
}
const labelOf = (name: string): string => LABELS[name] ?? name
