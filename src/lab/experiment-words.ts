import { z } from 'zod'
import { ExperimentFile } from '../shared/documents/index.ts'

type Path = readonly (string | number)[]

/** One thing that is wrong in an experiment, before it is known where in the text it stands. */
export interface WordedIssue {
  readonly path: Path
  /** True when the position meant is that of the key itself, not of its value. */
  readonly atKey: boolean
  readonly message: string
}

/** The part of a JSON Schema that is walked here: which keys may stand where. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

const schemaSource = z.object({ $defs: z.record(z.string(), z.unknown()) })

/** Which keys a document may have where. */
export function keysOf(form: z.ZodType): SchemaNode {
  const schema: unknown = z.toJSONSchema(form, { io: 'input' })
  const parsed = schemaSource.safeParse(schema)
  const root = parsed.success ? Object.values(parsed.data.$defs)[0] : schema
  return isSchemaNode(root) ? root : {}
}

const isSchemaNode = (value: unknown): value is SchemaNode => typeof value === 'object' && value !== null

/** Keys that may stand at `path` of a file, an experiment unless said otherwise, in the schema's order. */
export function validKeys(path: Path, form: SchemaNode = keysOf(ExperimentFile)): readonly string[] {
  let nodes: readonly SchemaNode[] = [form]
  for (const step of path) {
    nodes = nodes.flatMap(alternatives).flatMap((node) => {
      const next = typeof step === 'number' ? node.items : node.properties?.[step]
      return next === undefined ? [] : [next]
    })
  }
  return [...new Set(nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {})))]
}

const alternatives = (node: SchemaNode): readonly SchemaNode[] => [node, ...(node.anyOf ?? []).flatMap(alternatives)]

/** Where `key` is valid, as dotted paths: a key written at the wrong depth is the commonest slip. */
function placesOfKey(key: string, form: SchemaNode): readonly string[] {
  const places: string[] = []
  const visit = (node: SchemaNode, path: string): void => {
    for (const alternative of alternatives(node)) {
      for (const [name, child] of Object.entries(alternative.properties ?? {})) {
        const here = path === '' ? name : `${path}.${name}`
        if (name === key && !places.includes(here)) places.push(here)
        visit(child, here)
      }
      if (alternative.items !== undefined) visit(alternative.items, `${path}[]`)
    }
  }
  visit(form, '')
  return places
}

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_unused, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1)
      row.push(best)
    }
  }
  return at(a.length, b.length)
}

/** The word of `candidates` that `word` was probably meant to be. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined
  const lower = word.toLowerCase()
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined
}

function unknownKey(path: Path, key: string, form: SchemaNode): WordedIssue {
  const keys = validKeys(path, form)
  const meant = nearest(key, keys)
  const elsewhere = placesOfKey(key, form)
  const where = path.length === 0 ? 'at the top' : `in ${pathText(path)}`
  const hint =
    meant !== undefined ? `did you mean ${meant}? ` : elsewhere.length > 0 ? `${key} belongs at ${elsewhere.join(' or ')}; ` : ''
  return { path: [...path, key], atKey: true, message: `unknown key ${key}: ${hint}valid keys ${where}: ${keys.join(', ')}` }
}

/** machine.nodes[1].memory */
export const pathText = (path: Path): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  )

const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'object':
      return 'a group of keys'
    case 'string':
      return `the text ${shown(value)}`
    default:
      return shown(value)
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a group of keys',
  array: 'a list',
}

function wrongType(path: Path, expected: string, value: unknown): string {
  if (value === undefined) return `${pathText(path) || 'the document'} is required`
  const words = EXPECTED[expected] ?? expected
  const quote =
    expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')
      ? `; write it in quotes: "${String(value)}"`
      : ''
  return `expected ${words}, found ${kindOf(value)}${quote}`
}

/** Zod's issues in the words of the file. `root` is the value that was checked, `form` its schema's keys. */
export function wordIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  form: SchemaNode,
  base: Path = [],
): readonly WordedIssue[] {
  const limited = issues
    .filter((issue) => issue.code === 'too_big' && issue.origin === 'array')
    .map((issue) => pathText(steps(issue.path)))
  return issues
    .filter((issue) => !limited.some((prefix) => pathText(steps(issue.path)).startsWith(`${prefix}[`)))
    .flatMap((issue) => wordIssue(issue, root, form, base))
}

const steps = (path: readonly PropertyKey[]): Path => path.map((step) => (typeof step === 'symbol' ? String(step) : step))

function wordIssue(issue: z.core.$ZodIssue, root: unknown, form: SchemaNode, base: Path): readonly WordedIssue[] {
  const path = [...base, ...steps(issue.path)]
  const value = valueAt(root, path)
  const say = (message: string): readonly WordedIssue[] => [{ path, atKey: false, message }]
  switch (issue.code) {
    case 'invalid_type':
      return say(wrongType(path, issue.expected, value))
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, form))
    case 'invalid_value': {
      const values = issue.values.map((each) => (typeof each === 'string' ? each : String(each)))
      const meant = typeof value === 'string' ? nearest(value, values) : undefined
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      return say(`expected one of ${values.join(', ')}, found ${kindOf(value)}${hint}`)
    }
    case 'invalid_union':
      return wordUnion(issue, root, form, path)
    case 'too_big':
      return say(
        isOwnWords(issue.message) ? issue.message : `${shown(value)} is too much: at most ${issue.maximum}${unit(issue.origin)}`,
      )
    case 'too_small':
      return say(
        isOwnWords(issue.message)
          ? issue.message
          : `${shown(value)} is too little: ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`,
      )
    default:
      return say(issue.message)
  }
}

/** Zod's own messages of too_big and too_small begin so; anything else was written in the schema. */
const isOwnWords = (message: string): boolean => !/^Too (big|small)/.test(message)
const unit = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '')

/** Of a union's failed branches, the one whose outer type fitted says what is wrong; none: what types there could be. */
function wordUnion(issue: z.core.$ZodIssueInvalidUnion, root: unknown, form: SchemaNode, path: Path): readonly WordedIssue[] {
  const fitting = issue.errors.find((branch) => !branch.some((each) => each.code === 'invalid_type' && each.path.length === 0))
  if (fitting !== undefined) return wordIssues(fitting, root, form, path)
  const expected = issue.errors.flatMap((branch) =>
    branch.flatMap((each) => (each.code === 'invalid_type' ? [EXPECTED[each.expected] ?? each.expected] : [])),
  )
  const value = valueAt(root, path)
  if (value === undefined) return [{ path, atKey: false, message: `${pathText(path)} is required` }]
  return [{ path, atKey: false, message: `expected ${[...new Set(expected)].join(' or ')}, found ${kindOf(value)}` }]
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}
