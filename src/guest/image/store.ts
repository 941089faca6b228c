import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { ImageManifest } from '../../shared/documents/image.ts'
import { LabError } from '../../shared/result.ts'
import type { GuestImage } from '../types.ts'
import { defaultCacheRoot, filesAreThere, listKeys, partDirectory, readPart, removePart } from './cache.ts'
import { INITRAMFS_FILE } from './initramfs-build.ts'
import { MODULES_FILE } from './modules-part.ts'
import { SELFTESTS_FILE } from './selftests-build.ts'

/** Beside an image's manifest: the keys of the parts that it was put together from. */
export const PARTS_FILE = 'parts.json'
const Parts = z.object({ kernels: z.string(), initramfs: z.string(), modules: z.string().optional() })

export interface ListedImage extends GuestImage {
  /** Bytes of all files of the image. Kernels and initramfs that images share are counted in each. */
  readonly size: number
}

/** The image of that id when it is complete; undefined otherwise. */
export async function readImage(root: string, id: string): Promise<GuestImage | undefined> {
  const manifest = readPart(root, 'images', id, ImageManifest)
  const directory = partDirectory(root, 'images', id)
  if (manifest === undefined || !(await filesAreThere(directory, manifest.files))) return undefined
  const optional = (name: string): string | undefined =>
    manifest.files.some((file) => file.name === name) ? path.join(directory, name) : undefined
  return {
    manifest,
    directory,
    kernel: path.join(directory, 'bzImage'),
    initramfs: path.join(directory, INITRAMFS_FILE),
    selftests: optional(SELFTESTS_FILE),
    modules: optional(MODULES_FILE),
    config: optional('config'),
    systemMap: optional('System.map'),
  }
}

/** All complete images of the cache, newest first. */
export async function listImages(cacheRoot: string = defaultCacheRoot()): Promise<readonly ListedImage[]> {
  const images: ListedImage[] = []
  for (const id of await listKeys(cacheRoot, 'images')) {
    const image = await readImage(cacheRoot, id)
    if (image !== undefined) images.push({ ...image, size: image.manifest.files.reduce((sum, file) => sum + file.size, 0) })
  }
  return images.sort((a, b) => (a.manifest.builtAt < b.manifest.builtAt ? 1 : -1))
}

/**
 * The image that the lab itself compiled with the very kernel and initramfs of `image`, whose bzImage somebody gave as a file:
 * of that one it is known how it was built, and there are modules for it.
 */
export async function compiledTwin(image: GuestImage, cacheRoot: string = defaultCacheRoot()): Promise<GuestImage | undefined> {
  const digest = ({ manifest }: GuestImage, name: string): string | undefined =>
    manifest.files.find((file) => file.name === name)?.sha256
  return (await listImages(cacheRoot)).find(
    (other) =>
      other.config !== undefined &&
      ['bzImage', INITRAMFS_FILE].every(
        (name) => digest(other, name) !== undefined && digest(other, name) === digest(image, name),
      ),
  )
}

function partsOf(root: string, id: string): z.infer<typeof Parts> | undefined {
  const file = path.join(partDirectory(root, 'images', id), PARTS_FILE)
  return existsSync(file) ? Parts.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data : undefined
}

/** Removes an image, and the parts that no other image uses. Throws LabError image-missing. */
export async function removeImage(id: string, cacheRoot: string = defaultCacheRoot()): Promise<void> {
  if (!(await listKeys(cacheRoot, 'images')).includes(id)) {
    throw new LabError({
      code: 'image-missing',
      message: `there is no image ${id}`,
      hint: '`kho-lab image list` shows those that there are.',
    })
  }
  await removePart(cacheRoot, 'images', id)
  const kept = (await listKeys(cacheRoot, 'images')).map((other) => partsOf(cacheRoot, other))
  for (const kind of ['kernels', 'initramfs', 'modules', 'trees'] as const) {
    // A tree has the key of its kernel.
    const used = new Set(kept.map((parts) => parts?.[kind === 'trees' ? 'kernels' : kind]))
    for (const key of await listKeys(cacheRoot, kind)) if (!used.has(key)) await removePart(cacheRoot, kind, key)
  }
}
