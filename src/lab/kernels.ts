import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseBzImage, type BzImage } from '../abi/bzimage.ts'
import { appendCpio } from '../guest/image/cpio.ts'
import { symbolAddresses } from '../guest/image/build-facts.ts'
import { compiledTwin, ensureImage, findImage, listImages } from '../guest/image/image.ts'
import { RUN_CPIO_SIZE } from '../guest/image/run-cpio.ts'
import { OBSERVED_SYMBOLS, type KernelSymbols } from '../guest/observe/address-space.ts'
import type { GuestImage, Progress } from '../guest/types.ts'
import type { Experiment, KernelChoice, KernelFacts } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { readNamedFile } from './read-file.ts'

export interface LookupOptions {
  readonly signal?: AbortSignal | undefined
  /** Told while an initramfs has to be made, or another build is waited for. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * The image of every boot of an experiment, in order; one image is looked up once. Nothing is compiled here: rejects with
 * LabError image-missing when a release has no image yet, bad-kernel when a file is none. A bzImage of the user's own only
 * needs the initramfs, which is made when it is missing; one that the lab compiled itself is recognised.
 */
export async function imagesOf(experiment: Experiment, options: LookupOptions = {}): Promise<readonly GuestImage[]> {
  const found = new Map<string, Promise<GuestImage>>()
  return Promise.all(
    experiment.kernels.map((kernel) => {
      const key = JSON.stringify([kernel.image, kernel.release])
      const image = found.get(key) ?? imageOf(kernel, options)
      found.set(key, image)
      return image
    }),
  )
}

async function imageOf({ image, release }: KernelChoice, options: LookupOptions): Promise<GuestImage> {
  if (image !== undefined) {
    // Before an initramfs is made for it, or another build waited for.
    bzImageHeader(image, await readNamedFile(image, 'bad-kernel'))
    const own = await ensureImage({ ...options, kernel: image })
    return (await compiledTwin(own)) ?? own
  }
  const known = await findImage({ release })
  if (known !== undefined) return known
  const older = (await listImages()).some(({ manifest }) => release === undefined || manifest.release === release)
  throw new LabError({
    code: 'image-missing',
    message: `no guest image${release === undefined ? '' : ` of ${release}`} is built ${older ? "of the lab's present sources" : 'yet'}`,
    hint: `Build it: kho-lab image build${release === undefined ? '' : ` --release ${release}`}`,
  })
}

/**
 * The whole initrd of a boot: the image's initramfs, its modules and selftests if it has them, what the run adds, and zero bytes,
 * which the kernel skips.
 */
export async function initrdOf(
  { initramfs, modules, selftests }: GuestImage,
  runCpio: Uint8Array,
  padding: number,
): Promise<Uint8Array> {
  const files = [initramfs, modules, selftests].filter((file) => file !== undefined)
  const [lab, ...more] = await Promise.all(files.map((file) => readFile(file)))
  const whole = [...more, runCpio].reduce<Uint8Array>(appendCpio, lab ?? new Uint8Array())
  return padding === 0 ? whole : Buffer.concat([whole, Buffer.alloc(padding)])
}

/** Zero bytes behind the initramfs of boot `hop`. */
export const paddingOf = ({ kernels }: Experiment, hop: number): number => kernels[hop]?.initrdPadding ?? 0

/** What a prediction may know of each boot: the image's files and the experiment, before anything boots. Rejects with LabError bad-kernel. */
export const factsOf = (images: readonly GuestImage[], experiment: Experiment): Promise<KernelFacts[]> =>
  Promise.all(images.map((image, hop) => kernelFacts(image, paddingOf(experiment, hop))))

async function kernelFacts(image: GuestImage, padding: number): Promise<KernelFacts> {
  const { kernel, manifest } = image
  const [bzImage, initrd] = await Promise.all([readFile(kernel), initrdOf(image, Buffer.alloc(RUN_CPIO_SIZE), padding)])
  return {
    ...factsOfFiles(kernel, bzImage, initrd.length),
    purgatorySize: manifest.purgatorySize,
    configSha256: manifest.configSha256,
    build: manifest.buildFacts,
    ...(await configFacts(image)),
  }
}

/** The same of a kernel that the lab knows nothing else of. Throws LabError bad-kernel. */
export function factsOfFiles(kernel: string, bzImage: Uint8Array, initrdSize: number): KernelFacts {
  const { release, initSize, prefAddress, kernelAlignment, relocatable, setupSects, version } = bzImageHeader(kernel, bzImage)
  return {
    release,
    bzImageSha256: createHash('sha256').update(bzImage).digest('hex'),
    initrdSize,
    header: { initSize, prefAddress, kernelAlignment, relocatable, setupSects, version },
  }
}

/** What the configuration decides about KHO itself. */
async function configFacts({ config }: GuestImage): Promise<Pick<KernelFacts, 'hasOwnTests' | 'checksScratch'>> {
  if (config === undefined) return {}
  const text = await readFile(config, 'utf8')
  const hasOwnTests = /^CONFIG_(?:TEST_KEXEC_HANDOVER|LIVEUPDATE_TEST)=y$/m.test(text)
  return { ...(hasOwnTests ? { hasOwnTests } : {}), checksScratch: /^CONFIG_KEXEC_HANDOVER_DEBUG=y$/m.test(text) }
}

/** Where the kernel's variables lie that say what KASLR drew; undefined for a kernel that the lab did not build. */
export async function addressSpaceSymbols({ systemMap }: GuestImage): Promise<KernelSymbols> {
  return systemMap === undefined ? undefined : symbolAddresses(await readFile(systemMap, 'utf8'), OBSERVED_SYMBOLS)
}

function bzImageHeader(file: string, bytes: Uint8Array): BzImage {
  const header = parseBzImage(bytes)
  if (header.ok) return header.value
  throw new LabError({
    code: 'bad-kernel',
    message: `${file} is no usable bzImage: ${header.error}`,
    hint: 'Give arch/x86/boot/bzImage of a 64-bit build.',
  })
}
