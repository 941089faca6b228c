import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ImageManifest } from '../../shared/documents/image.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import type { GuestImage } from '../types.ts'
import {
  contentKey,
  defaultCacheRoot,
  linkOrCopy,
  makeWorkDirectory,
  partDirectory,
  publish,
  removeDeadWorkDirectories,
} from './cache.ts'
import type { InitramfsPart } from './initramfs-build.ts'
import type { KernelPart } from './kernel-build.ts'
import { withKeptLog, diskError } from './build-errors.ts'
import { stepsFor, withMeasuredExpectation } from './build-steps.ts'
import { knownModules, makeModules, NO_MODULES, type ModulesPart } from './modules-part.ts'
import { parseSource } from './kernel-source.ts'
import { findRelease, readLabSources, type LabSources } from './lab-sources.ts'
import { takeBuildLock } from './lock.ts'
import {
  knownInitramfs,
  knownKernel,
  makeInitramfs,
  makeKernel,
  prepareKernelBuild,
  type Found,
  type KernelWish,
  type PartJob,
} from './parts.ts'
import { ProgressTracker, type OnProgress } from './progress.ts'
import { listImages, PARTS_FILE, readImage } from './store.ts'

export { compiledTwin, listImages, removeImage } from './store.ts'

export interface ImageOptions {
  /** Series of qemu-images/kernel/releases.json; the first row when absent. */
  readonly release?: string | undefined
  /** `tarball:FILE` or `tree:DIRECTORY` instead of the release's Debian package. */
  readonly source?: string | undefined
  /** A bzImage to use as it is, with the lab's initramfs. */
  readonly kernel?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
  /** What people should know though the work goes on; told as progress where there is no better place. */
  readonly onNote?: ((text: string) => void) | undefined
  /** When another build is running: wait for it (default), or fail with LabError image-locked. */
  readonly wait?: boolean | undefined
  /** Folder of the cache; default $XDG_CACHE_HOME/kho-lab. */
  readonly cacheRoot?: string | undefined
}

interface Request {
  readonly root: string
  readonly sources: LabSources
  readonly wish: KernelWish
  /** Name in the manifest. */
  readonly release: string
  readonly options: ImageOptions
}

const CUSTOM = 'custom'

function requestOf(options: ImageOptions): Request {
  if (options.source !== undefined && options.kernel !== undefined) {
    throw new LabError({ code: 'usage', message: 'give a source to build or a kernel to use, not both' })
  }
  const sources = readLabSources()
  const row = findRelease(sources, options.release)
  const common = { root: options.cacheRoot ?? defaultCacheRoot(), sources, options }
  if (options.kernel !== undefined)
    return { ...common, release: CUSTOM, wish: { kind: 'bzImage', file: path.resolve(options.kernel) } }
  if (options.source === undefined)
    return { ...common, release: row.series, wish: { kind: 'build', source: { kind: 'debian', release: row }, row } }
  // A source of the user's own gets a row's extra options only when that row is named.
  const own = options.release === undefined ? { ...row, config: [], optional: [], selftests: false } : row
  return { ...common, release: CUSTOM, wish: { kind: 'build', source: parseSource(options.source), row: own } }
}

/**
 * The image for these options, built when it is missing. With a warm cache this takes milliseconds and no network: an
 * image that was built from the lab's present inputs is used, also when Debian has a newer point release since.
 * Throws LabError: usage, bad-kernel, tool-missing, not-enough-disk, image-build-failed, image-locked, cancelled.
 */
export async function ensureImage(options: ImageOptions = {}): Promise<GuestImage> {
  const request = requestOf(options)
  const known = await knownImage(request)
  return known ?? inWorkDirectory(request, (job) => makeImage(request, job, false))
}

/** The image that ensureImage() would use without building anything; undefined when there is none yet. */
export const findImage = (options: ImageOptions = {}): Promise<GuestImage | undefined> => knownImage(requestOf(options))

/** As ensureImage(), but asks the archive first, and so builds again when Debian has replaced the point release. */
export function buildImage(options: ImageOptions = {}): Promise<GuestImage> {
  const request = requestOf(options)
  return inWorkDirectory(request, (job) => makeImage(request, job, true))
}

const imageId = (kernel: Found<unknown>, initramfs: Found<unknown>, modules: Found<unknown>): string =>
  contentKey({ kernel: kernel.key, initramfs: initramfs.key, modules: modules.key })

/** Only what the index already knows: no network, no lock, nothing written. */
async function knownImage({ root, sources, wish }: Request): Promise<GuestImage | undefined> {
  const kernel = knownKernel(root, sources, wish)
  const initramfs = knownInitramfs(root, sources)
  const modules = kernel && knownModules(root, sources, wish, kernel.key)
  return kernel && initramfs && modules ? readImage(root, imageId(kernel, initramfs, modules)) : undefined
}

