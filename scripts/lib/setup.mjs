import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hasProgram, LAB_NODE, ROOT, run, runLab, say, stop } from './process.mjs'

const NPM_MINUTES = 15
const APT_MINUTES = 15
/** A kernel is compiled: minutes on a common machine, longer on a small one. */
const IMAGE_MINUTES = 90

const NEWEST_RELEASE = JSON.parse(readFileSync(join(ROOT, 'qemu-images/kernel/releases.json'), 'utf8'))[0].series

const readJson = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))

/** Installs the npm packages of the lockfile unless exactly these are there. */
export async function ensureNpmPackages() {
  if (npmPackagesFit()) return
  say('Installing the npm packages of package-lock.json into node_modules (by hand: npm ci)')
  // Warnings would be about packages whose `engines` exclude this Node; they run on the newer one that is installed with them.
  const { code } = await run(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { minutes: NPM_MINUTES })
  if (code !== 0) stop(`npm ci ended with ${code}. Run it by hand to see why; it needs the npm registry.`)
}

/** Compares the lockfile with the one that npm keeps of what it installed. Packages for other platforms may be absent. */
function npmPackagesFit() {
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return false
  const wanted = readJson('package-lock.json').packages
  const installed = readJson('node_modules/.package-lock.json').packages
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (path === '' || link) return true
    const there = installed[path]
    return there === undefined ? Boolean(optional || devOptional) : there.version === version
  })
}

/** What `npm run package` needs besides; no part of node_modules, because nothing else does. */
export const PACKAGING_TOOLS = join(ROOT, 'packaging/node_modules')

/** Installs them unless they are there; false when they cannot be had. */
export async function ensurePackagingTools() {
  if (existsSync(join(PACKAGING_TOOLS, 'electron-builder'))) return true
  const argv = ['npm', 'ci', '--prefix', 'packaging', '--no-audit', '--no-fund']
  say(`Installing the packaging tools into packaging/node_modules (by hand: ${argv.join(' ')})`)
  const { code } = await run(argv, { minutes: NPM_MINUTES, stdout: 'ignore' })
  return code === 0
}

/**
 * Installs the Debian packages that the table names for these needs, as root; otherwise says the command and ends.
 * @param {readonly ('run' | 'test')[]} needs
 */
export async function ensureHostPackages(needs) {
  const rows = readJson('src/shared/host-packages.json').filter((row) => needs.includes(row.need) && !hasProgram(row.command))
  if (rows.length === 0) return
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...rows.map((row) => row.package)]
  for (const row of rows) say(`Missing: ${row.command}, for ${row.for} (Debian package ${row.package})`)
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) stop(`Install it and start again:\n  sudo ${install.join(' ')}`)
  say(`Installing (by hand: ${install.join(' ')})`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // Another apt may be at work, as on a machine that has just come up.
  const quietly = { minutes: APT_MINUTES, env, stdout: 'ignore' }
  const waiting = ['-qq', '-o', 'DPkg::Lock::Timeout=300']
  await run(['apt-get', 'update', ...waiting], quietly)
  const { code } = await run([...install, ...waiting], quietly)
  if (code !== 0) stop(`apt-get ended with ${code}. Run it by hand to see why:\n  ${install.join(' ')}`)
}

/**
 * Builds the guest images of these releases, the newest for `undefined`, unless the cache has them.
 * @param {readonly (string | undefined)[]} releases
 */
export async function ensureImages(releases = [undefined]) {
  const { text } = await runLab(['image', 'list', '--json'], { minutes: 1, stdout: 'pipe' })
  const built = JSON.parse(text).map(({ manifest }) => manifest.release)
  for (const release of releases) {
    const which = release === undefined ? [] : ['--release', release]
    if (!built.includes(release ?? NEWEST_RELEASE)) {
      say(
        `Building a guest image, once: a Linux kernel from Debian's source and a small initramfs (by hand: npm run -s kho-lab -- ${['image', 'build', ...which].join(' ')})`,
      )
    }
    const { code } = await runLab(['image', 'build', '--json', ...which], { minutes: IMAGE_MINUTES, stdout: 'ignore' })
    if (code !== 0) stop('The guest image was not built; the reason is above.', code)
  }
}

/** Builds the window's pages and the Electron host when a source is newer than the last build. */
export async function ensureAppBuilt() {
  const built = join(ROOT, 'out/renderer/index.html')
  const sources = [
    'src/renderer',
    'src/main',
    'src/preload',
    'src/shared',
    'src/lab',
    'src/guest',
    'src/model',
    'src/abi',
    'src/compare',
    'src/report',
    'src/web',
  ]
  const newest = Math.max(
    ...sources.map(newestIn),
    ...['electron.vite.config.ts', 'package-lock.json'].map((file) => statSync(join(ROOT, file)).mtimeMs),
  )
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return
  say('Building the window (by hand: npm run build)')
  const { code } = await run(['npm', 'run', '-s', 'build'], { minutes: 5, stdout: 'ignore' })
  if (code !== 0) stop('The window was not built; the reason is above. npm start -- --headless works without it.')
}

function newestIn(folder) {
  const directory = join(ROOT, folder)
  if (!existsSync(directory)) return 0
  return Math.max(
    ...readdirSync(directory, { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? newestIn(join(folder, entry.name)) : statSync(join(directory, entry.name)).mtimeMs,
    ),
  )
}

/** A download of the kernel's source package. */
const SOURCE_MINUTES = 15

/**
 * Where the unit tests find the kernel's mm/memblock.c with its harness, as environment: from the cache, else from Debian's source
 * package. What cannot be had is said, and why.
 */
export async function memblockSource() {
  if (process.env.KHO_LAB_KERNEL_TREE !== undefined) return {}
  const { code, text } = await run([LAB_NODE, join(ROOT, 'scripts/memblock-source.ts')], {
    minutes: SOURCE_MINUTES,
    stdout: 'pipe',
  })
  const line = text.trim().split('\n').at(-1) ?? ''
  return code === 0 ? { KHO_LAB_KERNEL_TREE: line } : { KHO_LAB_KERNEL_TREE_MISSING: `no kernel source: ${line}` }
}
