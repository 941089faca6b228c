import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureImage } from '../../src/guest/image/image.ts'
import { loadExperiment } from '../../src/lab/load-experiment.ts'
import { bareFirstRead, labRun, documentsTime } from './lab-side.ts'
import { hashTime } from './hash.ts'
import { median, type Measured, print } from './measured.ts'
import { plainRun } from './plain.ts'
import { radixWalkTime } from './radix.ts'

const HELP = `npm run bench -- [--runs N] [--only boot,run,radix,hash] [--json]

Measures the lab beside a plain shell script that starts the same QEMU command with the same image, in turn, in one run.
Prints medians; exits 1 when one is above its bound.
  boot   spawn to the first decoded debugfs read, against the script's ready line     bound 1.25
  run    kho-lab run of hello with one hop, against the script's boot, kexec, ready   bound 1.3
         of which predicting, comparing and reporting                                 bound 0.5 s
  radix  walk of a tree of 4 Mi order-0 keys (16 GiB); of 1 Mi keys with gaps         bound 1 s
  hash   digests of 1 GiB of guest RAM, in one thread: 1.5 GB/s                       bound 716 ms
`

const HELLO = fileURLToPath(new URL('../../experiments/hello.yaml', import.meta.url))

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    only: { type: 'string', default: 'boot,run,radix,hash' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function measure(runs: number, only: ReadonlySet<string>): Promise<Measured[]> {
  const measured: Measured[] = []
  const directory = await mkdtemp(join(tmpdir(), 'kho-lab-bench-'))
  try {
    if (only.has('boot') || only.has('run')) {
      const { experiment } = await loadExperiment(HELLO, { accelerator: 'tcg' })
      const image = await ensureImage()
      if (only.has('boot')) {
        const pairs = await inTurn(
          runs,
          () => bareFirstRead(image, experiment),
          async () => (await plainRun(image, experiment, directory, false))[0] ?? NaN,
        )
        measured.push({ name: 'spawn to first decoded debugfs read', ...pairs, bound: { ratio: 1.25 } })
      }
      if (only.has('run')) {
        let last = ''
        const lab = async (run: number): Promise<number> => labRun(HELLO, (last = join(directory, `run${run}`)))
        const pairs = await inTurn(runs, lab, async () => (await plainRun(image, experiment, directory, true))[1] ?? NaN)
        measured.push({ name: 'run of hello with one hop', ...pairs, bound: { ratio: 1.3 } })
        const documents: number[] = []
        for (let run = 0; run < runs; run++) documents.push(await documentsTime(last))
        measured.push({ name: 'predicting, comparing and reporting', lab: documents, bound: { ms: 500 } })
      }
    }
    if (only.has('radix')) {
      measured.push({ name: 'radix walk of 4 Mi order-0 keys', lab: radixWalkTime(4 * 2 ** 20, 1, runs), bound: { ms: 1000 } })
      measured.push({ name: 'radix walk of 1 Mi records apart', lab: radixWalkTime(2 ** 20, 2, runs), bound: { ms: 1000 } })
    }
    if (only.has('hash')) measured.push({ name: 'digests of 1 GiB', lab: await hashTime(runs), bound: { ms: 716 } })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return measured
}

/** A B A B …, so that a machine that gets slower or faster does so for both. */
async function inTurn(
  runs: number,
  lab: (run: number) => Promise<number>,
  plain: () => Promise<number>,
): Promise<{ lab: number[]; plain: number[] }> {
  const times = { lab: new Array<number>(), plain: new Array<number>() }
  for (let run = 0; run < runs; run++) {
    times.plain.push(await plain())
    times.lab.push(await lab(run))
    process.stderr.write(
      `${run + 1}/${runs}: script ${Math.round(times.plain.at(-1) ?? NaN)} ms, lab ${Math.round(times.lab.at(-1) ?? NaN)} ms\n`,
    )
  }
  return times
}

if (values.help) {
  process.stdout.write(HELP)
} else {
  const measured = await measure(Number(values.runs), new Set(values.only.split(',')))
  process.stdout.write(
    values.json ? `${JSON.stringify(measured.map((one) => ({ ...one, median: median(one.lab) })))}\n` : print(measured),
  )
  const within = measured.every(({ lab, plain, bound }) =>
    'ms' in bound ? median(lab) <= bound.ms : median(lab) <= bound.ratio * median(plain ?? []),
  )
  process.exitCode = within ? 0 : 1
}
