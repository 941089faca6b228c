import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDesk } from '../lab/open-desk.ts'
import { Comparison, Observation, seen } from '../shared/documents/index.ts'
import { axe, text, useBrowser, type Opened } from './page.fixture.ts'

/** Every view with recorded real runs, by mouse and keys, in both themes; pictures go to artifacts/ for whoever wants to look. */
const ROOT = join(import.meta.dirname, '../..')
const RECORDED = join(ROOT, 'tests/recorded')
const PICTURES = join(ROOT, 'artifacts/views')
const TWO_HOPS = '20261122-110954-two-hops'
const HELLO = '20261122-111115-hello'
const BROKEN = '20261122-120000-broken'
const HOSTILE = '20261122-121000-hostile'
const LATER = '20261122-122000-later'
const HANDED = '20261122-124000-handed'
const DAMAGED = '20261122-123000-damaged'

let runs: string
const { openDesk: open } = useBrowser()

beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), 'kho-lab-views-'))
  await mkdir(PICTURES, { recursive: true })
  await record(TWO_HOPS, 'two-hops')
  await record(HELLO, 'hello')
  await mkdir(join(runs, BROKEN))
  await record(HOSTILE, 'two-hops', hostile)
  await record(HANDED, 'two-hops')
  await handOver(join(runs, HANDED, 'observation.json'))
  await record(DAMAGED, 'hello')
  await truncate(join(runs, DAMAGED, 'observation.json'), 10_000)
  await record(LATER, 'hello', (comparison) => ({ ...comparison, version: 2 }))
})
afterAll(() => rm(runs, { recursive: true, force: true }))

async function record(id: string, from: string, change: (comparison: Comparison) => unknown = (same) => same): Promise<void> {
  const folder = join(runs, id)
  await cp(join(RECORDED, from), folder, { recursive: true })
  const comparison = Comparison.parse(JSON.parse(await readFile(join(folder, 'comparison.json'), 'utf8')))
  const mark = {
    document: 'kho-lab/run',
    version: 1,
    name: id === HOSTILE ? EVIL : comparison.experiment.name,
    startedAt: comparison.environment.startedAt,
    lab: { pid: 4_000_000, startTime: '1', exe: '/x', bootId: 'x' },
  }
  await writeFile(join(folder, 'run.json'), JSON.stringify(mark))
  await writeFile(join(folder, 'comparison.json'), JSON.stringify(change(comparison)))
}

/** A recorded run as if it had handed over LUO sessions and a set of khoprobe, which the recorded ones have not. */
async function handOver(file: string): Promise<void> {
  const observation = Observation.parse(JSON.parse(await readFile(file, 'utf8')))
  const memfd = { token: 7, compatible: 'memfd-v2', size: 8192, folios: 2, intactPages: 2 }
  const span = (start: string, end: string) => ({ start, end })
  const place = { session: 'vm', token: 7, state: '0x3000', lists: [], folios: [span('0x6000', '0x8000')], more: 2 }
  const set = { name: 'big', kind: 'vmalloc' as const, entries: 3, pages: 3, hash: '0x1', records: [], areaOrder: 0 }
  const more = {
    luoIncoming: seen({ address: '0x9000', sessions: [{ name: 'vm', files: [memfd] }], places: [place], pageCount: 6 }),
    probeTable: seen({
      address: '0x8000',
      sets: [{ ...set, listPages: [span('0x5000', '0x7000')], areaChunks: [span('0xa000', '0xb000')] }],
    }),
  }
  const hops = observation.hops.map((hop) => ({ ...hop, host: { ...hop.host, ...more } }))
  await writeFile(file, JSON.stringify({ ...observation, hops }))
}

