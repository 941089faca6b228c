import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ExperimentFile, KernelFacts, completeExperiment, type Experiment } from '../../shared/documents/index.ts'
import { JsonValue } from '../../shared/json.ts'
import { commandLine } from '../command-line.ts'
import { predict } from '../predict.ts'
import { resolve } from '../resolve.ts'
import buildFacts from '../boot/fixtures/build-facts.json' with { type: 'json' }
import kernelFile from './fixtures/kernel.json' with { type: 'json' }
import recorded from './fixtures/running-guests.json' with { type: 'json' }

const kernelWith = (initrdSize: number): KernelFacts => KernelFacts.parse({ ...kernelFile, build: buildFacts, initrdSize })

const Values = z.record(z.string(), JsonValue)
const Recorded = z.object({
  experiment: z.looseObject({}),
  initrdSize: z.int(),
  givens: Values,
  /** What the guest showed, by claim. */
  seen: Values,
})
type Recorded = z.output<typeof Recorded>
const guests = z.array(Recorded).parse(recorded)

function experimentOf(input: object): Experiment {
  const { experiment, issues } = completeExperiment(ExperimentFile.parse({ name: 'recorded', ...input }))
  if (experiment === undefined) throw new Error(JSON.stringify(issues))
  return experiment
}

/** These guests were recorded before the lab gave them `no_timer_check`; every boot of theirs has the same command line. */
const asRecorded = (experiment: Experiment): Experiment => ({
  ...experiment,
  commandLine: commandLine(experiment, 0).replace('no_timer_check ', ''),
})

function claimsOf({ experiment: input, initrdSize, givens }: Recorded): ReturnType<typeof resolve> {
  const experiment = asRecorded(experimentOf(input))
  const kernels = experiment.kernels.map(() => kernelWith(initrdSize))
  return resolve(predict(experiment, kernels, { experimentSha256: '0'.repeat(64) }), givens)
}

describe.each(guests.map((guest) => ({ name: JSON.stringify(guest.experiment), guest })))('a guest of $name', ({ guest }) => {
  it('has the memory that the model says, boot after boot', () => {
    const claims = claimsOf(guest).filter(({ id }) => Object.hasOwn(guest.seen, id))
    expect(Object.fromEntries(claims.map(({ id, predicted, unpredicted }) => [id, predicted ?? unpredicted?.reason]))).toEqual(
      guest.seen,
    )
  })
})
