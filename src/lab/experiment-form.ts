import { isCollection, isMap, isNode, isScalar, parseDocument, stringify, type Document } from 'yaml'
import type { ExperimentForm } from '../shared/contract.ts'
import { FORM_FIELDS } from '../shared/experiment-form.ts'
import { LabError, messageOf } from '../shared/result.ts'
import { parseExperimentYaml } from './experiment-file.ts'

const FLOW = { collectionStyle: 'flow', lineWidth: 0 } as const

/** The text as the form shows it: what each field says, and every issue with its place. Never throws for a text of any kind. */
export function formOf(yaml: string): ExperimentForm {
  const parsed = parseExperimentYaml(yaml, 'experiment.yaml')
  const issues = parsed.ok ? [] : parsed.error.issues.map((issue) => ({ ...issue }))
  const document = read(yaml)
  if (document === undefined) return { readable: false, values: {}, issues }
  const values: Record<string, string> = {}
  for (const { path } of FORM_FIELDS) {
    const text = valueText(document, path.split('.'))
    if (text !== undefined) values[path] = text
  }
  return { readable: true, values, issues }
}

/**
 * Sets one field in the text, or takes it out when `value` is empty; everything else, comments too, stays as it is.
 * Throws LabError bad-experiment when the text, or the value of a list, is no YAML.
 */
export function editForm(yaml: string, path: string, value: string): string {
  const field = FORM_FIELDS.find((known) => known.path === path)
  if (field === undefined) throw new LabError({ code: 'refused', message: 'the form has no such field', evidence: [path] })
  const document = read(yaml)
  if (document === undefined)
    throw new LabError({
      code: 'bad-experiment',
      message: 'the form cannot edit a text that is no YAML mapping',
      hint: 'Correct the YAML first; its lines with an error are marked.',
    })
  const keys = path.split('.')
  if (value.trim() === '') {
    document.deleteIn(keys)
    dropEmpty(document, keys.slice(0, -1))
    return document.toString(FORMAT)
  }
  const plain = field.kind === 'text' || field.kind === 'choice' ? value : yamlValue(value)
  return splice(yaml, document, keys, stringify(plain, FLOW).trim()) ?? added(document, keys, plain)
}

const FORMAT = { lineWidth: 0 } as const

function added(document: Document, keys: readonly string[], value: unknown): string {
  document.setIn(keys, document.createNode(value, { flow: true }))
  return document.toString(FORMAT)
}

/** Puts the new value where the old one stands, or a new key below the last, so that not a character beside it changes. */
function splice(yaml: string, document: Document, keys: readonly string[], text: string): string | undefined {
  if (text.includes('\n')) return undefined
  const node = document.getIn(keys, true)
  const inLine = isScalar(node) ? node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED' : isCollection(node) && node.flow
  if (inLine === true && isNode(node) && node.range && node.anchor === undefined && node.tag === undefined)
    return yaml.slice(0, node.range[0]) + text + yaml.slice(node.range[1])
  if (node !== undefined || keys.length > 1 || !isMap(document.contents) || document.contents.flow === true) return undefined
  return `${yaml === '' || yaml.endsWith('\n') ? yaml : `${yaml}\n`}${keys.join('.')}: ${text}\n`
}

/** A mapping that an edit left empty goes with its last key. */
function dropEmpty(document: Document, keys: readonly string[]): void {
  if (keys.length === 0) return
  const node = document.getIn(keys, true)
  if (isCollection(node) && node.items.length === 0) document.deleteIn(keys)
}

function read(yaml: string): Document | undefined {
  const document = parseDocument(yaml === '' ? '{}\n' : yaml)
  return document.errors.length === 0 && isMap(document.contents) ? document : undefined
}

function valueText(document: Document, keys: readonly string[]): string | undefined {
  const node = document.getIn(keys, true)
  if (isScalar(node)) return scalarText(node.value)
  if (!isCollection(node)) return undefined
  try {
    return stringify(node.toJS(document, { maxAliasCount: 100 }), FLOW).trim()
  } catch (error) {
    // Aliases that multiply: the schema's reader says so in its own issue.
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}

function scalarText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined
}

function yamlValue(text: string): unknown {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error === undefined) {
    try {
      return document.toJS({ maxAliasCount: 100 })
    } catch (thrown) {
      throw notYaml(messageOf(thrown))
    }
  }
  throw notYaml(error.message.split('\n')[0] ?? '')
}

const notYaml = (why: string): LabError =>
  new LabError({
    code: 'bad-experiment',
    message: `this is no YAML: ${why}`,
    hint: 'Write it on one line, as the example beside it.',
  })
