import type { Machine } from '../../guest/machine.ts'
import { quoted } from '../../guest/ssh/session.ts'
import type { LuoCall } from '../../model/luo/operations.ts'
import { notSeen, seen, type HopObservation, type LuoOperation } from '../../shared/documents/index.ts'

const TIMEOUT_MS = 300_000

/** Lets the guest's tool do what the experiment asks of LUO; what it said, line by line, or why it said nothing. */
export async function carryOutLuo(machine: Machine, calls: readonly LuoCall[]): Promise<NonNullable<HopObservation['luo']>> {
  const operations: LuoOperation[] = []
  for (const { mode, operations: asked } of calls) {
    const { code, stdout, stderr } = await machine.exec(`luo ${mode} ${asked.map(quoted).join(' ')}`, { timeoutMs: TIMEOUT_MS })
    if (code !== 0) return notSeen(`luo ${mode}: ${stderr.trim() || `exit code ${code}`}`)
    operations.push(...linesOf(stdout.toString('utf8')))
  }
  return seen(operations)
}

const linesOf = (text: string): readonly LuoOperation[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [op = '', error = '', ...detail] = line.split(' ')
      return { op, error: Number(error), ...(detail.length === 0 ? {} : { detail: detail.join(' ') }) }
    })