async function inWorkDirectory(request: Request, body: (job: PartJob) => Promise<GuestImage>): Promise<GuestImage> {
  const { root } = request
  try {
    await removeDeadWorkDirectories(root)
    const work = await makeWorkDirectory(root)
    const job = await jobIn(work, request)
    try {
      return await body(job)
    } catch (error) {
      throw await withKeptLog(error, job)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  } catch (error) {
    throw diskError(error, root)
  }
}

async function jobIn(work: string, { root, sources, wish, options }: Request): Promise<PartJob> {
  const onProgress = options.onProgress ?? (() => undefined)
  const tracker = new ProgressTracker(stepsFor(await withMeasuredExpectation(root, wish)), onProgress)
  return {
    root,
    sources,
    work,
    log: path.join(work, 'build.log'),
    signal: options.signal,
    wait: options.wait ?? true,
    onProgress,
    tracker,
    note: options.onNote ?? ((text) => tracker.note(text)),
  }
}

/** `fresh`: ask the archive even for what the index knows. */
async function makeImage(request: Request, job: PartJob, fresh: boolean): Promise<GuestImage> {
  const { root, sources } = request
  const wish = await withMeasuredExpectation(root, request.wish)
  try {
    await prepareKernelBuild(job, wish)
    const initramfs = await makePart(
      job,
      fresh,
      'initramfs',
      () => knownInitramfs(root, sources),
      () => makeInitramfs(job),
    )
    const kernel = await makePart(
      job,
      fresh,
      wish.kind === 'build' ? 'kernel' : 'bzImage',
      () => knownKernel(root, sources, wish),
      () => makeKernel(job, wish),
    )
    return await assemble(request, { kernel, initramfs, modules: await modulesOf(job, wish, kernel) }, job)
  } catch (error) {
    return olderImage(request, job, error)
  }
}

/**
 * A part that the index knows, or a new one. Each kind of part has a lock of its own, so that neither an initramfs nor
 * a bzImage of the user's own waits while a kernel is compiled; whoever had to wait looks into the index again.
 */
async function makePart<T>(
  job: PartJob,
  fresh: boolean,
  kind: 'initramfs' | 'kernel' | 'bzImage' | 'modules',
  known: () => Found<T> | undefined,
  make: () => Promise<Found<T>>,
): Promise<Found<T>> {
  const before = known()
  if (before !== undefined && !fresh) return before
  const lock = await takeBuildLock(path.join(job.root, kind), {
    wait: job.wait,
    signal: job.signal,
    onWaiting: (pid) => job.note(`another build is running${pid === undefined ? '' : ` (pid ${pid})`}, waiting for it`),
  })
  try {
    const meanwhile = known()
    return meanwhile !== undefined && !fresh ? meanwhile : await make().catch(orKnown(meanwhile, job))
  } finally {
    await lock.release()
  }
}

/** Errors that mean: the archive did not answer. A cancelled or broken build is not hidden by an old image. */
const isArchiveFailure = (error: unknown): boolean =>
  error instanceof LabError &&
  (error.code === 'image-build-failed' || error.code === 'tool-missing') &&
  error.message.startsWith('apt-get ')

const orKnown =
  <T>(known: Found<T> | undefined, job: PartJob) =>
  (error: unknown): Found<T> => {
    if (known === undefined || !isArchiveFailure(error)) throw error
    job.note(`the Debian archive does not answer (${messageOf(error)}); using what was built before`)
    return known
  }

/** The newest image of the same release, when the archive does not answer and nothing matches the present inputs. */
async function olderImage({ root, release }: Request, job: PartJob, error: unknown): Promise<GuestImage> {
  if (release === CUSTOM || !isArchiveFailure(error)) throw error
  const candidates = (await listImages(root)).filter(({ manifest }) => manifest.release === release)
  const newest = candidates.sort((a, b) => (a.manifest.builtAt < b.manifest.builtAt ? 1 : -1))[0]
  if (newest === undefined) throw error
  job.note(
    `the Debian archive does not answer; using image ${newest.manifest.id}, which an older version of the lab's sources made`,
  )
  return newest
}

interface ImageParts {
  readonly kernel: Found<KernelPart>
  readonly initramfs: Found<InitramfsPart>
  readonly modules: Found<ModulesPart>
}

/** The modules for a kernel. The archive is never asked about them: they follow from the kernel and the lab's sources. */
async function modulesOf(job: PartJob, wish: KernelWish, kernel: Found<KernelPart>): Promise<Found<ModulesPart>> {
  if (wish.kind === 'bzImage') return NO_MODULES
  const known = (): Found<ModulesPart> | undefined => knownModules(job.root, job.sources, wish, kernel.key)
  return makePart(job, false, 'modules', known, () => makeModules(job, wish, kernel))
}

async function assemble(request: Request, { kernel, initramfs, modules }: ImageParts, job: PartJob): Promise<GuestImage> {
  const { root } = request
  const id = imageId(kernel, initramfs, modules)
  const existing = await readImage(root, id)
  if (existing !== undefined) return existing
  const directory = path.join(job.work, 'image')
  await mkdir(directory)
  for (const [kind, { key, part }] of [
    ['kernels', kernel],
    ['initramfs', initramfs],
    ['modules', modules],
  ] as const)
    for (const { name } of part.files)
      await linkOrCopy(path.join(partDirectory(root, kind, key), name), path.join(directory, name))
  const manifest: ImageManifest = {
    document: 'kho-lab/image',
    version: 1,
    id,
    release: request.release,
    kernelRelease: kernel.part.kernelRelease,
    source: kernel.part.source,
    configSha256: kernel.part.configSha256,
    purgatorySize: kernel.part.purgatorySize,
    buildFacts: kernel.part.buildFacts,
    pageFacts: modules.part.pageFacts,
    compiler: kernel.part.compiler,
    packages: initramfs.part.packages,
    files: [...kernel.part.files, ...initramfs.part.files, ...modules.part.files],
    builtAt: new Date().toISOString(),
  }
  await writeFile(
    path.join(directory, PARTS_FILE),
    `${JSON.stringify({ kernels: kernel.key, initramfs: initramfs.key, modules: modules.key })}\n`,
  )
  await writeFile(path.join(directory, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  await publish(root, 'images', id, directory)
  const made = await readImage(root, id)
  if (made === undefined) throw new LabError({ code: 'internal', message: `the image ${id} vanished after it was built` })
  return made
}
