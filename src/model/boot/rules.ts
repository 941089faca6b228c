import { z } from 'zod'
import { Hex } from '../../shared/documents/common.ts'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import type { Json } from '../../shared/json.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bytes, fromHex, hex } from '../../shared/units.ts'
import { defineRule, type Rule } from '../rule.ts'
import { firstBootScratch, tcgProcessor, type ScratchPrediction } from './first-boot.ts'

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

const Given = z.object({
  'host.accelerator': z.object({ used: z.enum(['tcg', 'kvm']), cpuModel: z.string() }).optional(),
  'kernel.base': Hex.optional(),
})

/** The scratch regions of a first boot, from its inputs; TCG unless the accelerator is given. */
function scratchOf(
  { kernelBase: fixed, ...boot }: z.output<typeof Inputs>,
  given: z.output<typeof Given>,
): Result<ScratchPrediction> {
  if (given['host.accelerator']?.used === 'kvm') {
    return err('which page tables the processor of this host gives to a guest under KVM is not modelled')
  }
  const base = fixed ?? given['kernel.base']
  if (base === undefined) return err('where the kernel lies is not known')
  return firstBootScratch({ ...boot, processor: tcgProcessor(boot.cmdline) }, fromHex(base))
}

const scratchRule = (answer: (scratch: ScratchPrediction) => Result<Json>): Rule =>
  defineRule(Inputs, Given, (inputs, given) => {
    const scratch = scratchOf(inputs, given)
    return scratch.ok ? answer(scratch.value) : scratch
  })

const hexList = (list: Result<readonly number[]>): Result<Json> => (list.ok ? ok(list.value.map(hex)) : list)

export const bootRules = {
  'first-boot-kho': scratchRule(({ fits }) => fits),
  'first-boot-scratch-sizes': scratchRule(({ sizes }) => hexList(sizes)),
  'first-boot-scratch-addresses': scratchRule(({ addresses }) => hexList(addresses)),
} satisfies Record<string, Rule>
