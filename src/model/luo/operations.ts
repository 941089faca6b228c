import type { LuoStep } from '../../shared/documents/index.ts'
import { memfdSeed } from '../../shared/luo-pattern.ts'

/** One call of the guest's `luo` tool for one step. `hold` keeps every session that it creates until the kexec. */
export interface LuoCall {
  readonly mode: 'hold' | 'take'
  readonly operations: readonly string[]
}

interface MemfdPlan {
  readonly token: number
  readonly size: number
}

/** What is known of a session before the guest starts. */
export interface SessionPlan {
  readonly name: string
  readonly memfds: readonly MemfdPlan[]
}

/** The operations of a step. `incoming`: the sessions that the boot before handed over. */
export function luoCall(step: LuoStep, incoming: readonly SessionPlan[], seed: number): LuoCall {
  switch (step.step) {
    case 'luoCreate':
      return { mode: 'hold', operations: [`create=${step.session}`, ...step.memfds.map((memfd) => made(memfd, seed))] }
    case 'luoFill':
      return {
        mode: 'hold',
        operations: [`many=${step.count},${step.prefix}`, ...(step.duplicate ? [`create=${step.prefix}0`] : [])],
      }
    case 'luoRetrieve': {
      const memfds = incoming.find(({ name }) => name === step.session)?.memfds ?? []
      const taken = [
        `retrieve=${step.session}`,
        ...memfds.map(({ token }) => `fetch=${token},${memfdSeed(seed, token)}`),
        'finish',
      ]
      const again = [`create=${step.session}`, ...memfds.map(({ token }) => `again=${token}`)]
      return step.keep ? { mode: 'hold', operations: [...taken, ...again] } : { mode: 'take', operations: taken }
    }
  }
}

const made = ({ token, size }: MemfdPlan, seed: number): string => `memfd=${token},${size},${memfdSeed(seed, token)}`
