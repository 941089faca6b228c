import { z } from 'zod'
import { Hex } from '../../shared/documents/common.ts'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import type { Json } from '../../shared/json.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bytes, fromHex, hex } from '../../shared/units.ts'
import { defineRule, type Rule } from '../rule.ts'
import { firstBootScratch, tcgProcessor } from './first-boot.ts'
import { NOT_RANDOM, type ScratchOutcome } from './input.ts'
import { randomnessOf } from './kaslr.ts'

const Size = z.int().nonnegative().transform(bytes)

const Inputs = z.strictObject({
  machine: z.strictObject({
    type: z.enum(['q35', 'pc']),
    memory: Size,
    cpus: z.int().positive(),
    nodes: z.array(z.strictObject({ memory: Size })).min(1),
  }),
  build: KernelBuildFacts,
  initrdSize: z.int().nonnegative(),
  cmdline: z.string(),
  scratchAlignment: z.int().positive(),
  /** Where the kernel lies without KASLR; with it, `kernel.base` is given. */
  kernelBase: Hex.optional(),
})
export type FirstBootInputs = z.input<typeof Inputs>

const AddressSpace = z.object({ pageOffsetBase: Hex, vmemmapBase: Hex, entryAreas: z.array(z.int().nonnegative()) })

const Given = z.object({
  'host.accelerator': z.object({ used: z.enum(['tcg', 'kvm']), cpuModel: z.string() }).optional(),
  'kernel.base': Hex.optional(),
  'kernel.addressSpace': AddressSpace.optional(),
})

/** The scratch regions of a first boot, from its inputs; TCG unless the accelerator is given. */
function scratchOf(
  { kernelBase: fixed, ...boot }: z.output<typeof Inputs>,
  given: z.output<typeof Given>,
): Result<ScratchOutcome> {
  if (given['host.accelerator']?.used === 'kvm') {
    return err('which page tables the processor of this host gives to a guest under KVM is not modelled')
  }
  const processor = tcgProcessor(boot.cmdline)
  if (fixed !== undefined) return firstBootScratch({ ...boot, processor }, fromHex(fixed), NOT_RANDOM)
  const { 'kernel.base': base, 'kernel.addressSpace': drawn } = given
  if (base === undefined || drawn === undefined) return err('where KASLR has put the kernel is not known')
  return firstBootScratch({ ...boot, processor }, fromHex(base), randomnessOf(drawn, boot.build, processor))
}

const scratchRule = (answer: (scratch: ScratchOutcome) => Result<Json>): Rule =>
  defineRule(Inputs, Given, (inputs, given) => {
    const scratch = scratchOf(inputs, given)
    return scratch.ok ? answer(scratch.value) : scratch
  })

const ofRegions = (value: (region: { readonly start: number; readonly size: number }) => number): Rule =>
  scratchRule((scratch) =>
    scratch.ok
      ? ok(scratch.regions.map((region) => hex(value(region))))
      : err(`there is no room for ${scratch.region} of scratch`),
  )

export const bootRules = {
  'first-boot-kho': scratchRule((scratch) => ok(scratch.ok)),
  'first-boot-scratch-sizes': ofRegions(({ size }) => size),
  'first-boot-scratch-addresses': ofRegions(({ start }) => start),
} satisfies Record<string, Rule>
