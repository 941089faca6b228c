import type { SubjectValues } from '../../shared/documents/subjects.ts'
import { lostBeginning } from './memory-log.ts'
import { from, guest, host, never, unobserved, value, type Context, type Look, type ObserversOf } from '../side.ts'

const GUEST_ONLY = 'guest RAM is not searched for this'

export const bootObservers: ObserversOf<'boot.release' | 'boot.cmdline' | 'boot.kho' | 'boot.outcome'> = {
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
  'boot.outcome': { guest: outcome, host: never('whether a kernel took the handover only its log says') },
}

const PANIC = /Kernel panic - not syncing: (.*)$/
const RIP = /RIP: 0010:(\w+)\+0x/

type Outcome = SubjectValues['boot.outcome']

/** A boot that was observed says itself; of one that was not, the console of a run that ended there. */
function outcome(context: Context): Look<Outcome> {
  const { observation, claim } = context
  const seen = observation.hops.find(({ hop }) => hop === claim.hop)
  if (seen !== undefined)
    return from<readonly string[], Outcome>(seen.guest.khoMessages, 'dmesg', (lines) => {
      if (lines.some((line) => line.startsWith('KHO: found kexec handover data.'))) return value({ how: 'handover' })
      return lostBeginning(seen.guest) ?? value({ how: 'no-handover' })
    })
  const { lost } = observation
  const death = lost?.hop === claim.hop ? deathOf(lost) : undefined
  if (death !== undefined) return value(death)
  return unobserved(`boot ${claim.hop} was not observed${lost === undefined ? '' : `: ${lost.message}`}`)
}

type Lost = NonNullable<Context['observation']['lost']>

function deathOf({ code, message, evidence }: Lost): Outcome | undefined {
  const said = firstMatch(PANIC, [message, ...evidence])
  // %pe prints a name instead of the number where CONFIG_SYMBOLIC_ERRNAME is set.
  if (code === 'guest-panicked' && said !== undefined) return { how: 'panic', message: said.replace('[-EINVAL]', '[-22]') }
  // Registers on the console and nothing after them.
  const at = firstMatch(RIP, evidence)
  return code === 'guest-silent' && at !== undefined ? { how: 'halted', at } : undefined
}

const firstMatch = (pattern: RegExp, lines: readonly string[]): string | undefined =>
  lines.map((line) => pattern.exec(line)?.[1]?.trim()).find((text) => text !== undefined)
