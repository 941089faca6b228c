import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { PageFacts } from '../../shared/documents/page-facts.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { factNumbers } from './build-facts.ts'
import { ensureBuildTree, makeArguments, type BuildTree } from './build-tree.ts'
import { contentKey, describeFiles, PartFile, publish, readPart } from './cache.ts'
import { compress, writeCpio } from './cpio.ts'
import type { KernelPart } from './kernel-build.ts'
import type { LabSources } from './lab-sources.ts'
import type { Found, KernelWish, PartJob } from './parts.ts'
import { runStep } from './process.ts'

/** A further initramfs, which goes behind the lab's own: the lab's kernel modules below /lib/khoprobe. */
export const MODULES_FILE = 'modules.cpio.gz'
/** What make printed when it compiled khoprobe with W=1: the evidence that there was no warning. */
export const KHOPROBE_LOG = 'khoprobe-build.log'

/** part.json of a kernel's modules in the cache. */
const ModulesPart = z.object({
  /** Empty when khoprobe does not compile for this kernel. */
  files: z.array(PartFile),
  pageFacts: PageFacts.optional(),
})
export type ModulesPart = z.infer<typeof ModulesPart>

/** Raised by hand when the same sources are built otherwise. */
const MODULES_VERSION = 2

const modulesKey = (kernelKey: string, { khoprobe, pageFacts }: LabSources): string =>
  contentKey({ builder: MODULES_VERSION, part: 'modules', kernel: kernelKey, khoprobe, pageFacts })

/** A bzImage of the user's own gets none. */
export const NO_MODULES: Found<ModulesPart> = { key: 'none', part: { files: [] } }

/** Modules that are in the cache already; needs no network. */
export function knownModules(
  root: string,
  sources: LabSources,
  wish: KernelWish,
  kernelKey: string,
): Found<ModulesPart> | undefined {
  if (wish.kind === 'bzImage') return NO_MODULES
  const key = modulesKey(kernelKey, sources)
  const part = readPart(root, 'modules', key, ModulesPart)
  return part === undefined ? undefined : { key, part }
}

/** Compiles the lab's modules against the kernel. One that does not compile for a release is left out, and that is said. */
export async function makeModules(
  job: PartJob,
  wish: KernelWish & { kind: 'build' },
  kernel: Found<KernelPart>,
): Promise<Found<ModulesPart>> {
  job.tracker.start('modules', 'compiling the kernel modules of the lab')
  const key = modulesKey(kernel.key, job.sources)
  const directory = path.join(job.work, 'modules')
  await mkdir(directory)
  const tree = await ensureBuildTree(job, wish, kernel)
  const compiled = await compileKhoprobe(job, tree, path.join(directory, KHOPROBE_LOG)).catch((error: unknown) =>
    leftOut(job, kernel.part, error),
  )
  if (compiled !== undefined) await writeFile(path.join(directory, MODULES_FILE), compiled.cpio)
  const part: ModulesPart = {
    files: compiled === undefined ? [] : await describeFiles(directory, [MODULES_FILE, KHOPROBE_LOG]),
    pageFacts: compiled?.pageFacts,
  }
  await writeFile(path.join(directory, 'part.json'), `${JSON.stringify(part, undefined, 2)}\n`)
  await publish(job.root, 'modules', key, directory)
  return { key, part }
}

function leftOut(job: PartJob, { source }: KernelPart, error: unknown): undefined {
  if (!(error instanceof LabError && error.code === 'image-build-failed')) throw error
  job.note(`khoprobe does not compile for ${source}, so its guests carry out no workload: ${messageOf(error)}`)
  return undefined
}

async function compileKhoprobe(
  job: PartJob,
  tree: BuildTree,
  said: string,
): Promise<{ cpio: Buffer; pageFacts: PageFacts | undefined }> {
  const folder = path.join(job.work, 'khoprobe')
  await cp(path.join(job.sources.directory, 'khoprobe'), folder, { recursive: true })
  await writeFile(path.join(folder, 'page-facts.c'), job.sources.pageFacts)
  const { log, signal } = job
  await writeFile(said, '')
  try {
    await runStep([...makeArguments(tree), `M=${folder}`, 'W=1', 'modules'], { log: said, signal })
  } finally {
    await appendFile(log, await readFile(said))
  }
  await runStep([...makeArguments(tree), `M=${folder}`, 'page-facts.o'], { log, signal })
  const cpio = compress(
    writeCpio([
      { kind: 'directory', path: 'lib/khoprobe', mode: 0o755 },
      { kind: 'file', path: 'lib/khoprobe/khoprobe.ko', mode: 0o644, data: await readFile(path.join(folder, 'khoprobe.ko')) },
    ]),
  )
  const facts = PageFacts.safeParse(factNumbers(await readFile(path.join(folder, 'page-facts.o'))))
  return { cpio, pageFacts: facts.data }
}
