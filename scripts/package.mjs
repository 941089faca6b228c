#!/usr/bin/env node
/** `npm run package`: the app as a directory and as a .deb, in dist/. Needs the network once, for Electron and the packaging tools. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative } from 'node:path'
import { LAB_NODE, ROOT, hasProgram, run, say } from './lib/process.mjs'
import { PACKAGING_TOOLS, ensurePackagingTools } from './lib/setup.mjs'

const STAND_IN = process.argv.includes('--stand-in')
/** A packaging test leaves a package that was made to be used alone. */
const DIST = join(ROOT, STAND_IN ? 'dist/packaging-test' : 'dist')
const STAGE = join(DIST, 'stage')
const ELECTRON = join(ROOT, 'node_modules/electron/dist')

class Failure extends Error {}

async function step(words, argv, options, failure) {
  say(`kho-lab: ${words}`)
  const { code, text } = await run(argv, { minutes: 20, ...options })
  if (code !== 0) throw new Failure(failure ?? `${words}: failed with exit code ${code}`)
  return text
}

/** Electron's binary, which is no part of its npm package. */
async function electronDirectory() {
  if (existsSync(join(ELECTRON, 'electron'))) return ELECTRON
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (given !== undefined && existsSync(join(given, 'electron'))) return given
  await step(
    'fetching Electron',
    ['install-electron'],
    { minutes: 10 },
    "Electron could not be fetched: its binary comes from the project's release page, which this machine does not reach. " +
      'Fetch it elsewhere and set ELECTRON_OVERRIDE_DIST_PATH to the unpacked directory; or try the packaging alone: npm run package -- --stand-in',
  )
  return ELECTRON
}

/** The packaging test: the stand-in in the place of Electron's binary. */
function standInDirectory(directory) {
  mkdirSync(directory, { recursive: true })
  const standIn = join(ROOT, 'tests/electron-standin/electron')
  writeFileSync(
    join(directory, 'electron'),
    `#!/bin/sh\nexec '${standIn}' "$(dirname "$(readlink -f "$0")")/resources/app" "$@"\n`,
  )
  chmodSync(join(directory, 'electron'), 0o755)
  writeFileSync(join(directory, 'LICENSE'), 'The Electron stand-in of kho-lab: a packaging test, not Electron.\n')
  writeFileSync(join(directory, 'version'), electronVersion())
  return directory
}

const json = (file) => JSON.parse(readFileSync(file, 'utf8'))
const electronVersion = () => json(join(ROOT, 'node_modules/electron/package.json')).version

/** The packages that the product needs when it runs, as they lie in node_modules. */
function runtimePackages() {
  const text = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: ROOT, encoding: 'utf8' })
  return text
    .split('\n')
    .slice(1)
    .filter((path) => path !== '' && existsSync(path))
}

function stage() {
  rmSync(STAGE, { recursive: true, force: true })
  const resources = join(STAGE, 'resources')
  mkdirSync(resources, { recursive: true })
  const { name, version, description, license, type, main, dependencies } = json(join(ROOT, 'package.json'))
  const manifest = { name, version, description, author: 'kho-lab', license, type, main, dependencies }
  writeFileSync(join(STAGE, 'package.json'), JSON.stringify(manifest, undefined, 2))
  writeFileSync(join(resources, 'package.json'), JSON.stringify(manifest, undefined, 2))
  cpSync(join(ROOT, 'out'), join(STAGE, 'out'), { recursive: true })
  for (const part of ['cli', 'renderer']) cpSync(join(ROOT, 'out', part), join(resources, 'out', part), { recursive: true })
  for (const part of ['experiments', 'studies', 'schemas', 'qemu-images', 'LICENSE'])
    cpSync(join(ROOT, part), join(resources, part), { recursive: true })
  for (const path of runtimePackages()) {
    const to = relative(ROOT, path)
    for (const base of [STAGE, resources]) cpSync(realpathSync(path), join(base, to), { recursive: true })
  }
  copyFileSync(realpathSync(LAB_NODE), join(resources, 'node'))
  chmodSync(join(resources, 'node'), 0o755)
}

async function main() {
  for (const program of ['dpkg-deb', 'fakeroot'])
    if (!hasProgram(program)) throw new Failure(`${program} is not installed; on Debian: apt-get install dpkg fakeroot`)
  if (!(await ensurePackagingTools()))
    throw new Failure('the packaging tools could not be fetched; is the package registry reachable?')
  rmSync(DIST, { recursive: true, force: true })
  const electron = STAND_IN ? standInDirectory(join(DIST, 'stand-in')) : await electronDirectory()
  await step('building the app', ['npm', 'run', '-s', 'build'], { stdout: 'ignore' })
  await step('building the command', ['npm', 'run', '-s', 'build:cli'], { stdout: 'ignore' })
  stage()
  const env = {
    KHO_LAB_STAGE: STAGE,
    KHO_LAB_ELECTRON: electron,
    KHO_LAB_ELECTRON_VERSION: electronVersion(),
    KHO_LAB_STAND_IN: STAND_IN ? '1' : '0',
  }
  const config = join(ROOT, 'packaging/electron-builder.cjs')
  await step(
    'laying out the directory',
    [LAB_NODE, join(PACKAGING_TOOLS, 'electron-builder/cli.js'), '--linux', 'dir', '--projectDir', STAGE, '--config', config],
    { env, stdout: 'ignore' },
  )
  const unpacked = join(DIST, 'linux-unpacked')
  for (const name of ['LICENSE', 'version'])
    if (!existsSync(join(unpacked, name))) copyFileSync(join(electron, name), join(unpacked, name))
  chmodSync(join(unpacked, 'kho-lab'), 0o755)
  await step('making the .deb', [LAB_NODE, join(ROOT, 'packaging/debian.mjs'), unpacked, DIST], { stdout: 'ignore' })
  rmSync(STAGE, { recursive: true, force: true })
  const [deb] = readdirSync(DIST).filter((name) => name.endsWith('.deb'))
  if (deb === undefined) throw new Failure('no .deb was made')
  process.stdout.write(`${unpacked}\n${join(DIST, deb)}\n`)
  if (STAND_IN)
    say(`kho-lab: ${basename(deb)} holds the stand-in, not Electron: it proves the packaging and is not to be given away`)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Failure)) throw error
  say(`kho-lab: ${error.message}`)
  process.exitCode = 2
}
