import { from, guest, never, onHop, unobserved, value, type ObserversOf } from '../side.ts'

const RESULT = /test_kho: (KHO restore (?:succeeded|failed))/

export const selftestObservers: ObserversOf<'selftest.program' | 'selftest.kernel'> = {
  'selftest.program': {
    guest: onHop(({ hop }) => from(hop.selftest, 'the test program', ({ exitCode, failed }) => value({ exitCode, failed }))),
    host: never('the test runs inside the guest'),
  },
  'selftest.kernel': {
    guest: guest((view) =>
      from(view.khoMessages, 'dmesg', (lines) => {
        const said = lines.map((line) => RESULT.exec(line)?.[1]).find((text) => text !== undefined)
        return said === undefined ? unobserved('dmesg has no line of test_kho about restoring') : value(said)
      }),
    ),
    host: never('the test runs inside the guest'),
  },
}
