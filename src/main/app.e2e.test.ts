import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findImage, listImages } from '../guest/image/image.ts'

/**
 * The built app, driven from launch to exported report. Takes the real Electron binary where there is one
 * (ELECTRON_EXEC_PATH, or what `npx install-electron` unpacked), else the stand-in of tests/electron-standin, and says which.
 */
const ROOT = join(import.meta.dirname, '../..')
const UNPACKED = join(ROOT, 'node_modules/electron/dist/electron')
const STANDIN = join(ROOT, 'tests/electron-standin/electron')
/** For whoever wants to look; kept by CI, not in git. */
const PICTURES = join(ROOT, 'artifacts/app')
const EXECUTABLE = process.env['ELECTRON_EXEC_PATH'] ?? (existsSync(UNPACKED) ? UNPACKED : STANDIN)
const released = await findImage({})
const others = await listImages()
// A bzImage that was used as it is is ready at once; that of an older build of a release must be taken in first.
const image = released ?? others.find(({ manifest }) => manifest.release === 'custom') ?? others[0]
console.log(
  EXECUTABLE === STANDIN
    ? `Electron: the stand-in (${STANDIN}); the real binary is not here`
    : `Electron: the real binary, ${EXECUTABLE}`,
)
if (!released)
  console.log(
    `No guest image of the lab's own release is in the cache${image ? '' : ', and no other'}: tests that need it are skipped. kho-lab image build makes one.`,
  )

/** Time for a boot, a kexec and observing both under TCG on a busy machine. */
const GUEST_MS = 150_000

let home: string
const apps: ElectronApplication[] = []

/** The app's own folders, so that nothing of the user's is touched and everything of the test can be found. */
const environment = (): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_RUNTIME_DIR: home,
})

async function launch(): Promise<{ app: ElectronApplication; page: Page }> {
  const env = environment()
  const app = await _electron.launch({ executablePath: EXECUTABLE, args: [ROOT], cwd: ROOT, env, timeout: 60_000 })
  apps.push(app)
  const page = await app.firstWindow()
  await page.getByRole('navigation').getByRole('link').first().waitFor()
  return { app, page }
}

/** Command lines of the guests of this test: QEMU with something below `home` in its arguments. */
async function ourGuests(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes('qemu') && line.includes(home))
}

/** With a run on record, even a broken one, it is not the first start, and nothing begins by itself. */
async function recordEarlierRun(): Promise<void> {
  await mkdir(join(home, 'data/kho-lab/runs/20260101-000000-earlier'), { recursive: true })
}

const renew = async (): Promise<void> => {
  home = await mkdtemp(join(tmpdir(), 'kho-lab-app-'))
}
const sweep = async (): Promise<void> => {
  for (const app of apps.splice(0)) await app.close().catch(() => undefined)
  await rm(home, { recursive: true, force: true })
}

describe('the window', () => {
  let app: ElectronApplication
  let page: Page
  beforeAll(async () => {
    await renew()
    await recordEarlierRun()
    ;({ app, page } = await launch())
  })
  afterAll(sweep)

  it('says under what it runs', async () => {
    const [name, version] = await app.evaluate(({ app: main }) => [main.getName(), process.versions['electron']] as const)
    expect([name.includes('stand-in'), version.includes('standin')]).toEqual(
      EXECUTABLE === STANDIN ? [true, true] : [false, false],
    )
    expect(await page.evaluate(() => window.lab?.invoke('lab:info', {}))).toMatchObject({ host: 'electron' })
  })

  it('gives its page the contract and nothing of Node or Electron', async () => {
    const seen = await page.evaluate(() => {
      const names = ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', '__standinSend']
      return {
        found: names.filter((name) => name in window),
        lab: Object.keys(window.lab ?? {}),
        frozen: Object.isFrozen(window.lab),
      }
    })
    expect(seen).toEqual({ found: [], lab: ['invoke', 'on'], frozen: true })
  })

  it.each([
    ['a channel that is not in the contract', 'shell:exec', {}],
    ['a name every object has', 'constructor', {}],
    ['a payload of another form', 'run:cancel', { id: '../../etc' }],
    ['a payload with more than was agreed', 'lab:info', { extra: 1 }],
    ['a text that is too long', 'run:start', { yaml: 'x'.repeat(1_000_001) }],
  ])('refuses %s, and the refusal arrives', async (_what, name, input) => {
    const answer = page.evaluate(
      ([channel, payload]) =>
        (window.lab?.invoke as (name: unknown, input: unknown) => Promise<unknown>)(channel, payload).then(
          () => 'answered',
          (error: unknown) => (error as { code?: string }).code,
        ),
      [name, input] as const,
    )
    expect(await answer).toBe('refused')
  })

  it('refuses an event that is not in the contract', async () => {
    expect(
      await page.evaluate(() => {
        try {
          ;(window.lab?.on as (name: string, listener: () => void) => void)('shell:exec', () => undefined)
          return 'listening'
        } catch (error) {
          return (error as { code?: string; message: string }).message
        }
      }),
    ).toContain('the lab has no such event')
  })

  it('stays on its page: no network, no other page, no window', async () => {
    const before = page.url()
    expect(
      await page.evaluate(() =>
        fetch('http://127.0.0.1:9/').then(
          () => 'fetched',
          () => 'refused',
        ),
      ),
    ).toBe('refused')
    await page.evaluate(() => {
      window.open('http://127.0.0.1:9/')
    })
    await page.evaluate(() => {
      location.href = 'http://127.0.0.1:9/elsewhere'
    })
    await page.waitForTimeout(500)
    expect(page.url()).toBe(before)
    // The stand-in closes a denied window after it appeared; Electron never makes it.
    await expect.poll(() => app.windows().length, { timeout: 10_000 }).toBe(1)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
    expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied')
  })

  it('is the only one: a second start ends and leaves the first', async () => {
    const env = environment()
    const second = spawn(EXECUTABLE, [...(EXECUTABLE === STANDIN ? [] : ['--no-sandbox']), ROOT], { env, stdio: 'ignore' })
    expect(await new Promise((resolve) => second.on('exit', resolve))).toBe(0)
    expect(await page.evaluate(() => window.lab?.invoke('lab:info', {}))).toMatchObject({ host: 'electron' })
  })
})

