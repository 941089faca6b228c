import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { LabError } from '../../shared/result.ts'
import type { PrivateApt } from './apt.ts'
import { describeFiles, PartFile } from './cache.ts'
import { compress, writeCpio, type CpioEntry } from './cpio.ts'
import { neededLibraries } from './elf.ts'
import type { LabSources } from './lab-sources.ts'
import { runStep } from './process.ts'

/** part.json of an initramfs in the cache. */
export const InitramfsPart = z.object({ packages: z.array(z.string()), files: z.array(PartFile) })
export type InitramfsPart = z.infer<typeof InitramfsPart>

export const INITRAMFS_FILE = 'initramfs.cpio.gz'

export interface InitramfsBuild {
  readonly sources: LabSources
  readonly apt: PrivateApt
  /** Names and versions as the archive has them. */
  readonly packages: readonly { readonly name: string; readonly version: string }[]
  readonly work: string
  readonly log: string
  readonly signal: AbortSignal | undefined
}

const LOADER = 'lib64/ld-linux-x86-64.so.2'
const LIBRARY_DIRECTORIES = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib', 'usr/lib']
const LIBRARY_TARGET = 'lib/x86_64-linux-gnu'
const TOOLS_PROGRAM = 'lab-tools'

/** Builds the initramfs without any key into `work`/initramfs. Nothing is installed on the host. */
export async function buildInitramfs(
  build: InitramfsBuild,
): Promise<{ readonly directory: string; readonly part: InitramfsPart }> {
  const root = await unpackPackages(build)
  const entries = [
    ...fixedEntries(build.sources),
    ...(await programEntries(build.sources, root)),
    ...(await appletLinks(build.sources, root, build)),
    ...(await toolEntries(build)),
  ]
  const directory = path.join(build.work, 'initramfs')
  await mkdir(directory)
  await writeFile(path.join(directory, INITRAMFS_FILE), compress(writeCpio(withParents(entries))))
  const part: InitramfsPart = {
    packages: build.packages.map(({ name, version }) => `${name}=${version}`),
    files: await describeFiles(directory, [INITRAMFS_FILE]),
  }
  await writeFile(path.join(directory, 'part.json'), `${JSON.stringify(part, undefined, 2)}\n`)
  return { directory, part }
}

async function unpackPackages(build: InitramfsBuild): Promise<string> {
  const debs = path.join(build.work, 'debs')
  const root = path.join(build.work, 'root')
  await build.apt.download(
    build.packages.map(({ name }) => name),
    debs,
  )
  for (const deb of await readdir(debs)) {
    await runStep(['dpkg-deb', '-x', path.join(debs, deb), root], { log: build.log, signal: build.signal })
  }
  return root
}

function fixedEntries({ recipe, init }: LabSources): CpioEntry[] {
  return [
    ...recipe.directories.map((name): CpioEntry => ({ kind: 'directory', path: name, mode: 0o755 })),
    ...recipe.privateDirectories.map((name): CpioEntry => ({ kind: 'directory', path: name, mode: 0o700 })),
    ...recipe.files.map((file): CpioEntry => ({ kind: 'file', path: file.path, mode: 0o644, data: Buffer.from(file.text) })),
    { kind: 'file', path: 'init', mode: 0o755, data: Buffer.from(init) },
    // The kernel opens it for process 1 before anything is mounted (console_on_rootfs(), init/main.c).
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
  ]
}

/** Programs may lie below /usr or not: Debian moved them between releases. */
function findProgram(root: string, from: string): string {
  const candidates = [from, from.startsWith('usr/') ? from.slice(4) : `usr/${from}`].map((name) => path.join(root, name))
  const found = candidates.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new LabError({ code: 'image-build-failed', message: `the Debian packages of the initramfs have no ${from}` })
}

async function programEntries({ recipe }: LabSources, root: string): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = []
  const wanted = new Set<string>()
  for (const { from, to } of recipe.programs) {
    const data = await readFile(findProgram(root, from))
    entries.push({ kind: 'file', path: to, mode: 0o755, data })
    neededLibraries(data).forEach((name) => wanted.add(name))
  }
  // A set grows while it is walked: libraries of libraries are found too.
  for (const name of wanted) {
    const directory = LIBRARY_DIRECTORIES.find((candidate) => existsSync(path.join(root, candidate, name)))
    if (directory === undefined) {
      throw new LabError({ code: 'image-build-failed', message: `the Debian packages of the initramfs have no library ${name}` })
    }
    const data = await readFile(path.join(root, directory, name))
    const target = name === path.basename(LOADER) ? LOADER : `${LIBRARY_TARGET}/${name}`
    entries.push({ kind: 'file', path: target, mode: 0o755, data })
    neededLibraries(data).forEach((next) => wanted.add(next))
  }
  if (wanted.size > 0 && !wanted.has(path.basename(LOADER))) {
    entries.push({ kind: 'file', path: LOADER, mode: 0o755, data: await readFile(findProgram(root, LOADER)) })
  }
  return entries
}

/** One link per busybox applet, except where the image has a program of that name. */
async function appletLinks({ recipe }: LabSources, root: string, build: InitramfsBuild): Promise<CpioEntry[]> {
  const busybox = findProgram(root, 'bin/busybox')
  await chmod(busybox, 0o755)
  const listed = await runStep([busybox, '--list'], { log: build.log, signal: build.signal })
  const taken = new Set([...recipe.programs.map(({ to }) => path.basename(to)), ...recipe.tools, TOOLS_PROGRAM])
  return listed
    .split('\n')
    .filter((name) => name !== '' && !taken.has(name))
    .map((name): CpioEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' }))
}

/** The lab's own tools: one static program under several names. */
async function toolEntries(build: InitramfsBuild): Promise<CpioEntry[]> {
  const directory = path.join(build.sources.directory, 'tools')
  const program = path.join(build.work, TOOLS_PROGRAM)
  const files = Object.keys(build.sources.tools).filter((name) => name.endsWith('.c'))
  const flags = ['-static', '-Os', '-s', '-Wall', '-Wextra', '-Werror', '-Wl,--build-id=none']
  await runStep(['gcc', ...flags, '-o', program, ...files], { cwd: directory, log: build.log, signal: build.signal })
  return [
    { kind: 'file', path: `bin/${TOOLS_PROGRAM}`, mode: 0o755, data: await readFile(program) },
    ...build.sources.recipe.tools.map((name): CpioEntry => ({ kind: 'link', path: `bin/${name}`, target: TOOLS_PROGRAM })),
  ]
}

/** Adds the directories that entries lie in and that are not listed themselves. */
function withParents(entries: readonly CpioEntry[]): CpioEntry[] {
  const known = new Set(entries.map((entry) => entry.path))
  const parents: CpioEntry[] = []
  for (const entry of entries) {
    for (let parent = path.dirname(entry.path); parent !== '.' && !known.has(parent); parent = path.dirname(parent)) {
      known.add(parent)
      parents.push({ kind: 'directory', path: parent, mode: 0o755 })
    }
  }
  return [...entries, ...parents]
}