const EVIL = '<img src=x onerror="window.hacked=1">\u202e\u001b]0;hacked\u0007'
function hostile(comparison: Comparison): Comparison {
  return {
    ...comparison,
    claims: comparison.claims.map((claim, index) => ({
      ...claim,
      title: `${EVIL}${claim.title}`,
      reason: index === 0 ? EVIL + 'y'.repeat(1_000_000) : EVIL,
      guest: { value: { [EVIL]: EVIL, long: 'z'.repeat(index === 0 ? 1_000_000 : 10) } },
    })),
  }
}

async function show(
  hash: string,
  how: { theme?: 'light' | 'dark'; size?: { width: number; height: number } } = {},
): Promise<Opened> {
  return open(await openDesk({ host: 'browser', runs }), { ...how, url: (web) => `${web.url}${hash}` })
}

const VIEWS = [
  { name: 'lab', hash: '#/lab?item=two-nodes', waits: '.editor', holds: [/two nodes of different size/, /hop0\.scratch\.count/] },
  { name: 'images', hash: '#/lab?item=images', waits: '.images', holds: [/guest images/i, /Build image/] },
  {
    name: 'live',
    hash: `#/live?run=${TWO_HOPS}`,
    waits: '.verdict',
    holds: [/agreed/, /first boot/, /hop 2/, /Serial console/, /QEMU events/],
  },
  {
    name: 'map',
    hash: `#/map?run=${TWO_HOPS}&hop=1&at=0x1ec00000`,
    waits: '.map canvas',
    holds: [/0x1ec00000/, /reserve|preserved/, /order 10/, /handed over/, /node 0/, /DMA32/],
  },
  {
    name: 'kho',
    hash: `#/kho?run=${TWO_HOPS}&hop=0`,
    waits: '.dump',
    holds: [/out \/ guest/, /233/, /345/, /"kho-v4"/, /marked where out \/ guest differs/, /0x562000/],
  },
  {
    name: 'radix',
    hash: `#/kho?run=${TWO_HOPS}&hop=0&item=radix`,
    waits: '.levels',
    holds: [/11 node pages/, /reserve_mem trace/, /5:0 › 4:1/, /bit 123/],
  },
  {
    name: 'claims',
    hash: `#/claims?run=${TWO_HOPS}&claim=hop1.tree.bytes`,
    waits: '.detail .side',
    holds: [/87 of 87/, /Root FDT/, /d0 0d fe ed/, /kho_out_fdt_setup|kho_add_subtree|kexec_handover\.c/],
  },
  { name: 'findings', hash: `#/claims?run=${TWO_HOPS}&item=findings`, waits: '.findings', holds: [/seen in this run/] },
  { name: 'doctor', hash: '#/doctor', waits: 'table.data', holds: [/QEMU/] },
] as const

describe.each([
  { theme: 'light', size: { width: 1280, height: 800 } },
  { theme: 'dark', size: { width: 1920, height: 1080 } },
] as const)('in $theme at $size.width × $size.height', ({ theme, size }) => {
  it.each(VIEWS)('$name shows what there is, in readable contrast, and fits', async ({ name, hash, waits, holds }) => {
    const { page, complaints } = await show(hash, { theme, size })
    await page.locator(waits).first().waitFor()
    try {
      for (const words of holds) await expect.poll(() => text(page, '#app')).toMatch(words)
    } finally {
      await page.screenshot({ path: join(PICTURES, `${name}-${theme}-${size.width}.png`) })
    }
    expect(await axe(page)).toEqual([])
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(overflow).toBe(0)
    expect(complaints).toEqual([])
  })
})

