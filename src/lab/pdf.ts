import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findProgram } from '../guest/qemu/process.ts'
import { LabError } from '../shared/result.ts'

/** Makes a PDF of a page that needs nothing but itself. Each host has its own way. */
export type PrintHtml = (html: string) => Promise<Uint8Array>

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'] as const
const TIMEOUT_MS = 120_000
const WORDS_KEPT = 2000

/** The first Chromium in PATH, or undefined. */
export async function findChromium(path = process.env['PATH']): Promise<string | undefined> {
  for (const name of BROWSERS) {
    const found = await findProgram(name, path)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Prints through a Chromium of this machine, where there is no Electron to do it. Rejects with LabError tool-missing when
 * there is none, and internal with its last words when it made no PDF.
 */
export const printWithChromium: PrintHtml = async (html) => {
  const chromium = await findChromium()
  if (chromium === undefined)
    throw new LabError({
      code: 'tool-missing',
      message: 'a PDF is made by Chromium, and there is none on this machine',
      hint: 'On Debian: apt-get install chromium. Or write --format html and print that.',
    })
  const directory = await mkdtemp(join(tmpdir(), 'kho-lab-pdf-'))
  try {
    const [page, pdf] = [join(directory, 'report.html'), join(directory, 'report.pdf')]
    await writeFile(page, html)
    const words = await run(chromium, [
      ...OPTIONS,
      ...sandbox(),
      `--user-data-dir=${join(directory, 'profile')}`,
      `--print-to-pdf=${pdf}`,
      pathToFileURL(page).href,
    ])
    const bytes = await readFile(pdf).catch(() => undefined)
    if (bytes?.subarray(0, 5).toString('latin1') === '%PDF-') return bytes
    throw new LabError({ code: 'internal', message: `${chromium} made no PDF`, evidence: words.split('\n').slice(-5) })
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A report asks for nothing, and is given nothing. Scripts stay on: Chromium prints by one of its own. The page's policy forbids them. */
const OPTIONS = [
  '--headless',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-pdf-header-footer',
  '--host-resolver-rules=MAP * ~NOTFOUND',
]

/** Chromium refuses to run as root with its sandbox. What it prints is the lab's own page, with every guest string escaped. */
const sandbox = (): string[] => (process.getuid?.() === 0 ? ['--no-sandbox'] : [])

function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString('utf8')}`.slice(-WORDS_KEPT)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(words))
  })
}
