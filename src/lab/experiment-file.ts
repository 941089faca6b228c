import { isCollection, isPair, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { z } from 'zod'
import { completeExperiment, ExperimentFile, type Experiment, type ExperimentIssue } from '../shared/documents/index.ts'
import { err, LabError, messageOf, ok, type LabErrorCode, type Result } from '../shared/result.ts'
import { keysOf, pathText, wordIssues, type WordedIssue } from './experiment-words.ts'

/** One thing wrong with an experiment file and where it stands. Lines and columns count from 1. */
export interface ExperimentFileIssue {
  readonly line: number
  readonly column: number
  readonly message: string
  /** Keys from the root as `machine.nodes[1].memory`; empty for the file as a whole. */
  readonly path: string
}

export interface ExperimentFileProblem {
  readonly fileName: string
  /** At least one, in the order of the text. */
  readonly issues: readonly ExperimentFileIssue[]
}

/** An experiment is a page of text; more than this is a mistake or an attack. */
export const EXPERIMENT_TEXT_LIMIT = 1_000_000
/** Aliases multiply: a few lines of them can ask for gigabytes. */
const ALIAS_LIMIT = 100
/** One slip can cause hundreds of complaints; the first few say it. */
const ISSUE_LIMIT = 20

/** What a file of one kind is: its schema, what to call it, and the check of what the schema alone cannot say. */
export interface FileForm<Parsed, Whole> {
  readonly noun: string
  readonly schema: z.ZodType<Parsed>
  readonly complete: (parsed: Parsed) => { readonly value?: Whole | undefined; readonly issues: readonly ExperimentIssue[] }
}

const EXPERIMENT: FileForm<z.output<typeof ExperimentFile>, Experiment> = {
  noun: 'an experiment',
  schema: ExperimentFile,
  complete: (parsed) => {
    const { experiment, issues } = completeExperiment(parsed)
    return { value: experiment, issues }
  },
}

/**
 * Reads an experiment written in YAML 1.2 (so also JSON). `fileName` is only used in messages.
 * Never throws: text of any kind gives an experiment or issues that say line, column and key.
 */
export const parseExperimentYaml = (text: string, fileName: string): Result<Experiment, ExperimentFileProblem> =>
  parseYamlFile(text, fileName, EXPERIMENT)

/** As {@link parseExperimentYaml}, for any kind of file. */
export function parseYamlFile<Parsed, Whole>(
  text: string,
  fileName: string,
  form: FileForm<Parsed, Whole>,
): Result<Whole, ExperimentFileProblem> {
  const fail = (issues: readonly ExperimentFileIssue[]): Result<Whole, ExperimentFileProblem> =>
    err({ fileName, issues: [...issues].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, ISSUE_LIMIT) })
  const whole = (message: string): ExperimentFileIssue => ({ line: 1, column: 1, message, path: '' })

  if (text.length > EXPERIMENT_TEXT_LIMIT) return fail([whole(`${text.length} characters are too many for ${form.noun}`)])
  const lines = new LineCounter()
  const read = readYaml(text, lines)
  if (!read.ok) return fail([whole(read.error)])
  const { document, value } = read.value
  if (document.errors.length > 0) {
    return fail(
      document.errors.map((error) => ({ ...placeOf(lines, error.pos[0]), message: yamlWords(error, form.noun), path: '' })),
    )
  }
  if (value === undefined) return fail([whole(`the file is empty; ${form.noun} needs at least a name`)])

  const place = (issue: WordedIssue): ExperimentFileIssue => ({
    ...placeOf(lines, offsetOf(document, issue.path, issue.atKey)),
    message: issue.message,
    path: pathText(issue.path),
  })
  const parsed = form.schema.safeParse(value)
  if (!parsed.success) return fail(wordIssues(parsed.error.issues, value, keysOf(form.schema)).map(place))
  const { value: complete, issues } = form.complete(parsed.data)
  if (complete === undefined) return fail(issues.map((issue) => place({ ...issue, atKey: false })))
  return ok(complete)
}

/** The same answer as an error for people: one sentence, and every issue as evidence. */
export const experimentError = (problem: ExperimentFileProblem): LabError =>
  fileError(
    problem,
    'bad-experiment',
    'Correct the file; schemas/experiment.json lists every key, and experiments/ has examples.',
  )

export function fileError(problem: ExperimentFileProblem, code: LabErrorCode, hint: string): LabError {
  const [first, ...more] = problem.issues.map((issue) => issueText(problem.fileName, issue))
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`
  return new LabError({
    code,
    message: `${first ?? problem.fileName}${rest}`,
    hint,
    evidence: more,
  })
}

/** `file:line:column: path: message`, as compilers print it, so that editors can jump there. */
export function issueText(fileName: string, issue: ExperimentFileIssue): string {
  const path = issue.path === '' || issue.message.startsWith(issue.path) ? '' : `${issue.path}: `
  return `${fileName}:${issue.line}:${issue.column}: ${path}${issue.message}`
}

function readYaml(text: string, lineCounter: LineCounter): Result<{ document: Document.Parsed; value: unknown }> {
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, logLevel: 'error' })
    if (document.errors.length > 0) return ok({ document, value: undefined })
    const value: unknown = document.contents === null ? undefined : document.toJS({ maxAliasCount: ALIAS_LIMIT })
    return ok({ document, value })
  } catch (error) {
    // Unknown aliases, too many of them, or nesting deeper than the parser's stack.
    return err(`cannot read the YAML: ${messageOf(error)}`)
  }
}

const yamlWords = (error: { readonly code: string; readonly message: string }, noun: string): string =>
  error.code === 'MULTIPLE_DOCS'
    ? `a second document begins here; a file holds ${noun.replace('an ', 'one ').replace('a ', 'one ')}`
    : error.message

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** Where `path` stands in the text; a key that is absent stands where the nearest thing around it begins. */
function offsetOf(document: Document.Parsed, path: WordedIssue['path'], atKey: boolean): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [index, step] of path.entries()) {
    if (!isCollection(node)) return offset
    const last = index === path.length - 1
    const entry = node.items.find((item, position) => (isPair(item) ? keyText(item.key) === String(step) : position === step))
    if (entry === undefined) return offset
    const key = isPair(entry) ? startOf(entry.key) : undefined
    node = isPair(entry) ? entry.value : entry
    offset = (last && atKey ? key : startOf(node)) ?? key ?? offset
  }
  return offset
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key))
const startOf = (node: unknown): number | undefined => (isNodeWithRange(node) ? node.range?.[0] : undefined)
const isNodeWithRange = (node: unknown): node is Node => typeof node === 'object' && node !== null && 'range' in node
