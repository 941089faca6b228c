import { describe, expect, it } from 'vitest'
import { LabError, toLabError } from '../shared/result.ts'
import { Doom, withinPhase } from './phases.ts'

const never = new Promise<string>(() => undefined)
const failure = (promise: Promise<unknown>): Promise<LabError> =>
  promise.then(() => {
    throw new Error('did not fail')
  }, toLabError)

describe('withinPhase', () => {
  it('gives what the step gives', async () => {
    expect(await withinPhase('kernel', Promise.resolve('init'), 1000, new Doom(), () => [])).toBe('init')
  })

  it('says for what it waited in vain, with the evidence of that moment', async () => {
    const evidence: string[] = []
    const waiting = failure(withinPhase('kernel', never, 20, new Doom(), () => evidence))
    evidence.push('[    1.0] hanging here')
    expect((await waiting).toJSON()).toEqual({
      code: 'guest-silent',
      message: "the guest is silent: waited 0.04 s in phase kernel for the start of the guest's init",
      hint: 'The last lines of its console are the evidence.',
      evidence: ['[    1.0] hanging here'],
    })
  })

  it('is patient with a guest that goes on talking, but not for ever', async () => {
    const evidence: string[] = []
    const talking = setInterval(() => evidence.push(`line ${evidence.length}`), 2)
    const endless = await failure(withinPhase('kernel', never, 50, new Doom(), () => evidence))
    clearInterval(talking)
    expect(endless.message).toBe("the guest is silent: waited 0.25 s in phase kernel for the start of the guest's init")
  })

  it('ends with the guest', async () => {
    const doom = new Doom()
    const waiting = failure(withinPhase('ssh', never, 60_000, doom, () => []))
    const first = new LabError({ code: 'guest-died', message: 'first' })
    doom.come(first)
    doom.come(new LabError({ code: 'guest-died', message: 'second' }))
    expect(await waiting).toBe(first)
    expect(doom.error).toBe(first)
    await expect(doom.race(never)).rejects.toBe(first)
  })
})
