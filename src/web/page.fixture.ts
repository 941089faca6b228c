import { join } from 'node:path'
import checker from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { createDesk, type Desk } from '../lab/desk.ts'
import { fixtureSummary } from '../lab/desk-run.fixture.ts'
import { fixtureDependencies, type FixtureOptions } from '../lab/desk.fixture.ts'
import type { RunListing } from '../shared/contract.ts'
import { startWebHost, type WebHost } from './server.ts'

/** The built page, opened in Chromium over the browser host. */
export const PAGE = join(import.meta.dirname, '../../out/renderer')
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const DONE: RunListing = {
  id: '20261101-090000-earlier',
  name: 'earlier',
  state: 'done',
  startedAt: '2026-11-01T09:00:00.000Z',
  summary: fixtureSummary,
}

export interface Opened {
  readonly desk: Desk
  readonly web: WebHost
  readonly context: BrowserContext
  readonly page: Page
  /** What the page threw, and what its policy blocked. */
  readonly complaints: string[]
}

export interface OpenOptions {
  readonly url?: (web: WebHost) => string
  readonly size?: { readonly width: number; readonly height: number }
  readonly theme?: 'light' | 'dark'
}

/** One browser for a test file, and whatever its tests opened, closed after each. */
export function useBrowser() {
  let browser: Browser | undefined
  const closers: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS })
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  const closeAfter = (...more: (() => Promise<unknown>)[]): void => {
    closers.push(...more)
  }
  const newContext = async (options: OpenOptions = {}): Promise<BrowserContext> => {
    if (!browser) throw new Error('the browser has not been started')
    const context = await browser.newContext({
      viewport: options.size ?? { width: 1360, height: 860 },
      colorScheme: options.theme ?? 'light',
    })
    closeAfter(() => context.close())
    return context
  }
  const openDesk = async (desk: Desk, { url = (web) => web.url, ...options }: OpenOptions = {}): Promise<Opened> => {
    const web = await startWebHost({ desk, directory: PAGE })
    closeAfter(
      () => desk.dispose(),
      () => web.close(),
    )
    const context = await newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(url(web))
    return { desk, web, context, page, complaints }
  }
  const open = (options: FixtureOptions, how: OpenOptions = {}): Promise<Opened> =>
    openDesk(createDesk(fixtureDependencies({ runs: [DONE], ...options })), how)
  return { open, openDesk, newContext, closeAfter }
}

export const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText()

/** What axe finds wrong, contrast included; the canvas and xterm's own insides are told by the text beside them. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(checker.source)
  const violations = await page.evaluate(async () => {
    const { axe: inPage } = window as unknown as {
      axe: { run(context: unknown, options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    // The dividers between landmarks belong to none of them.
    const rules = { region: { enabled: false } }
    const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'], rules }
    const { violations: found } = await inPage.run({ exclude: [['.console'], ['iframe']] }, options)
    return found.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html.slice(0, 160))
          .slice(0, 3)
          .join(' | ')}`,
    )
  })
  return violations
}
