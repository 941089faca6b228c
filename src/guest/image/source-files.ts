import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { PrivateApt, machineArchives, suiteLines } from './apt.ts'
import {
  PartFile,
  contentKey,
  defaultCacheRoot,
  describeFiles,
  filesAreThere,
  makeWorkDirectory,
  partDirectory,
  publish,
  readPart,
  removeDeadWorkDirectories,
} from './cache.ts'
import { findRelease, readLabSources, type Release } from './lab-sources.ts'
import { runStep } from './process.ts'

const SourceFiles = z.object({
  /** Package and version that the files are of. */
  source: z.string(),
  files: z.array(PartFile),
})

export interface SourceFilesOptions {
  /** Series of qemu-images/kernel/releases.json; the newest when absent. */
  readonly release?: string | undefined
  /** Files and folders of the kernel's source tree. */
  readonly paths: readonly string[]
  readonly signal?: AbortSignal | undefined
  readonly cacheRoot?: string | undefined
}

/**
 * A folder with these parts of a release's source as Debian's package has them, at their places in the tree: from the cache, else
 * downloaded once. What is there already is used, also when Debian has a newer point release since. Rejects with LabError
 * image-build-failed when the archive does not answer, tool-missing.
 */
export async function ensureSourceFiles(options: SourceFilesOptions): Promise<string> {
  const root = options.cacheRoot ?? defaultCacheRoot()
  const release = findRelease(readLabSources(), options.release)
  const key = contentKey({ package: release.package, paths: options.paths })
  const directory = partDirectory(root, 'sources', key)
  const known = readPart(root, 'sources', key, SourceFiles)
  if (known !== undefined && (await filesAreThere(directory, known.files))) return directory
  await removeDeadWorkDirectories(root)
  const work = await makeWorkDirectory(root)
  try {
    await publish(root, 'sources', key, await extract(work, release, options))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return directory
}

async function extract(work: string, release: Release, { paths, signal }: SourceFilesOptions): Promise<string> {
  const log = path.join(work, 'source.log')
  const apt = new PrivateApt(path.join(work, 'apt'), log, signal)
  await apt.update(suiteLines(machineArchives(), release.suite, release.component))
  const [version = ''] = await apt.versions([release.package])
  const debs = path.join(work, 'package')
  await apt.download([release.package], debs)
  const [deb = ''] = await readdir(debs)
  await runStep(['dpkg-deb', '-x', path.join(debs, deb), debs], { log, signal })
  const tarball = path.join(debs, 'usr/src', `${release.package}.tar.xz`)
  const members = paths.map((member) => `${release.package}/${member}`)
  await runStep(['tar', '-C', work, '--no-same-owner', '-xf', tarball, ...members], { log, signal })
  const files = await describeFiles(path.join(work, release.package), await filesBelow(path.join(work, release.package)))
  const directory = path.join(work, 'files')
  await rename(path.join(work, release.package), directory)
  const description = { source: `${release.package} ${version}`, files }
  await writeFile(path.join(directory, 'source.json'), `${JSON.stringify(description, undefined, 2)}\n`)
  return directory
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
}
