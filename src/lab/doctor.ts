import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { removeDeadWorkDirectories } from '../guest/image/cache.ts'
import { missingPackages } from '../guest/image/host-tools.ts'
import { ownPath } from '../guest/own-files.ts'
import { hostRoom } from '../guest/qemu/ram.ts'
import { reapLeftovers } from '../guest/qemu/reap.ts'
import type { Diagnosis } from '../shared/contract.ts'
import { checkAttach, checkPdf } from './doctor-reach.ts'
import hostPackages from '../shared/host-packages.json' with { type: 'json' }
import { formatSize, GiB, MiB } from '../shared/units.ts'

/** What the checks look at; a test passes its own. */
export interface DoctorContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** First lines of a program's output, or undefined when it cannot be started. */
  readonly capture: (command: string, args: readonly string[]) => Promise<string | undefined>
  /** Built images: release of the lab's, the kernel's own and size in bytes. */
  readonly images: () => Promise<readonly BuiltImage[]>
  /** Id of the image that a run takes unless told otherwise, where it is built. */
  readonly readyImage: () => Promise<string | undefined>
  readonly cacheDirectory: string
}

export interface BuiltImage {
  readonly id: string
  readonly release: string
  readonly kernel: string
  readonly size: number
}

interface Finding {
  readonly state: Diagnosis['state']
  readonly detail: string
  readonly fix?: string
}

/** One check and what it finds. Installing is left to people. */
interface Check {
  readonly id: string
  readonly title: string
  readonly check: (context: DoctorContext) => Promise<Finding>
}

/** memory-backend-file, `-machine memory-backend=` and the QMP schema that the lab speaks; tried from this release on. */
const QEMU_MIN = [7, 2] as const
/** Source 167 MB, unpacked 1.8 GB, build tree 0.3 GB, and room to breathe. */
const BUILD_DISK = 3 * GiB
/** The hello experiment's guest. */
const GUEST_MEMORY = 1 * GiB

const ok = (detail: string): Finding => ({ state: 'ok', detail })
const warning = (detail: string, fix: string): Finding => ({ state: 'warning', detail, fix })
const missing = (detail: string, fix: string): Finding => ({ state: 'missing', detail, fix })

const installing = (packages: readonly string[]): string => `apt-get install -y --no-install-recommends ${packages.join(' ')}`

export const CHECKS: readonly Check[] = [
  { id: 'qemu', title: 'QEMU', check: checkQemu },
  { id: 'kvm', title: 'KVM', check: checkKvm },
  { id: 'build-tools', title: 'Build tools', check: checkBuildTools },
  { id: 'image', title: 'Guest image', check: checkImage },
  { id: 'disk', title: 'Disk for a build', check: checkDisk },
  { id: 'guest-ram', title: 'Room for guest RAM', check: checkGuestRam },
  { id: 'memory', title: 'Memory', check: checkMemory },
  { id: 'leftovers', title: 'Leftovers of killed labs', check: checkLeftovers },
  { id: 'test-tools', title: 'Tools of the tests', check: checkTestTools },
  { id: 'electron', title: 'Electron', check: checkElectron },
  { id: 'display', title: 'Display', check: checkDisplay },
  { id: 'pdf', title: 'PDF', check: ({ env }) => checkPdf(env['PATH']) },
  { id: 'attach', title: 'Attaching', check: () => checkAttach() },
]

/** Runs every check, in order. A check that itself fails is a warning, not the end. */
export async function diagnose(context: DoctorContext, checks: readonly Check[] = CHECKS): Promise<readonly Diagnosis[]> {
  return Promise.all(
    checks.map(async ({ id, title, check }): Promise<Diagnosis> => {
      try {
        return { id, title, ...(await check(context)) }
      } catch (error) {
        return {
          id,
          title,
          ...warning(`could not be checked: ${error instanceof Error ? error.message : String(error)}`, 'Check it by hand.'),
        }
      }
    }),
  )
}

/** `QEMU emulator version 7.2.22 (Debian …)` as [7, 2, 22]. */
export function qemuVersion(text: string): readonly number[] | undefined {
  const match = /QEMU emulator version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text)
  return match === null ? undefined : [match[1], match[2], match[3] ?? '0'].map(Number)
}

const olderThan = (version: readonly number[], [major, minor]: readonly [number, number]): boolean =>
  (version[0] ?? 0) < major || (version[0] === major && (version[1] ?? 0) < minor)

async function checkQemu({ capture }: DoctorContext): Promise<Finding> {
  const text = await capture('qemu-system-x86_64', ['--version'])
  if (text === undefined) return missing('qemu-system-x86_64 is not in PATH', installing(['qemu-system-x86']))
  const version = qemuVersion(text)
  if (version === undefined)
    return warning(`qemu-system-x86_64 does not say its version: ${text.slice(0, 80)}`, 'Check what qemu-system-x86_64 is.')
  if (olderThan(version, QEMU_MIN))
    return missing(`QEMU ${version.join('.')} is older than ${QEMU_MIN.join('.')}`, 'Install a newer QEMU.')
  return ok(`QEMU ${version.join('.')}`)
}

async function checkKvm(): Promise<Finding> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    // Absent or not ours to open: either way TCG is used.
    return warning(
      '/dev/kvm cannot be opened; guests run under TCG, some times slower',
      'Load kvm_intel or kvm_amd, and join the group kvm.',
    )
  }
  return ok('/dev/kvm opens; whether guests really run under it shows when the first one speaks, else TCG is used')
}