/** Saves the report as a user does: over one that is there already, and where there is no room. */
async function saveReport(page: Page, app: ElectronApplication): Promise<void> {
  const file = join(home, 'report.html')
  await writeFile(file, 'the one before')
  await app.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath })
  }, file)
  await page.getByRole('radio', { name: 'HTML' }).click()
  await page.getByRole('button', { name: 'Save as file' }).click()
  await expect.poll(() => readFile(file, 'utf8')).toMatch(/^<!doctype html>.*<\/html>\s*$/is)
  expect((await readdir(home)).filter((name) => name.startsWith('report.html'))).toEqual(['report.html'])

  await app.evaluate(({ dialog }) => {
    const told = globalThis as unknown as { boxes: string[] }
    told.boxes = []
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: '/dev/full' })
    dialog.showMessageBox = (...args: readonly unknown[]) => {
      told.boxes.push((args.at(-1) as { message: string }).message)
      return Promise.resolve({ response: 0, checkboxChecked: false })
    }
  })
  await page.getByRole('button', { name: 'Save as file' }).click()
  await expect
    .poll(() => app.evaluate(() => (globalThis as unknown as { boxes: string[] }).boxes))
    .toEqual(['cannot write /dev/full: no space is left on the device'])
}

/** Goes through what a run leaves: claims, findings, the report in its frame, every format. */
async function lookThrough(page: Page, app: ElectronApplication, name: string): Promise<void> {
  await page.locator('.verdict').waitFor({ timeout: GUEST_MS })
  await expect.poll(() => page.locator('table.phases tbody tr:not(.timeline)').count()).toBe(2)
  await expect.poll(() => page.locator('.console').innerText()).not.toBe('')
  await page.getByRole('link', { name: 'Claims', exact: true }).first().click()
  await page.getByRole('tab', { name: /Claims \d+/ }).waitFor()
  await page.getByRole('row').first().click()
  await expect.poll(() => page.locator('.detail header').innerText()).toMatch(/hop\d\./)
  await page.getByRole('tab', { name: /Findings \d+/ }).click()
  await page.getByRole('link', { name: 'Reports', exact: true }).click()
  await expect.poll(() => page.frameLocator('iframe').locator('body').innerText()).toContain(name)

  const { id, state, summary } = await page.evaluate(async () => {
    const [run] = (await window.lab?.invoke('run:list', {})) ?? []
    if (!run) throw new Error('there is no run')
    return run
  })
  expect([state, summary?.run]).toEqual(['done', expect.stringMatching(/^(agreed|disagreed|incomplete)$/)])
  await saveReport(page, app)
  for (const format of ['html', 'md', 'txt', 'ktap', 'json'] as const) {
    const report = await page.evaluate(([run, wanted]) => window.lab?.invoke('run:report', { id: run, format: wanted }), [
      id,
      format,
    ] as const)
    expect(report?.text.length).toBeGreaterThan(500)
  }
}

describe.skipIf(!released)('with a real guest, the first time', () => {
  afterEach(sweep)

  it('runs hello by itself to its verdict, its claims and its report', { timeout: 2 * GUEST_MS }, async () => {
    await renew()
    const { app, page } = await launch()
    await lookThrough(page, app, 'hello')
  })
})

