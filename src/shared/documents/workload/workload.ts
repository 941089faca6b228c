import { z } from 'zod'
import { luoSteps, luoStepsOf, type LuoStep } from './luo-steps.ts'
import { memoryStepProblem, memorySteps, memoryStepsOf, type MemoryStep } from './memory-steps.ts'

/** Every kind of step by its key. A new family of steps is one file and one line here, in {@link WorkloadStep} and in stepsOf(). */
const stepFamilies = { ...memorySteps, ...luoSteps } as const

/** What is carried out, told apart by `step`. */
export type WorkloadStep = MemoryStep | LuoStep

type Optional<T extends Readonly<Record<string, z.ZodType>>> = { -readonly [K in keyof T]: z.ZodOptional<T[K]> }
const optional = <T extends Readonly<Record<string, z.ZodType>>>(shape: T): Optional<T> =>
  Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, value.optional()])) as Optional<T>

const keysText = Object.keys(stepFamilies).join(', ')

/** A step has exactly one key, which says what is done. */
const Step = z
  .strictObject(optional(stepFamilies))
  .refine((step) => Object.keys(step).length === 1, {
    error: `a step has exactly one of ${keysText}`,
    // An unknown key is complained about as such.
    when: ({ issues }) => issues.length === 0,
  })
  .meta({ minProperties: 1, maxProperties: 1 })

const BOOTS = /^(?:(\d{1,2})\.\.)?(\d{1,2}|last)$/

const BootWorkload = z.strictObject({
  boot: z
    .union([z.int().min(0).max(50), z.string().regex(BOOTS, 'write a boot such as 0, a range such as 1..3 or 1..last, or last')])
    .meta({ description: 'which boot does the steps: 0 is the first, h the one after hop h; 1..3, 1..last, last' }),
  steps: z.array(Step).min(1).max(200),
})

export const Workload = z
  .array(BootWorkload)
  .max(100)
  .default([])
  .meta({ description: 'what the guest does with memory, boot by boot' })

const ONLY_FIRST = 'only in boot 0: later kernels are loaded into scratch, and what of it is free then is not known'

type Problem = { readonly path: readonly (string | number)[]; readonly message: string }

/** The steps of every boot, in order, one list per boot (hops + 1); and what is wrong with boots and steps. */
export function completeWorkload(
  written: z.output<typeof Workload>,
  hops: number,
): { readonly workload: readonly (readonly WorkloadStep[])[]; readonly issues: readonly Problem[] } {
  const boots: WorkloadStep[][] = Array.from({ length: hops + 1 }, () => [])
  const issues: Problem[] = []
  for (const [index, { boot, steps }] of written.entries()) {
    const span = bootSpan(boot, hops)
    if (span === undefined)
      issues.push({ path: ['workload', index, 'boot'], message: `there are boots 0 to ${hops}, not ${String(boot)}` })
    steps.forEach((step, at) => {
      const problem = memoryStepProblem(step)
      if (problem !== undefined)
        issues.push({ path: ['workload', index, 'steps', at, 'allocate', problem.key], message: problem.message })
      if (step.allocate?.scratch !== undefined && span !== undefined && span.last > 0)
        issues.push({ path: ['workload', index, 'steps', at, 'allocate', 'scratch'], message: ONLY_FIRST })
    })
    if (span === undefined) continue
    for (let at = span.first; at <= span.last; at++)
      boots[at]?.push(...steps.flatMap((step): readonly WorkloadStep[] => memoryStepsOf(step) ?? luoStepsOf(step) ?? []))
  }
  return { workload: boots, issues: [...issues, ...boots.flatMap(mixedIssues)] }
}

/** Sets of a boot that are handed over both as sets and page by page: two records of one page, of which the smaller decides its order. */
function mixedIssues(steps: readonly WorkloadStep[], boot: number): Problem[] {
  const named = (verb: WorkloadStep['step']): Set<string> =>
    new Set(steps.flatMap((step) => (step.step === verb && 'name' in step ? [step.name] : [])))
  const called = named('kho_preserve_pages')
  return [...named('preserve')]
    .filter((name) => called.has(name))
    .map((name) => ({
      path: ['workload'],
      message: `boot ${boot} hands ${name} over by preserve and by kho_preserve_pages: do one of them`,
    }))
}

function bootSpan(boot: number | string, hops: number): { first: number; last: number } | undefined {
  const [, from, to = ''] = BOOTS.exec(String(boot)) ?? []
  const last = to === 'last' ? hops : Number(to)
  const first = from === undefined ? last : Number(from)
  return first <= last && last <= hops ? { first, last } : undefined
}
