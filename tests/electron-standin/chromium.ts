import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Cdp } from './cdp.ts'

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--no-startup-window',
  '--remote-debugging-port=0',
  // Pages of a file: origin may load their own modules, as Electron lets them.
  '--allow-file-access-from-files',
]
const START_MS = 20_000

/** Starts Chromium with a profile of its own, which goes with this process. */
export async function startChromium(): Promise<Cdp> {
  const profile = mkdtempSync(path.join(tmpdir(), 'electron-standin-'))
  const chromium = spawn(process.env['STANDIN_CHROMIUM'] ?? '/usr/bin/chromium', [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  process.on('exit', () => {
    chromium.kill('SIGKILL')
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`Chromium said nothing for ${START_MS} ms: ${output}`)), START_MS)
    chromium.stderr.setEncoding('utf8')
    chromium.stderr.on('data', (text: string) => {
      output = (output + text).slice(-20_000)
      const match = /DevTools listening on (ws:\S+)/.exec(output)
      if (!match?.[1]) return
      clearTimeout(timer)
      resolve(match[1])
    })
    chromium.on('error', reject)
    chromium.on('exit', (code) => reject(new Error(`Chromium ended with ${code}: ${output}`)))
  })
  chromium.on('exit', () => process.exit(1))
  // Electron prints this line; debuggers look for it.
  process.stderr.write(`DevTools listening on ${url}\n`)
  return Cdp.connect(url)
}