describe.skipIf(!image)('with a real guest', () => {
  beforeEach(async () => {
    await renew()
    await recordEarlierRun()
  })
  afterEach(sweep)

  /** Picks an experiment, edits it (to use the kernel that there is, when that is none of the lab's own release), and starts it. */
  async function start(page: Page): Promise<void> {
    await page.getByRole('navigation').getByRole('link', { name: 'hello' }).click()
    const field = page.getByRole('textbox', { name: /Experiment file/ })
    const edit = released ? 'accelerator: tcg' : `kernel: { image: ${image?.kernel} }`
    await field.fill(`${await field.inputValue()}${edit}\n`)
    await page.getByText('edited', { exact: true }).waitFor()
    await page.getByRole('grid', { name: 'Predicted claims' }).waitFor({ timeout: 30_000 })
    await page.keyboard.press('Control+Enter')
  }

  it(
    'an experiment is picked, edited, predicted, and run to its verdict, its claims and its report',
    { timeout: 2 * GUEST_MS },
    async () => {
      const { app, page } = await launch()
      await start(page)
      await lookThrough(page, app, 'hello')
    },
  )

  /** The run that goes on, as the page has it; undefined when none does. */
  const going = (page: Page): Promise<string | undefined> =>
    page.evaluate(async () => (await window.lab?.invoke('run:list', {}))?.find(({ state }) => state === 'running')?.id)
  /** A shell that is typed into, and a guest that is paused and goes on: what QEMU and its vitals say of it. */
  async function actOn(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Open a shell' }).click()
    await page.getByRole('tab', { name: /^Shell / }).waitFor({ timeout: 60_000 })
    await page.getByRole('textbox', { name: /^Shell / }).focus()
    await page.keyboard.type('echo from-$((6 * 7))-guest\n')
    await expect.poll(() => page.locator('.console').innerText(), { timeout: 60_000 }).toContain('from-42-guest')
    await page.screenshot({ path: join(PICTURES, 'shell-in-a-guest.png') })
    await page.getByRole('button', { name: 'Pause the guest' }).click()
    await page.getByText('paused', { exact: true }).first().waitFor()
    await page.getByRole('tab', { name: /QEMU events/ }).click()
    await expect.poll(() => page.getByRole('list', { name: 'QEMU events' }).innerText()).toContain('STOP')
    await page.screenshot({ path: join(PICTURES, 'guest-paused.png') })
    await page.getByRole('button', { name: 'Resume the guest' }).click()
    await expect.poll(() => page.getByRole('list', { name: 'QEMU events' }).innerText()).toContain('RESUME')
  }
  const startAgain = (): void => void spawn(EXECUTABLE, [ROOT], { env: environment(), stdio: 'ignore' })

  it.skipIf(EXECUTABLE !== STANDIN)(
    'a run goes on when its page crashes, and when its window is closed and opened again; its end is told to the desktop',
    { timeout: 3 * GUEST_MS },
    async () => {
      const { app, page } = await launch()
      await page.getByRole('checkbox', { name: 'notify at the end' }).check()
      await page.getByRole('checkbox', { name: 'hold before each hop' }).check()
      await start(page)
      await page.getByText('held: ready for the next hop').waitFor({ timeout: GUEST_MS })
      const run = await going(page)
      const [guest] = await ourGuests()
      await actOn(page)

      // A page that crashes is loaded again; the driver of this test sees it no more, so the main process is asked.
      await app.evaluate(({ BrowserWindow }) => {
        const told = globalThis as unknown as { told: string[] }
        told.told = []
        const contents = BrowserWindow.getAllWindows()[0]?.webContents
        contents?.on('render-process-gone', (_event, { reason }) => told.told.push(reason))
        contents?.on('did-finish-load', () => told.told.push('loaded'))
      })
      const crash = await app.context().newCDPSession(page)
      void crash.send('Page.crash').catch(() => undefined)
      await expect
        .poll(() => app.evaluate(() => (globalThis as unknown as { told: string[] }).told), { timeout: 60_000 })
        .toEqual(['crashed', 'loaded'])
      expect(await ourGuests()).toEqual([guest])

      await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
      await expect.poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(0)
      expect(await ourGuests()).toEqual([guest])

      const opened = app.waitForEvent('window', { timeout: 60_000 })
      startAgain()
      const again = await opened
      await again.getByText('held: ready for the next hop').waitFor({ timeout: 60_000 })
      expect(await going(again)).toBe(run)
      await again.getByRole('button', { name: 'Hop', exact: true }).click()
      await again.getByText('held: all boots are observed').waitFor({ timeout: GUEST_MS })
      await again.getByRole('button', { name: 'End the run', exact: true }).click()
      await again.locator('.verdict').waitFor({ timeout: GUEST_MS })
      const shown = await app.evaluate((electron) =>
        (electron as unknown as { Notification: { shown: { title: string }[] } }).Notification.shown.map(({ title }) => title),
      )
      expect(shown).toEqual(expect.arrayContaining(['hello is held', 'kho-lab goes on', expect.stringMatching(/^hello: /)]))
    },
  )

  it('SIGTERM stops the guest and then the app', { timeout: 2 * GUEST_MS }, async () => {
    const { app, page } = await launch()
    await start(page)
    await page.getByText('first boot: waiting for').waitFor({ timeout: GUEST_MS })
    expect(await ourGuests()).not.toHaveLength(0)
    const ended = new Promise((resolve) => app.process().on('exit', resolve))
    app.process().kill('SIGTERM')
    await ended
    apps.length = 0
    expect(await ourGuests()).toEqual([])
    expect((await readdir(join(home, 'kho-lab'))).filter((name) => name.startsWith('run-'))).toEqual([])
  })
})
