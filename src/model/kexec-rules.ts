import { z } from 'zod'
import { ScratchRegion } from '../shared/documents/common.ts'
import type { Json } from '../shared/json.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { PAGE_SIZE, fromHex, hex, roundUp } from '../shared/units.ts'
import { cmdlineFits, placeSegments, segmentRequests, type Segment, type SegmentName } from './kexec-placement.ts'
import { defineRule, type Rule } from './rule.ts'

export const LoadInputs = z.strictObject({
  /** Page-rounded; absent when the loading kernel's purgatory is not known. */
  purgatorySize: z.int().positive().optional(),
  cmdlineLength: z.int().min(0),
  kernel: z.strictObject({ initSize: z.int().positive(), prefAddress: z.int().min(0), kernelAlignment: z.int().positive() }),
  initrdSize: z.int().min(0),
  /** Where the loading kernel looks when KHO is off, in its order; absent when it is on and the scratch regions are given. */
  systemRam: z.array(z.strictObject({ start: z.int().min(0), size: z.int().min(0) })).optional(),
  /** The loading kernel is built without KHO. */
  withoutKho: z.literal(true).optional(),
})
export type LoadInputs = z.infer<typeof LoadInputs>

export const LoadGiven = z.object({ 'scratch.regions': z.array(ScratchRegion).optional() })
type Given = z.output<typeof LoadGiven>

/** Sizes that stand for all that a purgatory may have: x86-64 ones have been between two and six pages. */
const purgatorySizes = Array.from({ length: 16 }, (_unused, page) => (page + 1) * PAGE_SIZE)

function place(inputs: LoadInputs, given: Given, purgatorySize: number): Result<readonly Segment[]> {
  if (!cmdlineFits(inputs.cmdlineLength)) return err('the command line is too long: kexec_file_load fails with EINVAL')
  const { cmdlineLength, kernel, initrdSize, systemRam, withoutKho } = inputs
  const scratch = given['scratch.regions']?.map(({ start, size }) => ({ start: fromHex(start), size: fromHex(size) }))
  const regions = systemRam ?? scratch
  if (regions === undefined) return err('the scratch regions are not known')
  const [scratchCount, where] =
    systemRam === undefined ? ([regions.length, 'scratch region'] as const) : ([0, 'range of System RAM'] as const)
  return placeSegments(
    segmentRequests({ scratchCount, purgatorySize, cmdlineLength, kernel, initrdSize, withoutKho }),
    regions,
    where,
  )
}

/**
 * An answer that is the same for the known purgatory size, or for every size that it could have.
 */
export function whatever(
  inputs: LoadInputs,
  given: Given,
  answer: (placed: Result<readonly Segment[]>) => Result<Json>,
): Result<Json> {
  const sizes = inputs.purgatorySize === undefined ? purgatorySizes : [roundUp(inputs.purgatorySize, PAGE_SIZE)]
  const answers = sizes.map((size) => answer(place(inputs, given, size)))
  const [first] = answers
  if (first === undefined) return err('no purgatory size')
  return answers.every((other) => JSON.stringify(other) === JSON.stringify(first))
    ? first
    : err("this depends on the size of the loading kernel's purgatory, which is not known")
}

/** A claim about where one segment begins. */
const segmentRule = (name: SegmentName, value: (start: string, inputs: LoadInputs) => Json): Rule =>
  defineRule(LoadInputs, LoadGiven, (inputs, given) =>
    whatever(inputs, given, (placed) => {
      if (!placed.ok) return placed
      const segment = placed.value.find((candidate) => candidate.name === name)
      return segment === undefined ? err(`no ${name} is loaded`) : ok(value(hex(segment.start), inputs))
    }),
  )

/** The rules of kexec_file_load; under KHO all start from the scratch array of the loading boot. */
export const kexecRules = {
  'kexec-accepts': defineRule(LoadInputs, LoadGiven, (inputs, given) =>
    whatever(inputs, given, (placed) => ok({ accepted: placed.ok })),
  ),
  'kexec-kernel': segmentRule('kernel', (start) => ({ start })),
  'kexec-initrd': segmentRule('initrd', (start, { initrdSize }) => ({ start, size: initrdSize })),
  'kexec-scratch-array': segmentRule('scratch array', (address) => ({ address })),
  'kexec-segments': defineRule(LoadInputs, LoadGiven, (inputs, given) =>
    whatever(inputs, given, (placed) =>
      placed.ok ? ok(placed.value.map(({ start, memsz }) => ({ start: hex(start), memsz: hex(memsz) }))) : placed,
    ),
  ),
} satisfies Record<string, Rule>
