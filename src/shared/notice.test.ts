import { expect, it } from 'vitest'
import { noticeOf } from './notice.ts'

const id = '20261122-100000-hello'

it('tells ends, and a run that waits for a person', () => {
  const summary = { match: 3, differ: 1, unobserved: 0, unpredicted: 2, run: 'disagreed' as const }
  expect([
    noticeOf('run:event', { id, event: { type: 'finished', directory: '/x', summary, findings: [] } }),
    noticeOf('run:event', { id, event: { type: 'failed', error: { code: 'guest-lost', message: '<b>guest</b> text' } } }),
    noticeOf('run:event', { id, event: { type: 'held', hop: 0, next: 'hop' } }),
    noticeOf('image:ended', {}),
    noticeOf('study:event', { id: 'study-1', events: [{ type: 'finished', primitives: [], unfinished: [] }] }),
  ]).toEqual([
    { title: 'hello: disagreed', body: '1 differ, 3 match, 0 unobserved, 2 unpredicted' },
    { title: 'hello failed', body: 'Its view says why.' },
    { title: 'hello is held', body: 'It waits to be let go on.' },
    { title: 'The guest image was not built', body: 'The list of guest images says why.' },
    { title: 'study-1 has ended', body: 'Its charts are in Policies.' },
  ])
})

it('tells nothing else', () => {
  expect(noticeOf('run:event', { id, event: { type: 'step', hop: 0, text: 'x' } })).toBeUndefined()
  expect(noticeOf('image:progress', { phase: 'compiling', percent: 1 })).toBeUndefined()
})
