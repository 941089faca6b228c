import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const START = join(import.meta.dirname, 'start.mjs')

/** `npm start` in this checkout, which has been set up, with data of its own; ended when the test is. */
async function start(args: readonly string[], until: RegExp): Promise<{ text: string; code: unknown }> {
  const home = await mkdtemp(join(tmpdir(), 'kho-lab-start-'))
  const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...env } = process.env
  const child = spawn('node', [START, ...args], {
    env: { ...env, XDG_DATA_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const closed = once(child, 'close')
  const endGroup = (): void => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
  }
  onTestFinished(async () => {
    endGroup()
    await closed
    await rm(home, { recursive: true, force: true })
  })
  let text = ''
  await new Promise<void>((resolve) => {
    const collect = (chunk: Buffer): void => {
      text += chunk.toString()
      if (until.test(text)) resolve()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('close', resolve)
  })
  endGroup()
  const [code] = (await closed) as [unknown]
  return { text, code }
}

it('opens the lab for a browser where there is no display, until Ctrl-C', async () => {
  const { text, code } = await start([], /token=/)
  expect(text).toMatch(/No window \(there is no display\).*\n(.*\n)*.*http:\/\/127\.0\.0\.1:\d+\/\?token=/)
  expect(code).toBe(0)
})

it('names an option that it does not know', () => {
  const { status, stderr } = spawnSync('node', [START, '--headles'], { encoding: 'utf8' })
  expect([status, stderr.trim().split('\n')[0]]).toEqual([64, 'npm start: unknown option --headles'])
})
