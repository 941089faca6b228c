import { z } from 'zod'
import type { Json } from '../shared/json.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { fromHex, hex } from '../shared/units.ts'
import type { Span } from './firmware-map.ts'
import { possiblePlaces } from './kaslr-places.ts'
import { khoRoom, SIZEOF_BOOT_PARAMS, setupDataOffset, type Segment } from './kexec-placement.ts'
import { LoadGiven, LoadInputs, whatever } from './kexec-rules.ts'
import { defineRule, type Rule } from './rule.ts'

const SETUP_RNG_SEED = 9
const SETUP_KEXEC_KHO = 10

const segment = (placed: readonly Segment[], name: Segment['name']): Segment | undefined =>
  placed.find((candidate) => candidate.name === name)

/** A claim about what follows boot_params in its segment. */
const behindBootParams = (value: (start: number, inputs: LoadInputs) => Json): Rule =>
  defineRule(LoadInputs, LoadGiven, (inputs, given) =>
    whatever(inputs, given, (placed) => {
      if (!placed.ok) return placed
      const params = segment(placed.value, 'boot params')
      return params === undefined ? err('boot_params have no place') : ok(value(params.start, inputs))
    }),
  )

const KaslrInputs = z.strictObject({
  load: LoadInputs,
  imageSize: z.int().positive(),
  align: z.int().positive(),
  /** RAM from the lowest to the highest, for a kernel that does not know of scratch. */
  ram: z.array(z.strictObject({ start: z.int().min(0), end: z.int().min(0) })).optional(),
})

/** Ranges as the subject has them. */
export const placesValue = (
  places: readonly Span[],
  align: number,
): { align: string; within: { start: string; end: string }[] } => ({
  align: hex(align),
  within: places.map(({ start, end }) => ({ start: hex(start), end: hex(end) })),
})

function placesAfterKexec(
  { load, imageSize, align, ram: all }: z.output<typeof KaslrInputs>,
  given: z.output<typeof LoadGiven>,
  placed: readonly Segment[],
): Result<Json> {
  const kernel = segment(placed, 'kernel')
  if (kernel === undefined) return err('the kernel has no place')
  const span = ({ start, memsz }: Segment): Span => ({ start, end: start + memsz })
  const scratch = given['scratch.regions']?.map(({ start, size }) => ({
    start: fromHex(start),
    end: fromHex(start) + fromHex(size),
  }))
  const ram = load.systemRam?.map(({ start, size }) => ({ start, end: start + size })).reverse()
  const places = possiblePlaces({
    areas: all ?? ram ?? scratch ?? [],
    output: kernel.start,
    initSize: load.kernel.initSize,
    imageSize,
    align,
    avoid: placed.filter(({ name }) => name === 'initrd' || name === 'boot params').map(span),
  })
  return ok(placesValue(places, align))
}

/** What the kernel that kexec started finds in boot_params, and where it may run. */
export const loaderRules = {
  /** setup_cmdline() (arch/x86/kernel/kexec-bzimage64.c, 7.3) */
  'kexec-cmdline': behindBootParams((start) => ({ address: hex(start + SIZEOF_BOOT_PARAMS) })),
  /** setup_kho() and setup_rng_seed(): each goes to the head of the list; room for KHO's is left even when it is off, but not where it is not built in. */
  'kexec-setup-data': behindBootParams((start, { cmdlineLength, systemRam, withoutKho }) => ({
    head: hex(start + setupDataOffset(cmdlineLength) + khoRoom(withoutKho === true)),
    types: systemRam === undefined ? [SETUP_RNG_SEED, SETUP_KEXEC_KHO] : [SETUP_RNG_SEED],
  })),
  'kexec-places': defineRule(KaslrInputs, LoadGiven, (inputs, given) =>
    whatever(inputs.load, given, (placed) => (placed.ok ? placesAfterKexec(inputs, given, placed.value) : placed)),
  ),
} satisfies Record<string, Rule>
