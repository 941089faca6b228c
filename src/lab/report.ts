import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { formats, type FormatName } from '../report/formats.ts'
import type { RawFile, ReportExtras } from '../report/report.ts'
import { cut } from '../report/words.ts'
import { BLOB_INLINE_LIMIT, Comparison, Observation, Prediction } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { MiB } from '../shared/units.ts'
import { parseDocument } from './read-document.ts'
import { readTail, systemWords } from './read-file.ts'
import { writeWhole } from './write-file.ts'

/** The serial log's place in a run folder. */
export const SERIAL_LOG = 'raw/serial.log'
const SERIAL_LINES = 200
const SERIAL_LINE = 2000
const SERIAL_TAIL = MiB

/** What the folder of a run says about it. */
export interface StoredRun {
  readonly comparison: Comparison
  readonly extras: ReportExtras
}

/** Reads a run folder. Rejects with LabError run-not-found, or bad-document when a file in it is not what it should be. */
export async function readRun(directory: string): Promise<StoredRun> {
  const [comparison, observation, prediction] = await Promise.all([
    readDocument(directory, 'comparison.json', Comparison),
    readDocument(directory, 'observation.json', Observation),
    readDocument(directory, 'prediction.json', Prediction),
  ])
  return { comparison, extras: await reportExtras(directory, observation, prediction) }
}

/** The verdicts of a run alone: they can be read where another document of the folder is missing or damaged. Rejects as {@link readRun}. */
export const readComparison = (directory: string): Promise<Comparison> => readDocument(directory, 'comparison.json', Comparison)

/** What a report shows beside the comparison, from the run's files. */
export async function reportExtras(directory: string, observation: Observation, prediction: Prediction): Promise<ReportExtras> {
  const [rawFiles, serialTail] = await Promise.all([
    Promise.all(observation.raw.map((entry) => rawFile(directory, entry))),
    readSerialTail(directory),
  ])
  return { observation, prediction, rawFiles, serialTail }
}

/** The report of a run in one of the formats, made from the folder alone. */
export async function renderRunReport(directory: string, format: FormatName): Promise<string> {
  const { comparison, extras } = await readRun(directory)
  return formats[format].render(comparison, extras)
}

/** Writes a report whole or not at all. Rejects with LabError out-unwritable or disk-full. */
export const writeReport = (file: string, content: string | Uint8Array): Promise<void> =>
  writeWhole(file, content, {
    full: 'Free some space, or name a file on another file system with -o. The run itself is as it was.',
    other: 'Give a file that can be written with -o.',
  })

async function readDocument<T extends z.ZodType>(directory: string, name: string, schema: T): Promise<z.output<T>> {
  return parseDocument(join(directory, name), await readRunFile(directory, name), schema)
}

async function readRunFile(directory: string, name: string): Promise<string> {
  try {
    return await readFile(join(directory, name), 'utf8')
  } catch (error) {
    throw new LabError(
      {
        code: 'run-not-found',
        message: `${directory} is no finished run: ${name}: ${systemWords(error)}`,
        hint: 'Give the folder that kho-lab run wrote.',
      },
      { cause: error },
    )
  }
}

/** Bytes for the reader of the report, where they are few; a capture that is gone is still listed with its hash. */
async function rawFile(directory: string, entry: Observation['raw'][number]): Promise<RawFile> {
  // A run folder may be somebody else's: its names must not lead out of it.
  const inside = entry.file.startsWith('raw/') && !entry.file.split('/').includes('..')
  if (entry.size > BLOB_INLINE_LIMIT || !inside) return entry
  const bytes = await readIfThere(join(directory, entry.file))
  return bytes === undefined ? entry : { ...entry, hex: bytes.toString('hex') }
}

/** The last lines, each as much of it as somebody reads: a guest may print megabytes without a line feed. */
const readSerialTail = async (directory: string): Promise<readonly string[]> =>
  (await readTail(join(directory, SERIAL_LOG), SERIAL_TAIL))
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .slice(-SERIAL_LINES)
    .map((line) => cut(line, SERIAL_LINE))

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
