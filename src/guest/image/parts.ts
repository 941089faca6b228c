import { readFileSync, statSync } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { LabError, messageOf } from '../../shared/result.ts'
import { parseBzImage } from '../../abi/bzimage.ts'
import { GiB, MiB, formatSize } from '../../shared/units.ts'
import { machineArchives, ownSuiteLines, PrivateApt } from './apt.ts'
import {
  contentKey,
  describeFiles,
  partDirectory,
  publish,
  readIndex,
  readPart,
  requireDisk,
  sha256,
  writeIndex,
} from './cache.ts'
import { ensureHostTools } from './host-tools.ts'
import { buildInitramfs, InitramfsPart } from './initramfs-build.ts'
import { buildKernel, KernelPart } from './kernel-build.ts'
import { resolveSource, type KernelSource } from './kernel-source.ts'
import type { LabSources, Release } from './lab-sources.ts'
import { runStep } from './process.ts'
import type { OnProgress, ProgressTracker } from './progress.ts'

/** Raised by hand when the builder itself changes in a way that changes what it makes. */
const BUILDER_VERSION = 1
/** The same for the part of a build that only rows with selftests have. */
const SELFTESTS_VERSION = 1

const KERNEL_DISK = 3 * GiB
const INITRAMFS_DISK = 256 * MiB

/** A finished part of the cache. */
export interface Found<T> {
  readonly key: string
  readonly part: T
}

/** What a build of a part works with. */
export interface PartJob {
  readonly root: string
  readonly sources: LabSources
  readonly work: string
  readonly log: string
  readonly signal: AbortSignal | undefined
  /** False: fail rather than wait for another build. */
  readonly wait: boolean
  readonly onProgress: OnProgress
  readonly tracker: ProgressTracker
  /** Things that people should know though the build went on. */
  readonly note: (text: string) => void
}

/** The kernel that is asked for: one to build, with the options of a row, or a bzImage of the user's own. */
export type KernelWish =
  | {
      readonly kind: 'build'
      readonly source: KernelSource
      readonly row: Pick<Release, 'config' | 'optional' | 'expected' | 'selftests'>
    }
  | { readonly kind: 'bzImage'; readonly file: string }

/** The lab's inputs of a kernel, without what only the archive knows. Undefined where the source has no cheap identity. */
function kernelInputs(sources: LabSources, wish: KernelWish & { kind: 'build' }): unknown {
  const { source, row } = wish
  const origin = source.kind === 'debian' ? { package: source.release.package, suite: source.release.suite } : { source }
  return {
    builder: BUILDER_VERSION,
    part: 'kernel',
    fragment: sources.fragment,
    facts: sources.facts,
    config: row.config,
    optional: row.optional,
    ...(row.selftests ? { selftests: SELFTESTS_VERSION } : {}),
    ...origin,
  }
}

const initramfsInputs = ({ recipe, init, tools }: LabSources): unknown => ({
  builder: BUILDER_VERSION,
  part: 'initramfs',
  recipe,
  init,
  tools,
})

