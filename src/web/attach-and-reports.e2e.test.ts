import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { fixtureComparison } from '../lab/desk-run.fixture.ts'
import type { AttachableMachine } from '../shared/contract.ts'
import { axe, DONE, text, useBrowser } from './page.fixture.ts'

const { open } = useBrowser()

const MACHINE: AttachableMachine = {
  pid: 4242,
  name: '<b>by</b> \u202ehand',
  type: 'q35',
  memory: 4 * 1024 ** 3,
  cpus: 2,
  accelerator: 'kvm',
  kernel: '/boot/vmlinuz',
  x86: true,
  ram: ['memfd, shared'],
  monitors: ['/run/vm/qmp.sock'],
}
const OTHER = { ...DONE, id: '20261102-090000-later', name: 'later', startedAt: '2026-11-02T09:00:00.000Z' }

/** What axe finds wrong, contrast first of all, in light and dark: nothing. */
async function inBothThemes(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe(colorScheme)
    expect([colorScheme, await axe(page)]).toEqual([colorScheme, []])
  }
}

describe('machines that the lab did not start', () => {
  it('are listed as their arguments describe them, and what goes wrong with one is said', async () => {
    const { page, complaints } = await open({ machines: [MACHINE, { ...MACHINE, pid: 4343, x86: false, name: 'arm' }] })
    await page.getByRole('link', { name: 'Attach', exact: true }).click()
    await page.getByRole('cell', { name: '4242', exact: true }).waitFor()
    expect(await text(page, 'table.data')).toContain('<b>by</b> \\u202ehand')
    expect(await text(page, 'table.data')).toContain('4 GiB')
    expect(await page.getByRole('button', { name: 'Look at 4343' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Look at 4242' }).click()
    expect(await page.getByRole('alert').innerText()).toContain('another client has the monitor')
    expect(complaints).toEqual([])
    await inBothThemes(page)
  })

  it('may be none, which is said with what to do', async () => {
    const { page } = await open({})
    await page.getByRole('link', { name: 'Attach', exact: true }).click()
    await page.getByText('No QEMU runs on this machine').waitFor()
    expect(await page.getByRole('button', { name: 'Look at it' }).isDisabled()).toBe(true)
    await page.getByLabel('Machine that is not listed').fill('/run/q')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
  })
})

describe('reports', () => {
  it('are saved in every format, PDF included', async () => {
    const { page } = await open({})
    await page.getByRole('link', { name: 'Reports', exact: true }).click()
    for (const [button, name] of [
      ['JUnit', /\.junit$/],
      ['KTAP', /\.ktap$/],
    ] as const) {
      await page.getByRole('radio', { name: button }).click()
      await page.locator('pre').waitFor()
      const saved = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Save as file' }).click()
      expect((await saved).suggestedFilename()).toMatch(name)
    }
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save as PDF' }).click()
    const pdf = await saved
    expect(pdf.suggestedFilename()).toMatch(/\.pdf$/)
    expect(readFileSync(await pdf.path(), 'latin1')).toBe('%PDF-1.4')
  })

  it('of two runs are held against each other, and a claim that changed is a link', async () => {
    const [first, ...rest] = fixtureComparison.claims
    if (first === undefined) throw new Error('the fixture has claims')
    const environment = { ...fixtureComparison.environment, image: { id: 'x', kernelVersion: '7.4.0 <i>' } }
    const other = { ...fixtureComparison, environment, claims: [{ ...first, verdict: 'match' as const }, ...rest] }
    const { page, complaints } = await open({ runs: [OTHER, DONE], other })
    await page.getByRole('link', { name: 'Reports', exact: true }).click()
    await page.getByRole('tab', { name: 'Compare two runs' }).click()
    await page.getByRole('heading', { name: 'Verdicts that changed: 1' }).waitFor()
    expect(await text(page, 'table.runs')).toContain('7.4.0 <i>')
    await inBothThemes(page)
    await page.getByRole('link', { name: first.id }).click()
    await expect.poll(() => page.url()).toContain(`claim=${first.id}`)
    // The report's script was not run, which is how it should be.
    expect(complaints.filter((line) => !line.includes("in 'about:srcdoc' because the document's frame is sandboxed"))).toEqual([])
  })

  it('from a file are opened, and one from a newer lab, or none at all, says so', async () => {
    const { page } = await open({})
    await page.getByRole('link', { name: 'Reports', exact: true }).click()
    await page.getByRole('tab', { name: 'Open a file' }).click()
    const choose = (value: unknown, name = 'mine.json') =>
      page.getByLabel('Report or comparison in JSON').setInputFiles({
        name,
        mimeType: 'application/json',
        buffer: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
      })
    await choose(fixtureComparison)
    await page.getByRole('row').first().waitFor()
    await page.getByText('hello, 2026-11-22').waitFor()
    await choose({ ...fixtureComparison, version: 2 }, 'later.json')
    await expect.poll(() => page.getByRole('alert').innerText()).toContain('later.json was written by a newer kho-lab')
    await choose('no report', 'thesis.json')
    await expect.poll(() => page.getByRole('alert').innerText()).toContain('thesis.json is no JSON')
  })
})
