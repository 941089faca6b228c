import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findImage } from '../guest/image/image.ts'
import { openDesk } from '../lab/open-desk.ts'
import { fixtureComparison } from '../lab/desk-run.fixture.ts'
import { fillDisk, smallDisk } from '../lab/small-disk.fixture.ts'
import { DONE, text, useBrowser } from './page.fixture.ts'

/** A disk that is full while the lab works, as the page tells it; pictures go to artifacts/ for whoever wants to look. */
const PICTURES = join(import.meta.dirname, '../../artifacts/disk-full')
const { openDesk: open } = useBrowser()
const possible = (await findImage({})) !== undefined && process.getuid?.() === 0
if (!possible) console.log('No guest image is in the cache, or this is not root, who may mount: the test is skipped.')

/** A run that was finished before. */
async function earlier(runs: string): Promise<void> {
  const folder = join(runs, DONE.id)
  await mkdir(folder, { recursive: true })
  const lab = { pid: 4_000_000, startTime: '1', exe: '/x', bootId: 'x' }
  const mark = { document: 'kho-lab/run', version: 1, name: DONE.name, startedAt: DONE.startedAt, lab }
  await writeFile(join(folder, 'run.json'), JSON.stringify(mark))
  await writeFile(join(folder, 'comparison.json'), JSON.stringify(fixtureComparison))
}

describe.skipIf(!possible)('a disk that is full', () => {
  it('while a run goes on, and before the next, is said with what to do; earlier runs are as they were', async () => {
    const disk = smallDisk('48m')
    const runs = join(disk, 'runs')
    await earlier(runs)
    const desk = await openDesk({ host: 'browser', runs })
    desk.subscribe((name, payload) => {
      if (name === 'run:event' && 'event' in payload && payload.event.type === 'phase') fillDisk(disk)
    })
    const { page, complaints } = await open(desk, { url: (web) => `${web.url}#/lab?item=hello` })
    await page.getByRole('button', { name: /^Run/ }).click()
    await page
      .getByRole('alert')
      .getByText(/no space is left on the device/)
      .waitFor({ timeout: 90_000 })
    expect(await text(page, '[role=alert]')).toMatch(/disk-full\s+Free some space/)
    await page.screenshot({ path: join(PICTURES, 'during.png') })
    const [made = ''] = (await readdir(runs)).filter((id) => id !== DONE.id)
    expect(await readdir(join(runs, made))).toEqual(expect.arrayContaining(['prediction.json', 'experiment.yaml', 'run.json']))

    await page.getByRole('navigation').getByRole('link', { name: 'hello', exact: true }).first().click()
    await page.getByRole('button', { name: /^Run/ }).click()
    await page
      .getByRole('alert')
      .getByText(/a run needs \d+ MiB in .*, 0 MiB are free/)
      .waitFor()
    await page.screenshot({ path: join(PICTURES, 'before.png') })
    await page.getByRole('link', { name: /earlier/ }).click()
    await page.getByRole('link', { name: 'Claims', exact: true }).first().click()
    await page.getByRole('tab', { name: `Claims ${fixtureComparison.claims.length}` }).waitFor()
    expect(complaints).toEqual([])
  })
})