/** The key of what these inputs gave before. Sources of the user's own are not in the index: they can change at any time. */
function knownKernelKey(root: string, sources: LabSources, wish: KernelWish): string | undefined {
  if (wish.kind === 'bzImage') return isFile(wish.file) ? bzImageKey(readFileSync(wish.file)) : undefined
  return wish.source.kind === 'debian' ? readIndex(root, contentKey(kernelInputs(sources, wish))) : undefined
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true

const bzImageKey = (bytes: Uint8Array): string => contentKey({ builder: BUILDER_VERSION, part: 'bzImage', sha256: sha256(bytes) })

/** A kernel that is in the cache already; needs no network. */
export function knownKernel(root: string, sources: LabSources, wish: KernelWish): Found<KernelPart> | undefined {
  const key = knownKernelKey(root, sources, wish)
  const part = key === undefined ? undefined : readPart(root, 'kernels', key, KernelPart)
  return key === undefined || part === undefined ? undefined : { key, part }
}

export function knownInitramfs(root: string, sources: LabSources): Found<InitramfsPart> | undefined {
  const key = readIndex(root, contentKey(initramfsInputs(sources)))
  const part = key === undefined ? undefined : readPart(root, 'initramfs', key, InitramfsPart)
  return key === undefined || part === undefined ? undefined : { key, part }
}

const compilerName = async (job: PartJob): Promise<string> =>
  (await runStep(['gcc', '--version'], { log: job.log, signal: job.signal })).split('\n')[0] ?? 'gcc'

const RESOLVING: Readonly<Record<KernelSource['kind'], string>> = {
  debian: 'asking the archive for the kernel source',
  tarball: 'reading the tarball',
  tree: 'looking through the source tree',
}

/**
 * Finds out before anything is made whether a kernel can be: all missing tools are told at once, and the disk too. Whether
 * a source of the user's own was built before is not known yet, so its disk is checked once it is.
 */
export async function prepareKernelBuild(job: PartJob, wish: KernelWish): Promise<void> {
  if (wish.kind === 'bzImage' || knownKernel(job.root, job.sources, wish) !== undefined) return
  await ensureHostTools(true, job.onProgress, job.signal)
  if (wish.source.kind !== 'debian') return
  await requireDisk(job.root, KERNEL_DISK, 'building the kernel')
  job.note(`building the kernel takes ${formatSize(KERNEL_DISK)} in ${job.root} for some minutes; a few MiB stay`)
}

/** Makes the kernel part, or finds it when the archive still holds what was built before. */
export async function makeKernel(job: PartJob, wish: KernelWish): Promise<Found<KernelPart>> {
  if (wish.kind === 'bzImage') return adoptBzImage(job.root, job.work, wish.file)
  const { root, sources } = job
  const inputs = kernelInputs(sources, wish)
  await ensureHostTools(true, job.onProgress, job.signal)
  job.tracker.start('resolve', RESOLVING[wish.source.kind])
  const resolved = await resolveSource(wish.source, job)
  const compiler = await compilerName(job)
  const key = contentKey({ inputs, identity: resolved.identity, compiler })
  const finished = readPart(root, 'kernels', key, KernelPart)
  if (finished === undefined) await requireDisk(root, KERNEL_DISK, 'building the kernel')
  const part = finished ?? (await compileKernel(job, wish, key, resolved, compiler))
  await writeIndex(root, contentKey(inputs), key)
  return { key, part }
}

async function compileKernel(
  job: PartJob,
  wish: KernelWish & { kind: 'build' },
  key: string,
  resolved: Awaited<ReturnType<typeof resolveSource>>,
  compiler: string,
): Promise<KernelPart> {
  const { tracker } = job
  const words = { download: `downloading ${resolved.description}`, unpack: `unpacking ${resolved.description}` }
  const tree = await resolved.unpack((step) => tracker.start(step, words[step]))
  tracker.start('configure', `configuring ${resolved.description}`)
  const { directory, part } = await buildKernel({
    tree,
    work: job.work,
    log: job.log,
    fragment: job.sources.fragment,
    facts: job.sources.facts,
    rowLines: wish.row.config,
    optional: wish.row.optional,
    selftests: wish.row.selftests,
    source: resolved.description,
    compiler,
    expectedLines: wish.row.expected.buildLines,
    signal: job.signal,
    onConfigured: () => tracker.start('compile', `compiling ${resolved.description}`),
    onFraction: (fraction) => tracker.within(fraction),
    onSelftests: () => tracker.start('selftests', 'compiling the selftests of the kernel'),
    note: job.note,
  })
  await publish(job.root, 'kernels', key, directory)
  return part
}

/** Puts a bzImage of the user's own into the cache. Throws LabError bad-kernel. */
async function adoptBzImage(root: string, work: string, file: string): Promise<Found<KernelPart>> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new LabError({ code: 'bad-kernel', message: `the kernel ${file} cannot be read: ${messageOf(cause)}` }, { cause })
  })
  const parsed = parseBzImage(bytes)
  if (!parsed.ok)
    throw new LabError({ code: 'bad-kernel', message: `${file} is no kernel that the lab can boot`, evidence: [parsed.error] })
  const key = bzImageKey(bytes)
  const known = readPart(root, 'kernels', key, KernelPart)
  if (known !== undefined) return { key, part: known }
  const directory = path.join(work, 'own-kernel')
  await mkdir(directory)
  await copyFile(file, path.join(directory, 'bzImage'))
  const part: KernelPart = {
    kernelRelease: parsed.value.release,
    source: `bzImage ${path.basename(file)} (${parsed.value.kernelVersion})`,
    files: await describeFiles(directory, ['bzImage']),
  }
  await writeFile(path.join(directory, 'part.json'), `${JSON.stringify(part, undefined, 2)}\n`)
  await publish(root, 'kernels', key, directory)
  return { key, part }
}

/** Makes the initramfs part, or finds it when the archive still holds the same packages. */
export async function makeInitramfs(job: PartJob): Promise<Found<InitramfsPart>> {
  const { root, sources } = job
  await ensureHostTools(false, job.onProgress, job.signal)
  await requireDisk(root, INITRAMFS_DISK, 'building the initramfs')
  job.tracker.start('initramfs', 'building the initramfs')
  const apt = new PrivateApt(path.join(job.work, 'apt-initramfs'), job.log, job.signal)
  await apt.update(ownSuiteLines(machineArchives()))
  const names = await apt.withLibraries(sources.recipe.packages)
  const versions = await apt.versions(names)
  const packages = names.map((name, index) => ({ name, version: versions[index] ?? '' }))
  const inputs = initramfsInputs(sources)
  const key = contentKey({ inputs, packages, compiler: await compilerName(job) })
  const finished = readPart(root, 'initramfs', key, InitramfsPart)
  if (finished === undefined) {
    const { directory } = await buildInitramfs({ sources, apt, packages, work: job.work, log: job.log, signal: job.signal })
    await publish(root, 'initramfs', key, directory)
  }
  await writeIndex(root, contentKey(inputs), key)
  const part = finished ?? readPart(root, 'initramfs', key, InitramfsPart)
  if (part === undefined)
    throw new LabError({ code: 'internal', message: `the initramfs ${partDirectory(root, 'initramfs', key)} vanished` })
  return { key, part }
}
