import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { ownPath } from '../guest/own-files.ts'

const TOOLS = ownPath('packaging/node_modules/electron-builder')
const PACKING_MS = 600_000
const HAS_TOOLS = existsSync(TOOLS)

/** `npm run package` around the stand-in: that the .deb is whole and what it installs works, not that Electron does. */
describe('the package, around the Electron stand-in', () => {
  let directory = ''
  let installed = ''
  beforeEach((context) => context.skip(!HAS_TOOLS, 'the packaging tools are not here; npm run package fetches them'))
  beforeAll(() => {
    if (!HAS_TOOLS) return
    directory = mkdtempSync(join(tmpdir(), 'kho-lab-packaged-'))
    execFileSync('npm', ['run', '-s', 'package', '--', '--stand-in'], { cwd: ownPath(), stdio: 'ignore' })
    const dist = ownPath('dist/packaging-test')
    const [deb = ''] = readdirSync(dist).filter((name) => name.endsWith('.deb'))
    execFileSync('dpkg-deb', ['-x', join(dist, deb), directory])
    installed = join(directory, 'usr/lib/kho-lab')
  }, PACKING_MS)
  afterAll(() => {
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  const kholab = (...args: readonly string[]): string =>
    execFileSync(join(directory, 'usr/bin/kho-lab'), args, {
      cwd: '/',
      encoding: 'utf8',
      env: { ...process.env, PATH: '/usr/bin:/bin' },
    })

  it('has a command that needs no Node of the machine and finds what comes with it', () => {
    expect(kholab('--version').trim()).toBe(manifest.version)
    const file = join(installed, 'resources/experiments/hello.yaml')
    expect(JSON.parse(kholab('predict', file, '--json'))).toMatchObject({ document: 'kho-lab/prediction' })
    expect(kholab('--help')).toContain('attach')
  })

  it('opens its window when it is called alone', async () => {
    const env = {
      ...(process.env as Record<string, string>),
      XDG_CONFIG_HOME: directory,
      XDG_DATA_HOME: directory,
      XDG_RUNTIME_DIR: directory,
    }
    const app = await _electron.launch({ executablePath: join(installed, 'kho-lab-app'), args: [], env, timeout: 60_000 })
    onTestFinished(() => app.close())
    const page = await app.firstWindow()
    await page.getByRole('navigation').getByRole('link').first().waitFor()
    expect(await page.evaluate(() => window.lab?.invoke('lab:info', {}))).toMatchObject({
      host: 'electron',
      version: manifest.version,
    })
  })
})
