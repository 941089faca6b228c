import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { fixtureDependencies } from '../lab/desk.fixture.ts'
import { createDesk } from '../lab/desk.ts'
import { DONE, PAGE, text, useBrowser } from './page.fixture.ts'
import { startWebHost } from './server.ts'

const { open, newContext, closeAfter } = useBrowser()

describe('the page over the browser host', () => {
  it('goes from an experiment to its verdict, its claims and its report', async () => {
    const { page, complaints } = await open({ pace: 30 })
    await page.getByRole('link', { name: 'two nodes' }).click()
    await expect.poll(() => page.getByRole('textbox', { name: /Experiment file/ }).inputValue()).toContain('name: two nodes')
    await page.getByRole('grid', { name: 'Predicted claims' }).waitFor()
    await page.keyboard.press('Control+Enter')
    await page.locator('.verdict').waitFor()
    expect(await text(page, '.verdict .big')).toMatch(/disagreed/)
    expect(await text(page, 'table.phases')).toMatch(/first boot\s+210 ms\s+430 ms\s+1.06 s\s+220 ms\s+190 ms\s+2.11 s/)
    await expect.poll(() => text(page, '.console')).toContain('Linux version 7.3.4 <script>alert(1)</script>')

    await page.getByRole('link', { name: 'Claims', exact: true }).first().click()
    const rows = page.getByRole('row')
    await expect.poll(() => rows.first().innerText()).toMatch(/^≠\s+hop0.scratch.regions\s+region 1 is 0x400000 long, not 0x0/)
    await page.getByRole('button', { name: /unobserved/ }).click()
    await expect.poll(() => rows.count()).toBe(1)
    expect(await text(page, '.detail .reason')).toBe('dmesg was cut <b>off</b>')

    await page.getByRole('tab', { name: /Findings/ }).click()
    await page.getByRole('link', { name: 'hop0.tree.bytes' }).click()
    await expect.poll(() => text(page, '.detail header')).toContain('hop0.tree.bytes')

    await page.getByRole('link', { name: 'Reports', exact: true }).click()
    const frame = page.frameLocator('iframe')
    await expect.poll(() => frame.locator('h1').innerText()).toMatch(/^Report of /)
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save as file' }).click()
    expect((await saved).suggestedFilename()).toMatch(/\.html$/)
    // The only complaint is the browser's own, that the report's script was not run.
    expect(complaints.filter((line) => !line.includes("in 'about:srcdoc' because the document's frame is sandboxed"))).toEqual([])
  })

  it('runs hello by itself the first time', async () => {
    const { page } = await open({ runs: [], pace: 10 })
    await page.locator('.verdict').waitFor()
    expect(await text(page, 'h1')).toBe('hello')
  })

  it('builds the image first when there is none, with progress', async () => {
    const { page } = await open({ runs: [], images: [], pace: 150 })
    await page.getByRole('status').getByText('compiling').waitFor()
    await page.locator('.verdict').waitFor()
  })

  it('shows where an experiment is wrong and does not run it', async () => {
    const { page } = await open({})
    const field = page.getByRole('textbox', { name: /Experiment file/ })
    await field.fill('name: x\nbad: 1\n')
    await page.getByRole('alert').waitFor()
    expect(await text(page, '.gutter .bad')).toBe('2')
    expect(await page.getByRole('button', { name: /^Run/ }).isDisabled()).toBe(true)
    await page.reload()
    await expect.poll(() => field.inputValue()).toBe('name: x\nbad: 1\n')
    await page.getByRole('button', { name: 'Back to the file' }).click()
    await expect.poll(() => field.inputValue()).toContain('hops: 1')
  })

  it('is worked by keys alone', async () => {
    const { page } = await open({})
    const list = page.getByRole('navigation')
    await list.getByRole('link', { name: 'hello' }).first().focus()
    // The other experiment, the place for a new one, and then the first run.
    for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'earlier' }).waitFor()
    await page.keyboard.press('5')
    await page.getByRole('grid', { name: 'Claims' }).focus()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => text(page, '.detail header')).toContain('hop1.handover.message')
    await page.keyboard.press('End')
    await expect.poll(() => text(page, '.detail header')).toContain('hop1.boot.fact29')
    expect(page.url()).toContain('#/claims?run=20261101-090000-earlier&claim=hop1.boot.fact29')
  })

  it('says what to do when a run cannot be read', async () => {
    const { page } = await open({}, { url: (web) => `${web.url}#/live?run=20200101-000000-gone` })
    await page.getByRole('alert').first().waitFor()
    expect(await page.getByRole('alert').first().innerText()).toContain('there is no run 20200101-000000-gone')
  })

  it('shows in one window what another has started, while it goes on', async () => {
    const { page, context, web } = await open({ pace: 400 })
    const other = await context.newPage()
    await other.goto(`${web.url}#/live?run=${DONE.id}`)
    await other.locator('.verdict').waitFor()
    await page.getByRole('button', { name: /^Run/ }).click()
    await other.getByText('1 running').waitFor()
    await other.getByRole('link', { name: /▸ hello/ }).click()
    await other.getByRole('button', { name: 'Cancel run' }).click()
    for (const window of [page, other]) await window.getByRole('alert').getByText('the run was cancelled').waitFor()
  })

  it('cancels a run', async () => {
    const { page } = await open({ pace: 300 })
    await page.getByRole('button', { name: /^Run/ }).click()
    await page.getByRole('button', { name: 'Cancel run' }).click()
    await page.getByRole('alert').getByText('the run was cancelled').waitFor()
  })
})

