import type { EventName, EventPayload, LabClient, RequestName, RequestOut } from '../../shared/contract.ts'
import { visibleLines } from '../../shared/visible.ts'
import { ProblemError, problemOf } from './problem.ts'

/**
 * A client whose answers and events hold no character that does not print as itself. What guests and other people's processes
 * say is shown in many places; here it is made harmless once. What a terminal or an editor shows, or a file gets, stays as it is.
 */
export const printing = (client: LabClient): LabClient => ({
  invoke: (name, input) =>
    client.invoke(name, input).then(
      (value) => answerShown(name, value),
      (error: unknown) => {
        const { code, message, hint, evidence } = problemOf(error)
        throw new ProblemError(shown({ code, message, hint, evidence }))
      },
    ),
  on: (name, listener) => client.on(name, (payload) => listener(eventShown(name, payload))),
})

const RAW: ReadonlySet<RequestName> = new Set([
  'experiment:list',
  'experiment:form',
  'experiment:edit',
  'shell:list',
  'run:report',
  'run:pdf',
])

function answerShown<K extends RequestName>(name: K, value: RequestOut<K>): RequestOut<K> {
  return RAW.has(name) ? value : shown(value)
}

function eventShown<K extends EventName>(name: K, payload: EventPayload<K>): EventPayload<K> {
  return name === 'shell:data' ? payload : shown(payload)
}

/** The same value where nothing of it has to change. Serial output is for a terminal. */
export function shown<T>(value: T): T {
  return shownJson(value) as T
}

function shownJson(value: unknown): unknown {
  if (typeof value === 'string') return visibleLines(value)
  if (typeof value !== 'object' || value === null || isSerial(value)) return value
  if (Array.isArray(value)) return shownList(value)
  const entries = Object.entries(value)
  const changed = entries.map(([key, item]) => [visibleLines(key), shownJson(item)] as const)
  return changed.every(([key, item], index) => key === entries[index]?.[0] && item === entries[index][1])
    ? value
    : Object.fromEntries(changed)
}

/** Lists are of one kind: a million addresses are not looked at one by one. */
function shownList(list: readonly unknown[]): readonly unknown[] {
  if (typeof list[0] === 'number') return list
  const changed = list.map((item) => shownJson(item))
  return changed.every((item, index) => item === list[index]) ? list : changed
}

const isSerial = (value: object): boolean => 'type' in value && value.type === 'serial' && 'text' in value
