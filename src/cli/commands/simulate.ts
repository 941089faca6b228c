import { dirname, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { POLICY_IDS, PolicyId, type StudyMap } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { MAP_CELLS } from '../../shared/study-contract.ts'
import { cutShortWords } from '../../shared/study-summary.ts'
import { newCommand, type Cli } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { interruptible } from '../interrupt.ts'
import { progressLine } from '../progress-line.ts'

const MORE = `
Runs ways of making sure that a kernel can always boot the next one on a model of pages, over generations of kexecs: no
guest is started. FILE is a study: machine, boot, workload, and what is varied; studies/ has some, schemas/study.json lists
every key. The same study and seeds give the same numbers. docs/policies.md says what each policy is, docs/policy-study.md
what the studies that come with the lab answer.

Policies: ${POLICY_IDS.join(', ')}

Ctrl-C ends the study at once. What was done until then is printed, and written as a report, as if it had been all; simulations
cut short are named, count in no summary, and have their generations in --json and --csv.

Exit code: 0 the study was run, whatever the policies did; 2 cancelled, or a rule of the model broke; 64 wrong usage or study.

Examples:
  kho-lab simulate studies/linear-space.yaml --html study.html
  kho-lab simulate studies/growth.yaml --policies scratch,to-kho --csv > r.csv
`

interface SimulateOptions {
  readonly policies?: PolicyId[]
  readonly generations?: number
  readonly seeds?: number
  readonly seed?: number
  readonly workers?: number
  readonly check?: boolean
  readonly csv?: boolean
  readonly html?: string
}

export const simulateCommand = (cli: Cli): Command =>
  newCommand('simulate', 'Compare designs of handing pages over, on a model', MORE)
    .argument('<FILE>', 'study in YAML')
    .option('--policies <LIST>', 'all, or names with commas between them, instead of what the study says', parsePolicies)
    .option('--generations <N>', 'kernels one after the other', parseCount)
    .option('--seeds <K>', 'seeds 1 to K', parseCount)
    .option('--seed <SEED>', 'this seed alone', parseCount)
    .option('--workers <N>', 'threads; as many as there are processors unless said otherwise', parseCount)
    .option('--check', 'check every invariant of the model after each step; slow')
    .option('--csv', 'one line per policy, seed and generation on stdout')
    .option('--html <FILE>', 'also write a report with charts, one self-contained file')
    .action((file: string, options: SimulateOptions) => simulate(cli, file, options))

async function simulate(cli: Cli, file: string, options: SimulateOptions): Promise<void> {
  const { terminal } = cli
  if (cli.json && options.csv === true)
    throw new LabError({ code: 'usage', message: '--json and --csv both want stdout', hint: 'Give one of them.' })
  const [{ adjustStudy, loadStudy, withStart }, { runStudy }, { studyCsv, studyTable }] = await Promise.all([
    import('../../lab/simulate/study-file.ts'),
    import('../../lab/simulate/run-study.ts'),
    import('../../lab/simulate/tables.ts'),
  ])
  const { policies, generations, seeds } = options
  const read = await loadStudy(file)
  const adjusted = adjustStudy(read, {
    ...(policies && { policies }),
    ...(generations && { generations }),
    ...(seeds && { seeds }),
  })
  const { study, observed } = await withStart(adjusted, (run) => resolve(dirname(file), run))
  const progress = progressLine(terminal)
  const { workers, seed, check } = options
  const maps: StudyMap[] = []
  const onGeneration = ({ map }: { readonly map?: StudyMap | undefined }): void => {
    if (map !== undefined) maps.push(map)
  }
  const mapCells = options.html === undefined ? undefined : MAP_CELLS
  const result = await interruptible(terminal, (signal) =>
    runStudy({ study, signal, onProgress: progress.update, onGeneration, mapCells, workers, seed, check, file, observed }),
  ).finally(progress.clear)
  if (options.html !== undefined) {
    const { writeStudyReport } = await import('../../lab/simulate/report.ts')
    await writeStudyReport(options.html, { study, result, command: commandOf(file, options), maps })
  }
  const cut = cutShortWords(result)
  if (cut !== undefined) {
    terminal.err(`cancelled: ${cut}; the others are complete\n`)
    cli.exitCode = EXIT.incomplete
  }
  terminal.out(cli.json ? `${JSON.stringify(result)}\n` : options.csv === true ? studyCsv(result) : studyTable(result))
}

const commandOf = (file: string, { policies, generations, seeds, seed }: SimulateOptions): string =>
  [
    `kho-lab simulate ${file}`,
    policies && `--policies ${policies.join(',')}`,
    generations && `--generations ${generations}`,
    seeds && `--seeds ${seeds}`,
    seed && `--seed ${seed}`,
  ]
    .filter(Boolean)
    .join(' ')

function parsePolicies(text: string): PolicyId[] {
  if (text === 'all') return [...POLICY_IDS]
  return text.split(',').map((name) => {
    const parsed = PolicyId.safeParse(name)
    if (!parsed.success) throw new InvalidArgumentError(`there is no policy ${name}; there are ${POLICY_IDS.join(', ')}`)
    return parsed.data
  })
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1')
  return Number(text)
}
