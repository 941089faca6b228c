/* documents.ts RUN_FOLDER: prints the milliseconds of predicting, comparing and reporting that run again, from its documents. */
import { readFile } from 'node:fs/promises'
import { compare } from '../../src/compare/compare.ts'
import { readRun } from '../../src/lab/report.ts'
import { givensFrom } from '../../src/lab/run/givens.ts'
import { predict } from '../../src/model/predict.ts'
import { resolve } from '../../src/model/resolve.ts'
import { formats } from '../../src/report/formats.ts'
import type { Experiment } from '../../src/shared/documents/index.ts'

const directory = process.argv[2] ?? ''
const { comparison, extras } = await readRun(directory)
const { observation, prediction } = extras
const experiment = JSON.parse(await readFile(`${directory}/experiment.json`, 'utf8')) as Experiment
const started = performance.now()
const again = predict(experiment, prediction.kernels, { experimentSha256: prediction.experimentSha256 })
for (let hops = 1; hops < observation.hops.length; hops++)
  resolve(again, givensFrom({ ...observation, hops: observation.hops.slice(0, hops) }))
const compared = compare(resolve(again, givensFrom(observation)), observation, comparison)
for (const { render } of Object.values(formats)) render(compared, extras)
process.stdout.write(`${performance.now() - started}\n`)