async function checkBuildTools(): Promise<Finding> {
  const lacking = missingPackages(true)
  return lacking.length === 0
    ? ok('everything that building a guest image needs')
    : warning(`needed to build a guest image: ${lacking.join(', ')}`, installing(lacking))
}

async function checkImage({ images, readyImage }: DoctorContext): Promise<Finding> {
  const [built, readyId] = await Promise.all([images(), readyImage()])
  const ready = built.find(({ id }) => id === readyId)
  const others = built.filter((image) => image !== ready)
  const size = (of: readonly BuiltImage[]): string =>
    formatSize(Math.ceil(of.reduce((sum, image) => sum + image.size, 0) / MiB) * MiB)
  const more = others.length === 0 ? '' : `${others.length} more, ${size(others)}: kho-lab image list`
  if (ready) return ok(`${ready.release} (${ready.kernel}, ${size([ready])})${more === '' ? '' : `; ${more}`}`)
  return missing(
    others.length === 0 ? 'no guest image is built yet' : `none is built of the lab's present sources; ${more}`,
    'kho-lab image build',
  )
}

async function checkDisk({ cacheDirectory }: DoctorContext): Promise<Finding> {
  const { directory, free } = await roomAt(cacheDirectory)
  const detail = `${gib(free)} free at ${directory}`
  return free >= BUILD_DISK
    ? ok(detail)
    : warning(
        `${detail}; building an image takes ${gib(BUILD_DISK)} for a while`,
        'Free some, or set XDG_CACHE_HOME to another disk.',
      )
}

async function checkGuestRam(): Promise<Finding> {
  const { directories } = await hostRoom()
  const best = directories.reduce((a, b) => (b.free > a.free ? b : a))
  const detail = directories.map(({ path, free }) => `${gib(free)} free in ${path}`).join(', ')
  return best.free >= GUEST_MEMORY
    ? ok(`${detail}; guest RAM is a file in the first that has room`)
    : warning(`${detail}; guest RAM is a file there`, 'mount -o remount,size=4G /dev/shm, or use smaller guests')
}

async function checkMemory(): Promise<Finding> {
  const { memory } = await hostRoom()
  const detail = `${gib(memory)} of ${gib(totalmem())} available`
  return memory >= GUEST_MEMORY
    ? ok(detail)
    : warning(
        `${detail}; the first experiment has a guest of ${gib(GUEST_MEMORY)}`,
        'End something large, or set machine.memory lower.',
      )
}

/** What a killed lab left behind is cleared away here, as every run does before it starts. */
async function checkLeftovers({ env, cacheDirectory }: DoctorContext): Promise<Finding> {
  const [reaped, builds] = await Promise.all([reapLeftovers({ env }), removeDeadWorkDirectories(cacheDirectory)])
  const words = [
    ...reaped.map(({ directory, text }) => `${text} (${directory})`),
    ...builds.map((directory) => `removed what a killed build left in ${directory}`),
  ]
  return ok(words.length === 0 ? 'none' : words.join('; '))
}

async function checkTestTools({ env }: DoctorContext): Promise<Finding> {
  const rows = hostPackages.filter(({ need }) => need === 'test')
  const found = await Promise.all(rows.map(({ command }) => findProgram(command, env)))
  const absent = rows.filter((_row, index) => found[index] === undefined)
  if (absent.length === 0) return ok('everything that npm test needs')
  return warning(
    `not installed, and only npm test needs them: ${absent.map(({ command }) => command).join(', ')}`,
    installing(absent.map((row) => row.package)),
  )
}

async function checkElectron({ env }: DoctorContext): Promise<Finding> {
  const override = env['ELECTRON_OVERRIDE_DIST_PATH']
  const path = override === undefined ? ownPath('node_modules/electron/dist/electron') : join(override, 'electron')
  return (await isThere(path, constants.X_OK))
    ? ok(path)
    : warning('its binary is not there; the lab opens in the browser instead (kho-lab serve)', 'npx install-electron')
}

async function checkDisplay({ env }: DoctorContext): Promise<Finding> {
  const display = env['WAYLAND_DISPLAY'] ?? env['DISPLAY']
  return display === undefined || display === ''
    ? warning(
        'none; use the terminal, or kho-lab serve and a browser elsewhere through ssh -L',
        'Set DISPLAY or WAYLAND_DISPLAY.',
      )
    : ok(display)
}

const gib = (size: number): string => `${(size / GiB).toFixed(1)} GiB`

async function isThere(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode)
    return true
  } catch {
    // Not there, or not for us: the answer is no.
    return false
  }
}

/** Where PATH finds a program; undefined when nowhere. */
export async function findProgram(command: string, env: DoctorContext['env']): Promise<string | undefined> {
  for (const directory of (env['PATH'] ?? '').split(':')) {
    const path = join(directory, command)
    if (directory !== '' && (await isThere(path, constants.X_OK))) return path
  }
  return undefined
}

/** Free bytes for us at `path`, or at the nearest directory above it that exists. */
async function roomAt(path: string): Promise<{ directory: string; free: number }> {
  let directory = path
  while (directory !== '/' && !(await isThere(directory, constants.F_OK))) directory = join(directory, '..')
  const { bavail, bsize } = await statfs(directory)
  return { directory, free: bavail * bsize }
}
