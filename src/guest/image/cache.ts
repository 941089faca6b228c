import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { link, copyFile, mkdir, readFile, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { Sha256 } from '../../shared/documents/common.ts'
import { canonicalJson } from '../../shared/json.ts'
import { LabError } from '../../shared/result.ts'
import { formatSize } from '../../shared/units.ts'

/**
 * The cache of built images, below $XDG_CACHE_HOME/kho-lab (default ~/.cache/kho-lab):
 *   kernels/KEY/     bzImage, config, System.map, part.json     one built kernel
 *   initramfs/KEY/   initramfs.cpio.gz, part.json               one built initramfs
 *   modules/KEY/     modules.cpio.gz, part.json                 the lab's modules for one kernel
 *   trees/KEY/       source.tar.zst, objects.tar.zst, part.json what modules for the kernel KEY are compiled against
 *   images/ID/       hard links to these, manifest.json         what a run uses
 *   sources/KEY/     files of a kernel's source, source.json    what a test compiles
 *   index/KEY        the newest result for these inputs of the lab
 *   tmp/PID-START-X/ a build at work; becomes one of the above by rename, or is removed
 *   logs/            logs of builds that failed
 * A folder with its final name is complete: nothing is ever written into it afterwards.
 */
export type PartKind = 'kernels' | 'initramfs' | 'modules' | 'trees' | 'images' | 'sources'

/** Name of the file that describes a part; of an image it is the public manifest. */
export const DESCRIPTION: Readonly<Record<PartKind, string>> = {
  kernels: 'part.json',
  initramfs: 'part.json',
  modules: 'part.json',
  trees: 'part.json',
  images: 'manifest.json',
  sources: 'source.json',
}

export function defaultCacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME']
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'kho-lab')
}

/** Sixteen hexadecimal digits of the SHA-256 of the canonical JSON of everything that a result depends on. */
export const contentKey = (inputs: unknown): string =>
  createHash('sha256').update(canonicalJson(inputs)).digest('hex').slice(0, 16)

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

export const partDirectory = (root: string, kind: PartKind, key: string): string => path.join(root, kind, key)

export const PartFile = z.object({ name: z.string(), size: z.int(), sha256: Sha256 })
export type PartFile = z.infer<typeof PartFile>

/** The description of a part, or undefined when there is none that this release of the lab understands. */
export function readPart<T extends z.ZodType>(root: string, kind: PartKind, key: string, schema: T): z.output<T> | undefined {
  const file = path.join(partDirectory(root, kind, key), DESCRIPTION[kind])
  return existsSync(file) ? parseText(readFileSync(file, 'utf8'), schema) : undefined
}

/** A file that lost its content (a power failure) is as good as none. */
function parseText<T extends z.ZodType>(text: string, schema: T): z.output<T> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const Described = z.object({ files: z.array(PartFile) })

/**
 * Makes a finished folder visible under its key, all at once. When a whole one is there already, that one stays; one that
 * has lost a file is replaced.
 */
export async function publish(root: string, kind: PartKind, key: string, from: string): Promise<void> {
  const target = partDirectory(root, kind, key)
  await mkdir(path.dirname(target), { recursive: true })
  if (existsSync(target)) {
    const files = readPart(root, kind, key, Described)?.files
    if (files !== undefined && (await filesAreThere(target, files))) return
    await removePart(root, kind, key)
  }
  try {
    await rename(from, target)
  } catch (error) {
    // Another builder of the same content was quicker.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error
  }
}

export async function listKeys(root: string, kind: PartKind): Promise<readonly string[]> {
  const directory = path.join(root, kind)
  return existsSync(directory) ? (await readdir(directory)).filter((name) => /^[0-9a-f]{16}$/.test(name)).sort() : []
}

/** Takes a folder out of sight in one step, then deletes it. */
export async function removePart(root: string, kind: PartKind, key: string): Promise<void> {
  const grave = await makeWorkDirectory(root)
  await rename(partDirectory(root, kind, key), path.join(grave, key))
  await rm(grave, { recursive: true, force: true })
}

/** What the index knows of these inputs; a key whose part is gone counts as unknown when it is read. */
export function readIndex(root: string, inputsKey: string): string | undefined {
  const file = path.join(root, 'index', inputsKey)
  if (!existsSync(file)) return undefined
  const key = readFileSync(file, 'utf8').trim()
  return /^[0-9a-f]{16}$/.test(key) ? key : undefined
}

export async function writeIndex(root: string, inputsKey: string, key: string): Promise<void> {
  const file = path.join(root, 'index', inputsKey)
  await mkdir(path.dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}`
  await writeFile(fresh, `${key}\n`)
  await rename(fresh, file)
}

/** Hard link where the file system allows it, copy elsewhere. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (
      !(
        error instanceof Error &&
        'code' in error &&
        (error.code === 'EXDEV' || error.code === 'EPERM' || error.code === 'EMLINK')
      )
    )
      throw error
    await copyFile(from, to)
  }
}

/** Field 22 of /proc/PID/stat: with the pid it names one process for good. Undefined when there is no such process. */
function processStart(pid: number | string): string | undefined {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

/** A new folder below tmp/ whose name tells who works in it. */
export async function makeWorkDirectory(root: string): Promise<string> {
  const name = `${process.pid}-${processStart(process.pid) ?? '0'}-${randomBytes(4).toString('hex')}`
  const directory = path.join(root, 'tmp', name)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return directory
}

/** Removes what builders that are no longer alive left behind, up to some GiB each; returns the folders it removed. */
export async function removeDeadWorkDirectories(root: string): Promise<readonly string[]> {
  const tmp = path.join(root, 'tmp')
  if (!existsSync(tmp)) return []
  const removed: string[] = []
  for (const name of await readdir(tmp)) {
    const [pid = '', start] = name.split('-')
    if (processStart(pid) === start) continue
    await rm(path.join(tmp, name), { recursive: true, force: true })
    removed.push(path.join(tmp, name))
  }
  return removed
}

/** Throws LabError not-enough-disk when the file system of the cache has less than `bytes` free. */
export async function requireDisk(root: string, bytes: number, what: string): Promise<void> {
  await mkdir(root, { recursive: true })
  const { bavail, bsize } = await statfs(root)
  const free = bavail * bsize
  if (free >= bytes) return
  throw new LabError({
    code: 'not-enough-disk',
    message: `${what} needs ${formatSize(bytes)} of disk in ${root}, ${Math.floor(free / 2 ** 20)} MiB are free`,
    hint: 'Free some space, or set XDG_CACHE_HOME to a folder on a larger disk. A few MiB remain after the build.',
  })
}

export const describeFiles = (directory: string, names: readonly string[]): Promise<PartFile[]> =>
  Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(path.join(directory, name))
      return { name, size: bytes.length, sha256: sha256(bytes) }
    }),
  )

/** True when all files are there with the size that the description says; cheap enough for every start. */
export async function filesAreThere(directory: string, files: readonly PartFile[]): Promise<boolean> {
  const sizes = await Promise.all(
    files.map(({ name }) =>
      stat(path.join(directory, name)).then(
        (info) => info.size,
        () => -1,
      ),
    ),
  )
  return files.every(({ size }, index) => sizes[index] === size)
}
