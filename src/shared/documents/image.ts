import { z } from 'zod'
import { Sha256 } from './common.ts'
import { KernelBuildFacts } from './kernel-build-facts.ts'
import { PageFacts } from './page-facts.ts'

/** manifest.json of a built guest image: what it was made from, exactly. */
export const ImageManifest = z
  .object({
    document: z.literal('kho-lab/image'),
    version: z.literal(1),
    /** Content key: hash of everything the build read. */
    id: z.string().regex(/^[0-9a-f]{16}$/),
    /** Series as the lab names it ("7.3"), or "custom" for a source or a bzImage of the user's own. */
    release: z.string(),
    /** `make kernelrelease`. */
    kernelRelease: z.string(),
    /** Source package and its exact version ("linux-source-7.3 7.3.4-1~bpo13+1"), tarball, tree or bzImage. */
    source: z.string(),
    /** This and the next four are absent for a bzImage that the lab did not build. */
    configSha256: Sha256.optional(),
    /** Page-rounded bytes that the kernel's purgatory occupies when it is loaded. */
    purgatorySize: z.int().optional(),
    /** What the build decides about early memory; absent also when facts.c does not compile for this release. */
    buildFacts: KernelBuildFacts.optional(),
    /** Layout of struct page; absent also when khoprobe does not compile for this release. */
    pageFacts: PageFacts.optional(),
    compiler: z.string().optional(),
    /** Debian packages in the initramfs, name=version. */
    packages: z.array(z.string()),
    files: z.array(z.object({ name: z.string(), size: z.int(), sha256: Sha256 })),
    builtAt: z.iso.datetime(),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/image.json', title: 'kho-lab guest image' })
export type ImageManifest = z.infer<typeof ImageManifest>