describe('keys and mouse', () => {
  it('Tab goes from the top to the bottom of the window and loses nobody', async () => {
    const { page } = await show(`#/claims?run=${TWO_HOPS}`)
    await page.getByRole('grid', { name: 'Claims' }).waitFor()
    const places: string[] = []
    for (let step = 0; step < 60; step++) {
      await page.keyboard.press('Tab')
      places.push(
        await page.evaluate(() => {
          const at = document.activeElement
          const region = at?.closest('header.top, nav.side, .run, .tabs, .filters, [role=grid], .detail, footer.status')
          return at === document.body || at === null ? 'nowhere' : (region?.className ?? at.tagName)
        }),
      )
    }
    const order = places.filter((place, index) => place !== places[index - 1]).map((place) => place.split(' ')[0])
    expect(order.slice(0, 6)).toEqual(['top', 'side', 'DIV', 'bar', 'tabs', 'bar'])
    expect(order).toContain('rows')
    expect(order).toContain('column')
  })

  it('an address that is clicked is followed into every view, and typed into the finder as well', async () => {
    const { page } = await show(`#/claims?run=${TWO_HOPS}&claim=hop1.kexec.initrd`)
    await page.locator('.detail .address').first().click()
    const at = /at=(0x[0-9a-f]+)/.exec(page.url())?.[1] ?? 'none'
    expect(at).toMatch(/^0x/)
    await page.getByRole('group', { name: 'Selected address' }).getByRole('link', { name: 'Memory map' }).click()
    await expect.poll(() => text(page, '[aria-label="What is at the address"]')).toContain(at)
    await page.keyboard.press('Control+k')
    await page.keyboard.type('pfn 0x8dc')
    await expect.poll(() => text(page, 'dialog')).toContain('0x8dc000')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.url()).toMatch(/#\/kho\?.*at=0x8dc000/)
  })

  it('the map is zoomed to one page by the wheel, and by keys back to everything', async () => {
    const { page } = await show(`#/map?run=${TWO_HOPS}&hop=1`)
    const map = page.locator('.map')
    await map.locator('canvas').waitFor()
    const box = await map.boundingBox()
    if (!box) throw new Error('the map is not in sight')
    await page.mouse.move(box.x + box.width / 2, box.y + 120)
    for (let step = 0; step < 90; step++) await page.mouse.wheel(0, -200)
    await expect.poll(() => text(page, '.map .tip')).toMatch(/[1-5] B\/px/)
    await map.focus()
    await page.keyboard.press('0')
    await page.mouse.move(box.x + box.width / 2, box.y + 122)
    await expect.poll(() => text(page, '.map .tip')).toMatch(/KiB\/px/)
    await page.getByRole('button', { name: /^initrd/ }).click()
    await expect.poll(() => text(page, '[aria-label="What is at the address"]')).toMatch(/initrd/)
    const before = page.url()
    await page.keyboard.press(']')
    await expect.poll(() => page.url()).not.toBe(before)
  })

  it('an experiment is written as a form or as YAML, and the two stay twins', async () => {
    const { page } = await show('#/lab?item=new')
    const yaml = page.getByRole('textbox', { name: 'Experiment file new' })
    await yaml.fill('name: mine # keep\nmachine: { memory: 2GiB }\n')
    await page.getByRole('tab', { name: 'Form' }).click()
    await expect.poll(() => page.getByLabel('memory', { exact: true }).inputValue()).toBe('2GiB')
    await page.getByLabel('memory', { exact: true }).fill('3GiB')
    await page.keyboard.press('Tab')
    await page.getByLabel('cpus').fill('9999')
    await page.keyboard.press('Tab')
    await expect.poll(() => page.getByLabel('cpus').getAttribute('aria-invalid')).toBe('true')
    await page.getByRole('tab', { name: 'YAML' }).click()
    await expect.poll(() => yaml.inputValue()).toMatch(/^name: mine # keep\nmachine: \{ memory: 3GiB, cpus: 9999 \}\n$/)
  })

  it('two windows show the same run, each at its own place', async () => {
    const { page, context, web } = await show(`#/claims?run=${TWO_HOPS}`)
    const other = await context.newPage()
    await other.goto(`${web.url}#/map?run=${HELLO}`)
    await other.locator('.map canvas').waitFor()
    await page.getByRole('grid', { name: 'Claims' }).waitFor()
    expect([page.url().includes(TWO_HOPS), other.url().includes(HELLO)]).toEqual([true, true])
  })
})

it('sets, sessions and scratch of the handover are told in tables, each address a link', async () => {
  const { page } = await show(`#/kho?run=${HANDED}&hop=1`)
  for (const [entry, words] of [
    ['scratch regions', /lowmem\s+host, struct kho_scratch/],
    ['LUO sessions', /vm\s+7\s+memfd-v2\s+8 KiB\s+2\s+2\s+0x3000\s+0x6000 – 0x7fff\s*and 2 that were not kept/],
    ['khoprobe sets', /big\s+vmalloc, pages of order 0\s+3\s+3\s+0x1\s+0x5000 – 0x6fff\s+0xa000 – 0xafff/],
  ] as const) {
    await page.locator('main').getByText(entry).first().click()
    await expect.poll(() => text(page, 'main')).toMatch(words)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await expect.poll(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe(colorScheme)
      expect([entry, colorScheme, await axe(page)]).toEqual([entry, colorScheme, []])
    }
  }
})

it('a kernel of the user is looked at, and what it lacks is said', async () => {
  const { page } = await show('#/doctor')
  const config = join(runs, 'config')
  await writeFile(config, '# Linux/x86 7.3.4 Kernel Configuration\nCONFIG_CMA=y\n')
  await page.getByLabel('bzImage or configuration of a kernel').fill(config)
  await page.keyboard.press('Enter')
  const table = page.getByRole('table', { name: 'Checks of the kernel' })
  await expect.poll(() => table.innerText()).toMatch(/CONFIG_KEXEC_HANDOVER\s+is not set.*scripts\/config -e KEXEC_HANDOVER/s)
  await page.screenshot({ path: join(PICTURES, 'doctor-kernel.png') })
  expect(await axe(page)).toEqual([])
  await page.getByLabel('bzImage or configuration of a kernel').fill(join(runs, 'nowhere'))
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('there is no such file').waitFor()
})

describe('bad input', () => {
  it('a run without documents is listed, and every view says what is the matter and what to do', async () => {
    for (const view of ['live', 'map', 'kho', 'claims', 'reports']) {
      const { page } = await show(`#/${view}?run=${BROKEN}`)
      await expect.poll(() => text(page, 'main')).toMatch(/broken/)
      await expect.poll(() => text(page, 'main')).toMatch(/See what happened|Run the experiment again|ended before/)
    }
  })

  it('a document of a newer version is named, not guessed at', async () => {
    for (const view of ['live', 'claims', 'reports']) {
      const { page } = await show(`#/${view}?run=${LATER}`)
      await expect.poll(() => text(page, 'main')).toMatch(/comparison\.json was written by a newer kho-lab/)
    }
  })

  it('a document that is damaged is named where it is needed, and the others are shown', async () => {
    for (const view of ['map', 'kho']) {
      const { page } = await show(`#/${view}?run=${DAMAGED}`)
      await expect.poll(() => text(page, 'main')).toMatch(/observation\.json is no JSON/)
    }
    const { page } = await show(`#/claims?run=${DAMAGED}`)
    await page.getByRole('grid', { name: 'Claims' }).getByRole('row').first().waitFor()
    await page.getByRole('link', { name: 'Live', exact: true }).first().click()
    await page.locator('.verdict').waitFor()
  })

  it('hostile text stays text in every view', async () => {
    for (const view of ['claims', 'map', 'kho', 'live', 'lab']) {
      const { page } = await show(`#/${view}?run=${HOSTILE}`)
      await expect.poll(() => text(page, '.side')).toContain('<img src=x')
      if (view === 'claims') await page.locator('.detail .side').first().waitFor()
      expect(
        await page.evaluate(() => [document.querySelectorAll('#app img').length, 'hacked' in window, document.title]),
      ).toEqual([0, false, 'kho-lab'])
      expect(await text(page, '#app')).not.toMatch(/[^\P{C}\n\t]/u)
    }
  })
})
