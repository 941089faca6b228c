import { afterEach, describe, expect, it, vi } from 'vitest'
import { requests, type RunEvent } from '../shared/contract.ts'
import { LabError } from '../shared/result.ts'
import { RunLog } from './desk-run-log.ts'
import { createDesk, type Desk } from './desk.ts'
import type { DeskDependencies } from './desk-use-cases.ts'
import { fixtureScript } from './desk-run.fixture.ts'
import { fixtureDependencies } from './desk.fixture.ts'

const desks: Desk[] = []
function open(dependencies: DeskDependencies): Desk {
  const desk = createDesk(dependencies)
  desks.push(desk)
  return desk
}
afterEach(async () => {
  await Promise.all(desks.splice(0).map((desk) => desk.dispose(1000)))
})

const refusal = (desk: Desk, name: string, input: unknown): Promise<unknown> =>
  desk.handle(name, input).then(
    () => 'answered',
    (error: unknown) => (error instanceof LabError ? error.toJSON() : error),
  )
/** Serial text of all events as one, and the other events: how text is cut into events is not promised. */
const shape = (events: readonly RunEvent[]): unknown => ({
  serial: events.map((event) => (event.type === 'serial' ? event.text : '')).join(''),
  rest: events.filter((event) => event.type !== 'serial'),
})

describe('what is refused', () => {
  it.each(['nope', 'constructor', '__proto__', 'toString', ''])('a request that is not in the contract: %j', async (name) => {
    expect(await refusal(open(fixtureDependencies()), name, {})).toMatchObject({
      code: 'refused',
      message: 'the lab has no such request',
    })
  })

  it('input of another form, with what is wrong', async () => {
    const desk = open(fixtureDependencies())
    expect(await refusal(desk, 'run:cancel', { id: '../../etc/passwd' })).toMatchInlineSnapshot(`
      {
        "code": "refused",
        "evidence": [
          "id: Invalid string: must match pattern /^[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,60}$/",
        ],
        "message": "run:cancel: the request does not have the agreed form",
      }
    `)
    expect(await refusal(desk, 'lab:info', { extra: 1 })).toMatchObject({ code: 'refused' })
    expect(await refusal(desk, 'run:start', undefined)).toMatchObject({ code: 'refused' })
    expect(await refusal(desk, 'run:start', { yaml: 'x'.repeat(1_000_001) })).toMatchObject({ code: 'refused' })
  })

  it('an answer of the lab that breaks the contract', async () => {
    const desk = open({ ...fixtureDependencies(), doctor: async () => [{ id: 'x' }] as never })
    expect(await refusal(desk, 'lab:doctor', {})).toMatchObject({ code: 'internal' })
  })

  it('everything after dispose', async () => {
    const desk = open(fixtureDependencies())
    await desk.dispose()
    expect(await refusal(desk, 'lab:info', {})).toMatchObject({ code: 'refused', message: 'the lab is closing' })
  })
})

