import { expect, it } from 'vitest'
import { ktapResults } from './selftest.ts'

it('reads the results of a KTAP text, and nothing into the rest of it', () => {
  const text = [
    'TAP version 13',
    '1..4',
    '# ok 9 said by nobody',
    'ok 1 a.b',
    'not ok 2 - c d',
    'ok 3 e # SKIP why',
    '    not ok 1 inner',
    'ok',
  ].join('\n')
  expect(ktapResults(text)).toEqual({ passed: 1, failed: ['c d', 'inner'] })
  expect(ktapResults('')).toEqual({ passed: 0, failed: [] })
})