describe('the connection', () => {
  /** A way to the lab that can break, as a tunnel does. */
  async function tunnel(target: number): Promise<{ port: number; cut: () => void; server: Server }> {
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(target, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          near.destroy()
          far.destroy()
          sockets.delete(socket)
        })
      }
      near.pipe(far).pipe(near)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      port: (server.address() as AddressInfo).port,
      server,
      cut: () => {
        for (const socket of sockets) socket.destroy()
      },
    }
  }

  it('comes back after it broke, and what happened meanwhile is there', async () => {
    const desk = createDesk(fixtureDependencies({ runs: [DONE], pace: 250 }))
    const web = await startWebHost({ desk, directory: PAGE })
    const way = await tunnel(web.port)
    closeAfter(
      () => desk.dispose(),
      () => web.close(),
      () => new Promise((resolve) => way.server.close(resolve)),
    )
    const context = await newContext()
    const page = await context.newPage()
    await page.goto(web.url.replace(`:${web.port}`, `:${way.port}`))
    await page.getByRole('button', { name: /^Run/ }).click()
    await page.getByRole('list', { name: 'Steps of the lab' }).getByText('starting QEMU').waitFor()
    way.cut()
    await page.getByText('No connection to the lab; trying again.').waitFor()
    await page.locator('.verdict').waitFor()
    expect(await text(page, 'table.phases')).toMatch(/first boot\s+210 ms\s+430 ms\s+1.06 s\s+220 ms\s+190 ms\s+2.11 s/)
    expect(await page.locator('.steps li').allInnerTexts()).toEqual([
      expect.stringContaining('starting QEMU'),
      expect.stringContaining('kexec -e'),
    ])
  })

  it('lets nobody in without the token', async () => {
    const { web } = await open({})
    const context = await newContext()
    const page = await context.newPage()
    const answer = await page.goto(`http://127.0.0.1:${web.port}/`)
    expect(answer?.status()).toBe(401)
    expect(
      await page.evaluate(
        (port) =>
          new Promise((resolve) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/lab`)
            socket.onopen = () => resolve('opened')
            socket.onerror = () => resolve('refused')
          }),
        web.port,
      ),
    ).toBe('refused')
  })

  it('lets no other site use the token that the browser has', async () => {
    const { web, context } = await open({})
    const evil = await context.newPage()
    await evil.route('http://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body: '<p>evil' }))
    await evil.goto('http://evil.example/')
    const tries = await evil.evaluate(async (port) => {
      const base = `http://127.0.0.1:${port}/`
      const socket = await new Promise((resolve) => {
        const made = new WebSocket(`ws://127.0.0.1:${port}/lab`)
        made.onopen = () => resolve('opened')
        made.onerror = () => resolve('refused')
      })
      return {
        socket,
        read: await fetch(base, { credentials: 'include' }).then(
          () => 'read',
          () => 'refused',
        ),
      }
    }, web.port)
    expect(tries).toEqual({ socket: 'refused', read: 'refused' })
  })
})
