import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { LabError, messageOf } from '../shared/result.ts'

/** The version of every document that this lab reads and writes. */
const KNOWN_VERSION = 1

/**
 * The document that `text` holds. Throws LabError bad-document, which names `file` and says what is wrong with it; a document
 * of a later lab is said to be one.
 */
export function parseDocument<T extends z.ZodType>(file: string, text: string, schema: T): z.output<T> {
  const value = parseJson(file, text)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const version = laterVersion(value)
  if (version !== undefined)
    throw new LabError({
      code: 'bad-document',
      message: `${file} was written by a newer kho-lab: its version is ${version}, this lab reads version ${KNOWN_VERSION}`,
      hint: 'Install the newer kho-lab. The file is left as it is.',
    })
  throw new LabError({
    code: 'bad-document',
    message: `${file} is not the document it should be`,
    hint: 'It may be damaged, or not come from the lab. Take the run from a backup, or run the experiment again.',
    evidence: parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.map(String).join('.') || 'document'}: ${issue.message}`),
  })
}

/** The document in a file, or undefined when there is no such file. */
export async function readDocumentIfThere<T extends z.ZodType>(file: string, schema: T): Promise<z.output<T> | undefined> {
  try {
    return parseDocument(file, await readFile(file, 'utf8'), schema)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new LabError({ code: 'bad-document', message: `${file} is no JSON: ${messageOf(error)}` }, { cause: error })
  }
}

function laterVersion(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('document' in value) || !('version' in value)) return undefined
  const { document, version } = value
  const ours = typeof document === 'string' && document.startsWith('kho-lab/')
  return ours && typeof version === 'number' && version > KNOWN_VERSION ? version : undefined
}
