import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasProgram, ROOT, run, runLab, say, stop } from './lib/process.mjs'
import { ensureAppBuilt, ensureHostPackages, ensureImages, ensureNpmPackages } from './lib/setup.mjs'

const HELP = `npm start [-- --headless | --browser]

Sets up what is missing, builds the guest image the first time, and opens the lab. The first time it runs
experiments/hello.yaml by itself.

  --headless  no window: run experiments/hello.yaml in this terminal and end with its verdict
  --browser   open the lab in a browser even where Electron could be had
`

const ELECTRON_BINARY = join(ROOT, 'node_modules/electron/dist/electron')
/** Fetching Electron's binary is a convenience; the browser serves as well. */
const ELECTRON_MINUTES = 2
const DAY_MINUTES = 24 * 60

const args = process.argv.slice(2)
const unknown = args.find((arg) => !['--headless', '--browser', '--help', '-h'].includes(arg))
if (unknown !== undefined) stop(`npm start: unknown option ${unknown}\n\n${HELP}`, 64)
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP)
  process.exit(0)
}

await ensureNpmPackages()
await ensureHostPackages(['run'])
await ensureImages()
if (args.includes('--headless')) process.exit((await runLab(['run', join(ROOT, 'experiments/hello.yaml')], { minutes: 30 })).code)
await ensureAppBuilt()
const inWindow = !args.includes('--browser') && (await ensureElectron())
process.exit(inWindow ? await openWindow() : await openBrowser())

/** True when Electron's binary is there, after trying to fetch it if a window could be shown at all. */
async function ensureElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (override !== undefined) return existsSync(join(override, 'electron'))
  const why = noWindow()
  if (why !== undefined) {
    say(`No window (${why}); opening the lab for a browser instead.`)
    return false
  }
  if (existsSync(ELECTRON_BINARY)) return true
  say('Fetching the Electron binary (by hand: npx install-electron)')
  const { code } = await run(['install-electron'], { minutes: ELECTRON_MINUTES, stdout: 'ignore', quiet: true })
  if (code === 0 && existsSync(ELECTRON_BINARY)) return true
  say('The Electron binary cannot be had here; opening the lab for a browser instead.')
  return false
}

function noWindow() {
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'there is no display'
  if (process.getuid?.() === 0) return 'Chromium keeps its sandbox only when it does not run as root'
  return undefined
}

async function openWindow() {
  return (await run(['electron', '.'], { minutes: DAY_MINUTES })).code
}

/** `serve` prints the address; with a display it opens there. */
async function openBrowser() {
  const display = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
  return (await runLab(['serve', ...(display && hasProgram('xdg-open') ? ['--open'] : [])], { minutes: DAY_MINUTES })).code
}
