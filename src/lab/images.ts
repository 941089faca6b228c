import { buildImage, ensureImage, listImages, removeImage } from '../guest/image/image.ts'
import type { Progress } from '../guest/types.ts'
import type { ImageManifest } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'

/** An image of the cache, for people: what it was made from and how much it takes. */
export interface ImageEntry {
  readonly manifest: ImageManifest
  /** Bytes on disk. */
  readonly size: number
  readonly directory: string
}

export interface ImageWish {
  /** Series known to the lab; the newest when absent. */
  readonly release?: string | undefined
  /** `tarball:FILE` or `tree:DIR` instead of Debian's package. */
  readonly source?: string | undefined
  /** A bzImage of the user's own: no build, only the initramfs. */
  readonly kernel?: string | undefined
}

export interface BuildOptions extends ImageWish {
  /** Ask the archive again even when an image is there. */
  readonly fresh: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
  /** What people should know though the build goes on. */
  readonly onNote?: (text: string) => void
  /** False: fail with LabError image-locked when another build is running. Default true. */
  readonly wait?: boolean
}

/** Images in the cache, newest first. */
export const listBuiltImages = async (): Promise<readonly ImageEntry[]> =>
  (await listImages()).map(({ manifest, size, directory }) => ({ manifest, size, directory }))

/** Builds an image, or finds the one that is there already. `kernel` is its bzImage. */
export async function buildGuestImage({
  fresh,
  ...options
}: BuildOptions): Promise<{ readonly manifest: ImageManifest; readonly kernel: string }> {
  const { manifest, kernel } = await (fresh ? buildImage(options) : ensureImage(options))
  return { manifest, kernel }
}

/** Removes the image whose id begins with `prefix`. Rejects with LabError image-missing or usage when that is none or several. */
export async function removeBuiltImage(prefix: string): Promise<ImageEntry> {
  const matching = (await listBuiltImages()).filter(({ manifest }) => manifest.id.startsWith(prefix))
  const [image, second] = matching
  const list = 'kho-lab image list shows their ids.'
  if (image === undefined || prefix === '')
    throw new LabError({ code: 'image-missing', message: `there is no image ${prefix}`, hint: list })
  if (second !== undefined)
    throw new LabError({ code: 'usage', message: `${matching.length} images have an id that begins with ${prefix}`, hint: list })
  await removeImage(image.manifest.id)
  return image
}
