import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { LabError } from '../../shared/result.ts'
import { machineArchives, PrivateApt, suiteLines } from './apt.ts'
import { sha256OfFile } from './cache.ts'
import type { Release } from './lab-sources.ts'
import { runStep } from './process.ts'

/** Where a kernel's source comes from. Tarballs and trees are the user's own and are never written to. */
export type KernelSource =
  | { readonly kind: 'debian'; readonly release: Release }
  | { readonly kind: 'tarball'; readonly file: string }
  | { readonly kind: 'tree'; readonly directory: string }

/** Parses `tarball:FILE` or `tree:DIR`. Throws LabError usage. */
export function parseSource(text: string): KernelSource {
  const match = /^(tarball|tree):(.+)$/s.exec(text)
  const location = match?.[2] === undefined ? undefined : path.resolve(match[2])
  if (location === undefined) {
    throw new LabError({ code: 'usage', message: `no kernel source: ${text}`, hint: 'Write tarball:FILE or tree:DIRECTORY.' })
  }
  const wantDirectory = match?.[1] === 'tree'
  const found = existsSync(location) ? statSync(location) : undefined
  if (found === undefined || found.isDirectory() !== wantDirectory) {
    throw new LabError({ code: 'usage', message: `${location} is no ${wantDirectory ? 'directory' : 'file'}` })
  }
  if (wantDirectory && !isLinux(location)) throw noLinux('usage', location)
  return wantDirectory ? { kind: 'tree', directory: location } : { kind: 'tarball', file: location }
}

/** What a Linux source tree has and the build needs. */
const MERGE_CONFIG = 'scripts/kconfig/merge_config.sh'
const isLinux = (tree: string): boolean => existsSync(path.join(tree, MERGE_CONFIG))
const noLinux = (code: 'usage' | 'image-build-failed', what: string): LabError =>
  new LabError({ code, message: `${what} is no Linux source tree: it has no ${MERGE_CONFIG}` })

/** A source whose exact content is known: `description` is for people, `identity` goes into the content key. */
export interface ResolvedSource {
  readonly description: string
  readonly identity: string
  /** Puts the source tree at `work`/src where needed, and returns where it is. */
  unpack(onStep: (step: 'download' | 'unpack') => void): Promise<string>
}

interface Job {
  readonly work: string
  readonly log: string
  readonly signal: AbortSignal | undefined
}

/** Finds out what exactly would be built. For a Debian package this asks the archive. */
export function resolveSource(source: KernelSource, job: Job): Promise<ResolvedSource> {
  switch (source.kind) {
    case 'debian':
      return resolvePackage(source.release, job)
    case 'tarball':
      return resolveTarball(source.file, job)
    case 'tree':
      return resolveTree(source.directory)
  }
}

async function resolvePackage(release: Release, job: Job): Promise<ResolvedSource> {
  const apt = new PrivateApt(path.join(job.work, 'apt-kernel'), job.log, job.signal)
  await apt.update(suiteLines(machineArchives(), release.suite, release.component))
  const [version = ''] = await apt.versions([release.package])
  const description = `${release.package} ${version}`
  return {
    description,
    identity: description,
    async unpack(onStep) {
      onStep('download')
      const debs = path.join(job.work, 'source-package')
      await apt.download([release.package], debs)
      const [deb = ''] = await readdir(debs)
      onStep('unpack')
      await runStep(['dpkg-deb', '-x', path.join(debs, deb), debs], { log: job.log, signal: job.signal })
      const tree = await unpackTarball(path.join(debs, 'usr/src', `${release.package}.tar.xz`), job)
      await rm(debs, { recursive: true })
      return tree
    },
  }
}

async function resolveTarball(file: string, job: Job): Promise<ResolvedSource> {
  const digest = await sha256OfFile(file)
  return {
    description: `tarball ${path.basename(file)} sha256:${digest}`,
    identity: digest,
    async unpack(onStep) {
      onStep('unpack')
      const tree = await unpackTarball(file, job)
      if (!isLinux(tree)) throw noLinux('image-build-failed', file)
      return tree
    },
  }
}

async function unpackTarball(file: string, job: Job): Promise<string> {
  const tree = path.join(job.work, 'src')
  await mkdir(tree)
  await runStep(['tar', '-C', tree, '--strip-components=1', '--no-same-owner', '-xf', file], { log: job.log, signal: job.signal })
  return tree
}

/**
 * A tree is recognised by the names, sizes and modification times of its files, without .git: reading 1.8 GB for every
 * start would take longer than it is worth.
 */
async function resolveTree(directory: string): Promise<ResolvedSource> {
  if (existsSync(path.join(directory, '.config')) || existsSync(path.join(directory, 'include/config'))) {
    throw new LabError({
      code: 'usage',
      message: `${directory} has been configured in place, so the kernel's makefile refuses to build it elsewhere`,
      hint: 'Run `make mrproper` there, or use another worktree. The lab writes nothing into a tree of yours.',
    })
  }
  const hash = createHash('sha256')
  for (const line of await treeLines(directory, '')) hash.update(line)
  const digest = hash.digest('hex')
  return {
    description: `tree ${directory} ${await treeVersion(directory)}`,
    identity: digest,
    unpack: () => Promise.resolve(directory),
  }
}

async function treeLines(root: string, below: string): Promise<string[]> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const lines = await Promise.all(
    entries.map(async (entry) => {
      const name = path.join(below, entry.name)
      if (entry.isDirectory()) return entry.name === '.git' ? [] : treeLines(root, name)
      if (!entry.isFile()) return []
      const { size, mtimeMs } = await stat(path.join(root, name))
      return [`${name}\0${size}\0${mtimeMs}\n`]
    }),
  )
  return lines.flat()
}

/** VERSION.PATCHLEVEL.SUBLEVELEXTRAVERSION of the top makefile, and git's name of the commit where there is one. */
async function treeVersion(directory: string): Promise<string> {
  const makefile = await readFile(path.join(directory, 'Makefile'), 'utf8')
  const value = (name: string): string => new RegExp(`^${name} = ?(.*)$`, 'm').exec(makefile)?.[1]?.trim() ?? ''
  const version = `${value('VERSION')}.${value('PATCHLEVEL')}.${value('SUBLEVEL')}${value('EXTRAVERSION')}`
  if (!existsSync(path.join(directory, '.git'))) return version
  const commit = await runStep(['git', '-C', directory, 'describe', '--always', '--dirty']).catch(() => 'of unknown commit')
  return `${version} ${commit.trim()}`
}
