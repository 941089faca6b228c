import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Progress } from '../types.ts'
import { missingPackages } from './host-tools.ts'
import { runStep } from './process.ts'
import { ProgressTracker } from './progress.ts'

describe('runStep', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kho-lab-step-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('gives stdout, and each line as it comes', async () => {
    const lines: string[] = []
    await runStep(['printf', 'a\\nb\\nlast'], { onLine: (line) => lines.push(line) })
    expect({ lines, text: await runStep(['printf', 'x y']) }).toEqual({ lines: ['a', 'b', 'last'], text: 'x y' })
  })

  it('fails with the last twenty lines, and keeps the whole log', async () => {
    const log = path.join(directory, 'log')
    const failing = runStep(['sh', '-c', 'seq 30; exit 3'], { log })
    await expect(failing).rejects.toMatchObject({
      code: 'image-build-failed',
      message: 'sh failed with exit code 3',
      hint: `The whole log is in ${log}`,
      evidence: Array.from({ length: 20 }, (_unused, index) => String(index + 11)),
    })
    expect(readFileSync(log, 'utf8').split('\n').slice(0, 3)).toEqual(['$ sh -c seq 30; exit 3', '1', '2'])
  })

  it('ends everything that a cancelled step started', async () => {
    const cancel = new AbortController()
    const pids: number[] = []
    const step = runStep(['sh', '-c', 'sleep 60 & echo $!; wait'], {
      signal: cancel.signal,
      onLine: (line) => {
        pids.push(Number(line))
        cancel.abort()
      },
    })
    await expect(step).rejects.toMatchObject({ code: 'cancelled' })
    const alive = pids.filter(
      (pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    )
    expect({ started: pids.length, alive }).toEqual({ started: 1, alive: [] })
  })

  it('starts nothing when it is cancelled before', async () => {
    const target = path.join(directory, 'made')
    await expect(runStep(['touch', target], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    expect(existsSync(target)).toBe(false)
  })
})

describe('ProgressTracker', () => {
  it('spreads steps over one percentage and estimates from the speed of the running one', () => {
    const seen: Progress[] = []
    let now = 0
    const tracker = new ProgressTracker(
      [
        { name: 'a', seconds: 10 },
        { name: 'b', seconds: 90 },
      ],
      (progress) => seen.push(progress),
      () => now,
    )
    tracker.start('a', 'first')
    now = 10_000
    tracker.start('b', 'second')
    now = 30_000
    tracker.within(0.5)
    tracker.within(0.501)
    tracker.within(2)
    expect(seen).toEqual([
      { phase: 'first', percent: 0, secondsLeft: 100 },
      { phase: 'second', percent: 10, secondsLeft: 90 },
      { phase: 'second', percent: 55, secondsLeft: 20 },
      { phase: 'second', percent: 99, secondsLeft: 0 },
    ])
  })
})

it('shows the errors of a failed step that came before its last lines', async () => {
  const failing = runStep(['sh', '-c', 'echo "a.c:1: error: expected ;" >&2; sleep 0.2; seq 40; exit 2'])
  await expect(failing).rejects.toMatchObject({
    evidence: ['a.c:1: error: expected ;', '[...]', ...Array.from({ length: 20 }, (_none, index) => `${index + 21}`)],
  })
})

describe('missingPackages', () => {
  it('asks for the compiler tools only where a kernel is built', () => {
    const absent = new Set(['flex', '/usr/include/libelf.h', 'gcc'])
    const present = (name: string): boolean => !absent.has(name)
    expect([missingPackages(true, present), missingPackages(false, present)]).toEqual([['gcc', 'flex', 'libelf-dev'], ['gcc']])
  })
})
