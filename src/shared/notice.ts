import type { EventName, EventPayload } from './contract.ts'
import type { Summary } from './documents/index.ts'

/** What a desktop is told of an end. Plain words of the lab alone: a notification server may read markup in it. */
export interface Notice {
  readonly title: string
  readonly body: string
}

/** The notice that an event is worth; undefined for all that is no end. */
export function noticeOf<K extends EventName>(name: K, payload: EventPayload<K>): Notice | undefined
export function noticeOf(name: EventName, payload: EventPayload<EventName>): Notice | undefined {
  if (name === 'run:event') return ofRun(payload as EventPayload<'run:event'>)
  if (name === 'study:event') return ofStudy(payload as EventPayload<'study:event'>)
  if (name !== 'image:ended') return undefined
  const { release } = payload as EventPayload<'image:ended'>
  return release === undefined
    ? { title: 'The guest image was not built', body: 'The list of guest images says why.' }
    : { title: 'The guest image is built', body: 'Pick an experiment and run it.' }
}

function ofRun({ id, event }: EventPayload<'run:event'>): Notice | undefined {
  // The id is made of the time and of letters, digits and dashes: a name could be anything.
  const name = id.slice('YYYYMMDD-HHMMSS-'.length)
  if (event.type === 'held') return { title: `${name} is held`, body: 'It waits to be let go on.' }
  if (event.type === 'finished') return { title: `${name}: ${event.summary.run}`, body: counts(event.summary) }
  return event.type === 'failed' ? { title: `${name} failed`, body: 'Its view says why.' } : undefined
}

function ofStudy({ id, events }: EventPayload<'study:event'>): Notice | undefined {
  if (events.some(({ type }) => type === 'failed')) return { title: `${id} failed`, body: 'Policies says why.' }
  return events.some(({ type }) => type === 'finished')
    ? { title: `${id} has ended`, body: 'Its charts are in Policies.' }
    : undefined
}

const counts = ({ match, differ, unobserved, unpredicted }: Summary): string =>
  `${differ} differ, ${match} match, ${unobserved} unobserved, ${unpredicted} unpredicted`
