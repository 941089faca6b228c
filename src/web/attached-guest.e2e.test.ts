import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { plainQemu, qemuStatus, textIfThere, type PlainQemu } from '../guest/attach/plain-qemu.fixture.ts'
import { findImage } from '../guest/image/image.ts'
import { QmpClient } from '../guest/qemu/qmp.ts'
import { openDesk } from '../lab/open-desk.ts'
import { listRuns } from '../lab/run/store.ts'
import { text, useBrowser } from './page.fixture.ts'

/** A real machine that the lab did not start, looked at through the page; pictures go to artifacts/ for whoever wants to look. */
const PICTURES = join(import.meta.dirname, '../../artifacts/attach')
const released = await findImage({})
if (!released) console.log('No guest image of the lab is in the cache: the test is skipped. kho-lab image build makes one.')

let runs: string
const { openDesk: open } = useBrowser()
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), 'kho-lab-attached-'))
  // With a run on record, even a broken one, it is not the first start, and nothing begins by itself.
  await mkdir(join(runs, '20260101-000000-earlier'))
  await mkdir(PICTURES, { recursive: true })
})
afterAll(() => rm(runs, { recursive: true, force: true }))

interface Watched extends PlainQemu {
  /** Where QEMU writes every request that its monitor gets: what the lab asked for is then no matter of trust. */
  readonly requests: string
  readonly serial: string
}

async function machine(): Promise<Watched> {
  const own = await mkdtemp(join(tmpdir(), 'kho-lab-own-'))
  onTestFinished(() => rm(own, { recursive: true, force: true }))
  const [requests, serial] = [join(own, 'requests'), join(own, 'serial')]
  const traced = ['-M', 'q35', '-trace', 'handle_qmp_command', '-D', requests]
  const plain = await plainQemu(traced, `unix:${serial},server=on,wait=off`)
  return { ...plain, requests, serial }
}

const Request = z.object({ execute: z.string(), arguments: z.object({ 'command-line': z.string().optional() }).optional() })

/** The commands that the machine's monitor got, each once. */
function requestsOf({ requests }: Watched): readonly string[] {
  const told = [...textIfThere(requests).matchAll(/handle_qmp_command .*?req: (\{.*\})/g)].map(([, json = '']) => {
    const { execute, arguments: given } = Request.parse(JSON.parse(json))
    const line = given?.['command-line']
    return line === undefined ? execute : `${execute}: ${line.replace(/0x[0-9a-f]+/, 'ADDRESS')}`
  })
  return [...new Set(told)].sort()
}

/** All that may be asked of a machine that is not the lab's. */
const ASKED = [
  'human-monitor-command: gpa2hva ADDRESS',
  'human-monitor-command: info mtree -f',
  'qmp_capabilities',
  'query-kvm',
  'query-memdev',
]

const view = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).first().click()

const picture = (page: Page, name: string) => page.screenshot({ path: join(PICTURES, `${name}.png`) })
const lookAt = (page: Page, { pid }: PlainQemu) => page.getByRole('button', { name: `Look at ${pid}` })

