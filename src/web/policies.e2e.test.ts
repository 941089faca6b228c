import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDesk } from '../lab/open-desk.ts'
import { axe, text, useBrowser, type Opened } from './page.fixture.ts'

/** The Policies and What-if views over the real lab, which needs no guest for them; pictures go to artifacts/. */
const PICTURES = join(import.meta.dirname, '../../artifacts/policies')

let runs: string
const { openDesk: open } = useBrowser()
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), 'kho-lab-policies-'))
  // A lab without any run goes to its first experiment by itself.
  await mkdir(join(runs, '20261126-120000-earlier'))
  await mkdir(PICTURES, { recursive: true })
})
afterAll(() => rm(runs, { recursive: true, force: true }))

const show = async (hash: string): Promise<Opened> =>
  open(await openDesk({ host: 'browser', runs }), { url: (web) => `${web.url}${hash}`, size: { width: 1400, height: 900 } })

/** In both themes: a picture, and what axe finds wrong, which must be nothing. */
async function pictures(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe(colorScheme)
    await page.waitForTimeout(150)
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`) })
    expect([name, colorScheme, await axe(page)]).toEqual([name, colorScheme, []])
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

it('lets choose policies, workload and start, shows each generation, and keeps a report that repeats it', async () => {
  const { page, complaints } = await show('#/policies?item=real-start')
  const form = page.getByRole('form', { name: 'Study' })
  await expect.poll(() => form.getByRole('combobox', { name: /^start/ }).inputValue()).toBe('guests/driver-primitive')
  for (const policy of ['purgatory', 'ab-simple', 'ab-late', 'gfp-kho', 'zone-switch', 'scratch-extended'])
    await form.getByRole('checkbox', { name: policy, exact: true }).uncheck()
  const exactly = async (field: string, value: string): Promise<void> => {
    await form.getByLabel(`${field}, exact`).fill(value)
    await form.getByLabel(`${field}, exact`).press('Tab')
  }
  await exactly('generations', '4')
  await exactly('seeds', '2')
  // A slider by its keys: one step up from nothing.
  const turnover = form.getByRole('slider', { name: /^turnover:/ })
  await turnover.focus()
  await turnover.press('Home')
  await turnover.press('ArrowRight')
  await expect.poll(() => form.getByLabel('turnover, exact').inputValue()).toBe('1 %')
  expect(await text(page, '#app')).toContain('6 simulations')

  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect.poll(() => page.getByRole('status').first().innerText(), { timeout: 60_000 }).toBe('done')
  await page.getByRole('combobox', { name: /^policy/ }).selectOption('scratch')
  await expect.poll(() => page.locator('.names li').count()).toBe(4)
  const map = page.getByRole('img', { name: /Memory before each kexec under scratch/ })
  await map.press('ArrowDown')
  await map.press('ArrowRight')
  const detail = page.locator('.detail')
  await expect.poll(() => detail.innerText()).toMatch(/generation 1\s+handed over\s+handed over .* in \d+ folios/)
  expect(await detail.innerText()).toContain('0x0 to 0x1fffff: ')
  await pictures(page, 'map')

  await page.getByRole('tab', { name: 'charts' }).click()
  await expect.poll(() => text(page, '#app')).toContain('ab-both')
  await pictures(page, 'charts')
  await page.getByRole('tab', { name: 'numbers' }).click()
  await expect.poll(() => text(page, '#app')).toContain('to-kho-refused')
  await pictures(page, 'numbers')

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'report', exact: true }).click(),
  ])
  const report = await readFile(await download.path(), 'utf8')
  expect(download.suggestedFilename()).toBe('a-real-guest-as-the-start.html')
  for (const words of ['kho-lab simulate a-real-guest-as-the-start.yaml', '"turnover": 0.01', 'driver-primitive', 'scratch 3<'])
    expect(report).toContain(words.replaceAll('"', '&#34;'))
  expect(complaints).toEqual([])
})

it('predicts scratch for machines that nobody has, and sweeps one parameter', async () => {
  const { page, complaints } = await show('#/what-if')
  const answer = page.locator('[aria-label="Prediction"]')
  const scratchLine = async (): Promise<string> => /scratch\s+(.*) of RAM/.exec(await answer.innerText())?.[1] ?? ''
  await expect.poll(scratchLine).toMatch(/MiB/)
  const before = await scratchLine()
  const memory = page.getByRole('slider', { name: /^memory:/ })
  await memory.press('End')
  await expect.poll(scratchLine).not.toBe(before)
  expect(await answer.innerText()).toMatch(/KHO stays on\s+yes/)
  await page.getByLabel('parameter').selectOption('scratch')
  await expect.poll(() => answer.locator('tbody tr').count()).toBeGreaterThan(2)
  await expect.poll(() => answer.locator('tbody').innerText()).toContain('400 %')
  await pictures(page, 'what-if')
  expect(complaints).toEqual([])
})

/** What Tab reaches one after the other, by its name as it is told to who cannot see. */
async function tabs(page: Page, steps: number): Promise<string[]> {
  const names: string[] = []
  for (let step = 0; step < steps; step++) {
    await page.keyboard.press('Tab')
    names.push(
      await page.evaluate(() => {
        const at = document.activeElement
        const label = at instanceof HTMLInputElement || at instanceof HTMLSelectElement ? at.labels?.[0]?.innerText : undefined
        return (
          (at?.getAttribute('aria-label') ?? label ?? (at as HTMLElement | null)?.innerText ?? '').split('\n')[0]?.trim() ?? ''
        )
      }),
    )
  }
  return names
}

it.each([
  ['policies?item=real-start', ['Run', 'Study', 'VM memory, exact', 'VM pinned, exact']],
  ['what-if', ['Machine', 'parameter', 'from', 'to', 'Width of the machine', 'Prediction']],
])('Tab goes through %s in the order in which it is read, and nothing is without a name', async (hash, order) => {
  const { page } = await show(`#/${hash}`)
  await page.getByRole('form').first().waitFor()
  const names = await tabs(page, 60)
  expect(names).not.toContain('')
  const places = order.map((name) => names.indexOf(name))
  expect(places).toEqual([...places].filter((place) => place >= 0).sort((a, b) => a - b))
})
