import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { takeBuildLock } from './lock.ts'

const HOLDER = `
  import { takeBuildLock } from ${JSON.stringify(path.join(import.meta.dirname, 'lock.ts'))}
  await takeBuildLock(process.argv[1], { wait: true })
  process.stdout.write('held\\n')
  setInterval(() => undefined, 1000)
`

describe('takeBuildLock', () => {
  const folder = `/nowhere/lock-test-${process.pid}`
  let holder: ReturnType<typeof spawn> | undefined
  afterEach(() => void holder?.kill('SIGKILL'))

  async function holdElsewhere(): Promise<number | undefined> {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', HOLDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    holder = child
    await once(child.stdout, 'data')
    return child.pid
  }

  it('says who holds it when it must not wait', async () => {
    const pid = await holdElsewhere()
    await expect(takeBuildLock(folder, { wait: false })).rejects.toMatchObject({
      code: 'image-locked',
      message: `another build is running (pid ${pid})`,
    })
  })

  it('is free as soon as its holder is killed', async () => {
    const pid = await holdElsewhere()
    const told: unknown[] = []
    const waiting = takeBuildLock(folder, {
      wait: true,
      onWaiting: (holderPid) => {
        told.push(holderPid)
        holder?.kill('SIGKILL')
      },
    })
    await (await waiting).release()
    expect(told).toEqual([pid])
  })

  it('goes from one to the next inside one process, never to two at once', async () => {
    const order: string[] = []
    const work = async (name: string): Promise<void> => {
      const lock = await takeBuildLock(folder, { wait: true })
      order.push(`${name} in`)
      await new Promise((resolve) => setTimeout(resolve, 10))
      order.push(`${name} out`)
      await lock.release()
    }
    await Promise.all(['a', 'b', 'c'].map(work))
    const holders = order.filter((_entry, index) => index % 2 === 0).map((entry) => entry.slice(0, 1))
    expect([...holders].sort()).toEqual(['a', 'b', 'c'])
    expect(order).toEqual(holders.flatMap((name) => [`${name} in`, `${name} out`]))
  })

  it('stops waiting when it is cancelled', async () => {
    const held = await takeBuildLock(folder, { wait: true })
    const cancel = new AbortController()
    const waiting = takeBuildLock(folder, { wait: true, signal: cancel.signal, onWaiting: () => cancel.abort() })
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    await held.release()
  })
})