/** Every view of a run holds what was read in the RAM of a guest that nobody asked. */
async function lookThrough(page: Page): Promise<void> {
  await page.locator('.verdict').waitFor()
  expect(await text(page, '.verdict')).toContain('agreed')
  expect(await text(page, '[aria-label="Steps of the lab"]')).toMatch(/monitor: QMP at .*RAM: pc\.ram: .*KHO root at 0x/s)
  await picture(page, 'live')
  await view(page, 'Memory map')
  await page.locator('.map canvas').waitFor()
  await page.getByRole('combobox', { name: 'kind' }).selectOption('scratch')
  // kho_scratch=16M,0M,32M: the second has no page, and no place on a map.
  await expect.poll(() => text(page, '[aria-label="Ranges"]')).toMatch(/2 ranges.*16 MiB\s+scratch lowmem/s)
  await picture(page, 'map')
  await view(page, 'KHO')
  await page.getByText('subtree LUO').first().click()
  await expect.poll(() => text(page, 'main')).toMatch(/compatible\s+"luo-v5"/)
  await picture(page, 'kho')
  await view(page, 'Claims')
  await page.getByRole('row').filter({ hasText: 'hop0.scratch.addresses' }).click()
  await expect.poll(() => text(page, '.detail')).toMatch(/not observed: .*nobody was asked.*\[0x[0-9a-f]+, 0x/is)
  await picture(page, 'claims')
}

/** A lab that did not make the run shows what happened in it, with its times. */
async function isKept(): Promise<void> {
  const { page } = await open(await openDesk({ host: 'browser', runs }), { url: (web) => `${web.url}#/live` })
  await page
    .getByRole('navigation')
    .getByRole('link', { name: /attached to by hand.*/ })
    .last()
    .click()
  await expect
    .poll(() => text(page, '[aria-label="Steps of the lab"]'))
    .toMatch(/^\d\.\d{3} s\s+monitor: QMP at .*KHO root at 0x/s)
}

describe.skipIf(!released)('a machine that somebody started by hand', () => {
  it('is found and shown in every view, and runs on unchanged; it is logged in to with consent only', async () => {
    const plain = await machine()
    const desk = await openDesk({ host: 'browser', runs })
    const { page, complaints } = await open(desk, { url: (web) => `${web.url}#/attach` })
    const row = page.getByRole('row').filter({ has: lookAt(page, plain) })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/by hand\s+q35, tcg\s+512 MiB\s+anonymous/)
    await picture(page, 'list')
    await page.getByLabel('Console').fill(plain.serial)
    await lookAt(page, plain).click()
    await lookThrough(page)
    expect(requestsOf(plain)).toEqual(ASKED)
    expect(await qemuStatus(plain.qmp)).toMatchObject({ status: 'running', running: true })

    const destination = `ssh://root@127.0.0.1:${plain.sshPort}`
    await expect(desk.handle('attach:start', { pid: plain.pid, ssh: destination })).rejects.toMatchObject({ code: 'refused' })
    await view(page, 'Attach')
    const ssh = page.getByLabel('Ask the guest by ssh')
    expect(await ssh.isDisabled()).toBe(true)
    await page.getByRole('checkbox', { name: 'the guest may be logged in to' }).check()
    await ssh.fill(destination)
    await lookAt(page, plain).click()
    // The user's own ssh knows neither this host nor a key for it.
    await page.getByText(/the guest cannot be asked by ssh/).waitFor()
    await picture(page, 'ssh')
    expect((await listRuns(runs)).map(({ state }) => state)).toEqual(['failed', 'done', 'broken'])
    expect(complaints).toEqual([])
    await isKept()
  })

  it('whose monitor is taken is said to be busy within 3 s, and is looked at without it', async () => {
    const plain = await machine()
    const { client } = await QmpClient.open(connect(plain.qmp))
    onTestFinished(() => client.close())
    const { page } = await open(await openDesk({ host: 'browser', runs }), { url: (web) => `${web.url}#/attach` })
    await page.getByLabel('Machine that is not listed').fill(plain.qmp)
    const began = performance.now()
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('another client has it').waitFor()
    const took = performance.now() - began
    await picture(page, 'busy')
    console.log(`a monitor that is taken was said to be busy after ${Math.round(took)} ms`)
    expect(took).toBeLessThan(3000)
    await view(page, 'Attach')
    await lookAt(page, plain).click()
    await page.locator('.verdict').waitFor()
    expect(await text(page, '[aria-label="Steps of the lab"]')).toContain('another client has it')
    expect(requestsOf(plain)).toEqual(['qmp_capabilities'])
    expect(await client.execute('query-status')).toMatchObject({ status: 'running', running: true })
  })
})
