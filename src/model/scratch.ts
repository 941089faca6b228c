import { roundUp } from '../shared/units.ts'
import { memparse } from './memparse.ts'

/**
 * How large the scratch regions are to be, as kho_parse_scratch_size() (kernel/liveupdate/kexec_handover.c, 7.3) reads it from
 * `kho_scratch=`. A text that the kernel refuses leaves the default of 200 % in force.
 */
export type ScratchRequest =
  /** Percent of what memblock has given to the kernel by then. */
  | { readonly kind: 'percent'; readonly percent: number; readonly refused?: string }
  | {
      readonly kind: 'sizes'
      readonly lowmem: number
      readonly global: number
      readonly perNode: number
      readonly refused?: string
    }

const DEFAULT_PERCENT = 200

/** `texts`: the value of every kho_scratch= option, in order; the last one that the kernel takes is in force. */
export function parseScratch(texts: readonly string[]): ScratchRequest {
  const taken = texts.map((text) => (text.endsWith('%') ? parsePercent(text) : parseSizes(text)))
  const refused = texts.filter((_text, index) => taken[index] === undefined).at(-1)
  const last = taken.filter((request) => request !== undefined).at(-1) ?? ({ kind: 'percent', percent: DEFAULT_PERCENT } as const)
  return refused === undefined ? last : { ...last, refused }
}

/**
 * At most 11 characters with the sign, and a number that kstrtouint() takes; 0 % means explicit sizes of 0, as scratch_scale is
 * 0.
 */
function parsePercent(text: string): ScratchRequest | undefined {
  if (text.length > 11 || !/^\+?\d+%$/.test(text)) return undefined
  const percent = Number(text.slice(0, -1))
  if (percent > 0xffffffff) return undefined
  return percent === 0 ? { kind: 'sizes', lowmem: 0, global: 0, perNode: 0 } : { kind: 'percent', percent }
}

/** Exactly three memparse() numbers with commas between, nothing after, not all 0. */
function parseSizes(text: string): ScratchRequest | undefined {
  const sizes = text.split(',').map(memparse)
  const [lowmem, global, perNode] = sizes
  if (sizes.length !== 3 || lowmem === undefined || global === undefined || perNode === undefined) return undefined
  return lowmem + global + perNode === 0 ? undefined : { kind: 'sizes', lowmem, global, perNode }
}

/** Sizes in array order: lowmem, global, one per node with memory. Undefined for percent: that needs the boot's reservations. */
export function scratchSizes(request: ScratchRequest, nodes: number, alignment: number): readonly number[] | undefined {
  if (request.kind === 'percent') return undefined
  // scratch_size_update() and scratch_size_node() (7.2, 7.3) round all of them, also explicit ones.
  const { lowmem, global, perNode } = request
  return [lowmem, global, ...Array.from({ length: nodes }, () => perNode)].map((size) => roundUp(size, alignment))
}

/** The kinds in array order (kho_reserve_scratch(), 7.3). `nodes`: numbers of the nodes with memory, ascending. */
export const scratchKinds = (nodes: readonly number[]): readonly string[] => [
  'lowmem',
  'global',
  ...nodes.map((node) => `node${node}`),
]
