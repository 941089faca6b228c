import { from, guest, host, never, unobserved, value, type ObserversOf } from '../side.ts'

const GUEST_ONLY = 'guest RAM is not searched for this'

export const bootObservers: ObserversOf<'boot.release' | 'boot.cmdline' | 'boot.kho'> = {
  'boot.release': {
    guest: guest((view) => from(view.release, 'uname -r', value)),
    host: host((view) =>
      from(view.banner, 'linux_banner', ({ text }) => {
        const release = text.split(' ')[2]
        return text.startsWith('Linux version ') && release !== undefined
          ? value(release)
          : unobserved('linux_banner holds no version')
      }),
    ),
  },
  'boot.cmdline': {
    guest: guest((view) => from(view.cmdline, '/proc/cmdline', (text) => value(text.trim()))),
    host: never(GUEST_ONLY),
  },
  'boot.kho': {
    guest: guest((view) => from(view.khoDirectory, '/sys/kernel/debug/kho', value)),
    host: never(GUEST_ONLY),
  },
}
