import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorText } from '../src/cli/error-text.ts'
import { interruptible } from '../src/cli/interrupt.ts'
import { progressLine } from '../src/cli/progress-line.ts'
import { processTerminal } from '../src/cli/terminal.ts'
import { drawn, prove, wholeNumber } from '../src/lab/prove/prove.ts'
import { proofText, type Proof, type Trial } from '../src/lab/prove/tally.ts'
import { LabError, toLabError } from '../src/shared/result.ts'

const HELP = `npm run prove -- --seed S [--count N] [--only I] [--workload] [--jobs N] [--out DIR [--resume]] [--list] [--json]

Draws N experiments (100) from seed S (a whole number), predicts, runs and compares each, and says how many claims match. The same
seed always draws the same experiments; what they may be is in src/lab/prove/draw.ts. Guests run under TCG.

  --only I   experiment number I of the seed alone
  --workload each with steps in every boot: pages that are allocated, preserved, taken back, forgotten; LUO sessions
  --jobs N   experiments at the same time (1); each needs a guest's RAM and a CPU or two
  --out DIR  keep every run's folder as DIR/0000, 0001, ..., and the result as DIR/proof.json
  --resume   take what an earlier call has finished in DIR as it is, and run the rest; a run that was lost or stopped is put aside as
             DIR/0007.again-1 and repeated
  --list     write the experiments as YAML documents and run nothing
  --json     the result as JSON on stdout

Ctrl-C stops, and tells the result of what was finished. Exit code: 0 nothing differs and nothing was lost, 1 something differs,
2 a run was lost, or the proof was stopped or failed, 64 wrong usage.
`

const terminal = processTerminal()
const { values } = readArguments()

function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        count: { type: 'string', default: '100' },
        only: { type: 'string' },
        workload: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '1' },
        out: { type: 'string' },
        resume: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return stop(new LabError({ code: 'usage', message: toLabError(error).message, hint: 'npm run prove -- --help' }))
  }
}

function stop(error: unknown): never {
  const failure = toLabError(error)
  terminal.err(errorText(failure))
  process.exit(failure.code === 'usage' ? 64 : 2)
}

interface Wish {
  readonly seed: number
  readonly count: number
  readonly first: number
  readonly jobs: number
}

function wish(): Wish {
  const { seed, count, only, jobs } = values
  if (seed === undefined) throw new LabError({ code: 'usage', message: '--seed is missing', hint: 'npm run prove -- --seed 1' })
  return {
    seed: wholeNumber(seed, '--seed', 0, 2 ** 31 - 1),
    count: only === undefined ? wholeNumber(count, '--count', 1, 100_000) : 1,
    first: only === undefined ? 0 : wholeNumber(only, '--only', 0, 99_999),
    jobs: wholeNumber(jobs, '--jobs', 1, 64),
  }
}

async function run({ seed, count, first, jobs }: Wish): Promise<void> {
  const { out, resume, workload } = values
  if (resume && out === undefined)
    throw new LabError({ code: 'usage', message: '--resume needs the folder to go on in', hint: 'Give --out DIR too.' })
  if (out !== undefined) mkdirSync(out, { recursive: true })
  const line = progressLine(terminal)
  let seconds = 0
  const onTrial = (trial: Trial, done: number): void => {
    const words = trialWords(trial)
    if (words !== undefined) {
      line.clear()
      terminal.err(`${words}\n`)
    }
    seconds += trial.seconds
    line.update({
      phase: `${done} of ${count} experiments`,
      percent: (done / count) * 100,
      secondsLeft: ((seconds / done) * (count - done)) / jobs,
    })
  }
  const proof = await interruptible(terminal, (signal) =>
    prove({ seed, count, first, workload, jobs, out, resume, signal, onTrial }),
  )
  line.clear()
  // One that is repeated is not the result of the whole.
  if (out !== undefined && values.only === undefined)
    writeFileSync(join(out, 'proof.json'), `${JSON.stringify(proof, undefined, 2)}\n`)
  terminal.out(values.json ? `${JSON.stringify(proof, undefined, 2)}\n` : proofText(proof))
  process.exitCode = exitCode(proof)
}

/** A line for those that did not agree. */
function trialWords({ name, end }: Trial): string | undefined {
  if (end.kind === 'failed') return `${name}: ${end.code}: ${end.message}`
  const differ = end.comparison.claims.filter(({ verdict }) => verdict === 'differ').map(({ id }) => id)
  if (end.comparison.lost !== undefined) return `${name}: lost: ${end.comparison.lost}`
  return differ.length === 0 ? undefined : `${name}: differ: ${differ.join(', ')}`
}

function exitCode({ differ, lost, experiments, count }: Proof): number {
  if (lost.length > 0 || experiments < count) return 2
  return differ > 0 ? 1 : 0
}

if (values.help) {
  terminal.out(HELP)
} else {
  try {
    const wanted = wish()
    if (values.list) {
      for (let index = wanted.first; index < wanted.first + wanted.count; index++)
        terminal.out(`---\n${drawn(wanted.seed, index, values.workload).source}`)
    } else await run(wanted)
  } catch (error) {
    stop(error)
  }
}