describe('a run', () => {
  const finished = (desk: Desk): Promise<void> =>
    new Promise((resolve) => {
      desk.subscribe((name, payload) => {
        if (name === 'run:event' && 'event' in payload && ['finished', 'failed'].includes(payload.event.type)) resolve()
      })
    })

  it('is told live and again to a page that comes later, the same', async () => {
    const desk = open(fixtureDependencies({ pace: 1 }))
    const live: RunEvent[] = []
    desk.subscribe((name, payload) => {
      if (name === 'run:event' && 'event' in payload) live.push(payload.event)
    })
    const end = finished(desk)
    const { id } = requests['run:start'].out.parse(await desk.handle('run:start', { yaml: 'name: x' }))
    await end
    const replayed = requests['run:events'].out.parse(await desk.handle('run:events', { id }))
    expect(shape(replayed)).toEqual(shape(fixtureScript))
    expect(shape(live)).toEqual(shape(fixtureScript))
  })

  it('has each event either in the replay or live after it, never both', async () => {
    const script: RunEvent[] = Array.from({ length: 400 }, (_unused, index) =>
      index % 3 === 0 ? { type: 'step', hop: 0, text: `${index}` } : { type: 'serial', text: `<${index}>` },
    )
    const desk = open(fixtureDependencies({ pace: 1, script: [...script, ...fixtureScript.slice(-1)] }))
    const { id } = requests['run:start'].out.parse(await desk.handle('run:start', { yaml: 'name: x' }))
    await vi.waitFor(async () => expect((await desk.handle('run:events', { id })) as unknown[]).not.toHaveLength(0))
    const end = finished(desk)
    const late: RunEvent[] = []
    // As a host does it: the answer is posted when it settles, and what is emitted after that follows it.
    let answered = false
    desk.subscribe((name, payload) => {
      if (answered && name === 'run:event' && 'event' in payload) late.push(payload.event)
    })
    const past = requests['run:events'].out.parse(
      await desk.handle('run:events', { id }).finally(() => {
        answered = true
      }),
    )
    await end
    expect(shape([...past, ...late])).toEqual(shape([...script, ...fixtureScript.slice(-1)]))
  })

  it('is cancelled once, and says so', async () => {
    const desk = open(fixtureDependencies({ pace: 20 }))
    const end = finished(desk)
    const { id } = requests['run:start'].out.parse(await desk.handle('run:start', { yaml: 'name: x' }))
    expect(await desk.handle('run:cancel', { id })).toEqual({ cancelled: true })
    await end
    await vi.waitFor(async () => expect(await desk.handle('run:cancel', { id })).toEqual({ cancelled: false }))
    const events = requests['run:events'].out.parse(await desk.handle('run:events', { id }))
    expect(events.at(-1)).toEqual({ type: 'failed', error: { code: 'cancelled', message: 'the run was cancelled' } })
    expect(await desk.handle('run:list', {})).toMatchObject([{ id, state: 'failed' }])
  })

  it('ends the first run, and only four go on at a time', async () => {
    const desk = open(fixtureDependencies({ pace: 50 }))
    expect(await desk.handle('lab:info', {})).toMatchObject({ firstRun: true })
    for (let index = 0; index < 4; index++) await desk.handle('run:start', { yaml: 'name: x' })
    expect(await desk.handle('lab:info', {})).toMatchObject({ firstRun: false })
    expect(await refusal(desk, 'run:start', { yaml: 'name: x' })).toMatchObject({
      code: 'refused',
      message: '4 runs are going on',
    })
  })

  it('is stopped by dispose, which waits for it', async () => {
    const desk = createDesk(fixtureDependencies({ pace: 30 }))
    let end: unknown
    desk.subscribe((name, payload) => {
      if (name === 'run:event' && 'event' in payload && payload.event.type === 'failed') end = payload.event.error.code
    })
    await desk.handle('run:start', { yaml: 'name: x' })
    await desk.dispose(2000)
    expect(end).toBe('cancelled')
  })
})

it('builds one image for all who ask at the same time', async () => {
  let builds = 0
  const dependencies = fixtureDependencies({ pace: 5 })
  const desk = open({
    ...dependencies,
    buildImage: (options) => {
      builds += 1
      return dependencies.buildImage(options)
    },
  })
  const percents: number[] = []
  desk.subscribe((name, payload) => {
    if (name === 'image:progress' && 'percent' in payload) percents.push(payload.percent)
  })
  const [first, second] = await Promise.all([desk.handle('image:build', {}), desk.handle('image:build', {})])
  expect(first).toEqual(second)
  expect({ builds, percents }).toEqual({ builds: 1, percents: [0, 40, 80] })
})

describe('the replay of serial output', () => {
  it('keeps the tail within its bound, all other events, and says what is left out', () => {
    const log = new RunLog(1000)
    log.add({ type: 'step', hop: 0, text: 'first' })
    for (let index = 0; index < 500; index++) log.add({ type: 'serial', text: `${String(index).padStart(9, '0')}\n` })
    log.add({ type: 'step', hop: 0, text: 'last' })
    const events = log.events()
    const text = events.flatMap((event) => (event.type === 'serial' ? [event.text] : []))
    expect(events.filter((event) => event.type === 'step')).toHaveLength(2)
    expect(text[0]).toMatch(/^\[\d+ earlier characters are not shown here/)
    const tail = text.slice(1).join('')
    expect(tail.endsWith('000000499\n')).toBe(true)
    expect(tail.length).toBeLessThanOrEqual(1250)
    expect(tail.length + Number(/\d+/.exec(text[0] ?? '')?.[0])).toBe(5000)
  })

  it('cuts one huge text', () => {
    const log = new RunLog(1000)
    log.add({ type: 'serial', text: 'x'.repeat(10_000) })
    expect(log.events().at(-1)).toEqual({ type: 'serial', text: 'x'.repeat(1000) })
  })
})
