import type { GuestChannel } from '../../guest/types.ts'
import { LabError } from '../../shared/result.ts'
import type { PageFiles } from './observed-run.ts'
import { PAGE_STEPS, perCpuPages, probeLine } from './page-comparison.ts'

/**
 * Has khoprobe carry out the steps of the comparison in a fresh guest and reads /proc before the first and after each. Rejects
 * with LabError guest-command-failed when khoprobe is missing or refuses a step.
 */
export async function walkGuest(
  guest: GuestChannel,
  onStep: (words: string) => void = () => undefined,
): Promise<readonly PageFiles[]> {
  // Loads the module, so that its own memory is part of the start.
  await run(guest, "khoprobe 'wait 0'")
  const snapshots = [await snapshot(guest)]
  for (const step of PAGE_STEPS) {
    onStep(step.words)
    const line = probeLine(step)
    if (line !== undefined) {
      const answer = await run(guest, `khoprobe '${line}'`)
      const status = /^= (\d+) \d+$/m.exec(answer)?.[1]
      if (status !== '0') throw failed(`khoprobe refused "${line}"`, answer)
    }
    snapshots.push(await snapshot(guest))
  }
  return snapshots
}

const SEPARATOR = '---- next ----'
const READINGS = 40
/** Pages that reading itself moves: each cat is a process that comes and goes. */
const OWN_PAGES = 128

/**
 * Both files of one moment: the kernel moves pages between per-CPU and buddy lists of its own accord (decay_pcp_high(),
 * mm/page_alloc.c, 7.3), so the lists are read before and after, until next to nothing has moved between.
 */
async function snapshot(guest: GuestChannel): Promise<PageFiles> {
  const zoneinfo = 'cat /proc/zoneinfo'
  const command = [zoneinfo, 'cat /proc/pagetypeinfo', zoneinfo].join(`; echo '${SEPARATOR}'; `)
  for (let reading = 0; reading < READINGS; reading++) {
    const [before = '', pagetypeinfo = '', after = ''] = (await run(guest, command)).split(`${SEPARATOR}\n`)
    const files = { zoneinfo: after, pagetypeinfo }
    if (Math.abs(perCpuPages({ zoneinfo: before, pagetypeinfo }) - perCpuPages(files)) <= OWN_PAGES) return files
  }
  throw failed(`the guest's free lists did not stand still for ${READINGS} readings`, '')
}

async function run(guest: GuestChannel, command: string): Promise<string> {
  const { code, stdout, stderr } = await guest.exec(command)
  if (code !== 0) throw failed(`${command.split(' ')[0] ?? 'a command'} ended with ${code} in the guest`, stderr)
  return stdout.toString('utf8')
}

const failed = (message: string, evidence: string): LabError =>
  new LabError({ code: 'guest-command-failed', message, evidence: evidence.trim().split('\n').slice(-5) })
