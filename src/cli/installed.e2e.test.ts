import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import manifest from '../../package.json' with { type: 'json' }
import { ownPath } from '../guest/own-files.ts'

const PACKED_MS = 120_000
const Served = z.object({ url: z.url() })

/** The package as `npm install` would lay it out: what `npm pack` takes, and its dependencies. */
let directory = ''
let installed = ''
let program = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kho-lab-installed-'))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: ownPath(), stdio: 'ignore' })
  const [archive = ''] = readdirSync(directory)
  execFileSync('tar', ['-C', directory, '-xzf', join(directory, archive)])
  installed = join(directory, 'package')
  symlinkSync(ownPath('node_modules'), join(installed, 'node_modules'))
  program = join(installed, manifest.bin['kho-lab'])
}, PACKED_MS)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const kholab = (...args: readonly string[]): string => execFileSync(process.execPath, [program, ...args], { encoding: 'utf8' })

it('holds what it needs and no sources', () => {
  expect(readdirSync(installed).sort()).toEqual([
    'LICENSE',
    'README.md',
    'experiments',
    'node_modules',
    'out',
    'package.json',
    'qemu-images',
    'schemas',
    'studies',
  ])
})

it('finds its own experiments and image sources, and predicts', () => {
  expect(kholab('--version').trim()).toBe(manifest.version)
  const prediction: unknown = JSON.parse(kholab('predict', join(installed, 'experiments/hello.yaml'), '--json'))
  expect(prediction).toMatchObject({ document: 'kho-lab/prediction' })
})

it('serves its own page with its own experiments', async () => {
  const child = spawn(process.execPath, [program, 'serve', '--json'], {
    env: { ...process.env, XDG_DATA_HOME: directory },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGTERM'))
  const { url } = Served.parse(JSON.parse(await firstLine(child.stdout)))
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.goto(url)
  const names = page.getByRole('navigation', { name: 'Experiments and runs' })
  await names.getByRole('link', { name: 'three hops' }).waitFor()
})

async function firstLine(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += chunk.toString()
    if (text.includes('\n')) break
  }
  return text
}
