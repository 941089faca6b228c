import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { LabError } from '../../shared/result.ts'
import { describeFiles, partDirectory, PartFile, publish, readPart, requireDisk } from './cache.ts'
import type { Found, KernelWish, PartJob } from './parts.ts'
import type { KernelPart } from './kernel-build.ts'
import { resolveSource } from './kernel-source.ts'
import { runStep } from './process.ts'

/** part.json of a build tree in the cache. */
const TreePart = z.object({ files: z.array(PartFile) })

const SOURCE_FILE = 'source.tar.zst'
const OBJECTS_FILE = 'objects.tar.zst'
const TREE_DISK = 3 * 2 ** 30

/** What `make M=` reads of the source; a release may lack some of it. */
const SOURCE_PATHS = ['Makefile', 'Kbuild', 'scripts', 'include', 'arch/x86/include', 'arch/x86/Makefile', 'tools/scripts']

/** A kernel's sources and build tree, as far as compiling a module against them needs. */
export interface BuildTree {
  readonly source: string
  readonly objects: string
}

export const makeArguments = ({ source, objects }: BuildTree): readonly string[] => ['make', '-C', source, `O=${objects}`]

/**
 * The part of a build tree that modules are compiled against, below `work`. It is made from the kernel's source and
 * configuration once (some 30 seconds) and kept under the kernel's key, so that a changed module costs no kernel.
 */
export async function ensureBuildTree(
  job: PartJob,
  wish: KernelWish & { kind: 'build' },
  kernel: Found<KernelPart>,
): Promise<BuildTree> {
  const tree = { source: path.join(job.work, 'tree-source'), objects: path.join(job.work, 'tree-objects') }
  const known = readPart(job.root, 'trees', kernel.key, TreePart)
  if (known === undefined) return makeTree(job, wish, kernel, tree)
  const directory = partDirectory(job.root, 'trees', kernel.key)
  for (const [file, target] of [
    [SOURCE_FILE, tree.source],
    [OBJECTS_FILE, tree.objects],
  ] as const) {
    await mkdir(target)
    await runStep(['tar', '-C', target, '-xf', path.join(directory, file)], { log: job.log, signal: job.signal })
  }
  return tree
}

async function makeTree(
  job: PartJob,
  wish: KernelWish & { kind: 'build' },
  kernel: Found<KernelPart>,
  { objects }: BuildTree,
): Promise<BuildTree> {
  const unpacked = path.join(job.work, 'src')
  const fresh = existsSync(unpacked)
  if (!fresh) await requireDisk(job.root, TREE_DISK, 'unpacking the kernel source for the modules')
  const source = fresh ? unpacked : await unpackAgain(job, wish, kernel.part)
  await mkdir(objects)
  const kept = partDirectory(job.root, 'kernels', kernel.key)
  await copyFile(path.join(kept, 'config'), path.join(objects, '.config'))
  const run = { log: job.log, signal: job.signal }
  await runStep([...makeArguments({ source, objects }), 'olddefconfig', 'modules_prepare'], run)
  const systemMap = await readFile(path.join(kept, 'System.map'), 'utf8')
  await writeFile(path.join(objects, 'Module.symvers'), moduleSymvers(systemMap))
  await keepTree(job, kernel.key, { source, objects })
  return { source, objects }
}

/** The very source that the kernel was compiled from: another point release would be another kernel. */
async function unpackAgain(job: PartJob, wish: KernelWish & { kind: 'build' }, part: KernelPart): Promise<string> {
  const resolved = await resolveSource(wish.source, job)
  if (resolved.description !== part.source)
    throw new LabError({
      code: 'image-build-failed',
      message: `modules for ${part.source} cannot be compiled: its source is now ${resolved.description}`,
      hint: 'Build the kernel again: kho-lab image build --fresh',
    })
  return resolved.unpack((step) => job.tracker.start('modules', `${step}ing ${resolved.description} for the modules`))
}

async function keepTree(job: PartJob, key: string, { source, objects }: BuildTree): Promise<void> {
  const directory = path.join(job.work, 'tree')
  await mkdir(directory)
  const run = { log: job.log, signal: job.signal }
  const paths = SOURCE_PATHS.filter((name) => existsSync(path.join(source, name)))
  await runStep(['tar', '--zstd', '-C', source, '-cf', path.join(directory, SOURCE_FILE), ...paths], run)
  const leftOut = ['*.o', '*.a', '*.cmd', './source'].map((pattern) => `--exclude=${pattern}`)
  await runStep(['tar', '--zstd', '-C', objects, ...leftOut, '-cf', path.join(directory, OBJECTS_FILE), '.'], run)
  const part = { files: await describeFiles(directory, [SOURCE_FILE, OBJECTS_FILE]) }
  await writeFile(path.join(directory, 'part.json'), `${JSON.stringify(part, undefined, 2)}\n`)
  await publish(job.root, 'trees', key, directory)
}

/**
 * The symbols that a kernel exports, in the form that modpost reads, from its System.map. The checksums are those of a
 * kernel without CONFIG_MODVERSIONS; every symbol counts as GPL-only, which the lab's modules may use.
 */
export const moduleSymvers = (systemMap: string): string =>
  Array.from(
    systemMap.matchAll(/^[0-9a-f]+ \w __ksymtab_(\w+)$/gm),
    ([, name]) => `0x00000000\t${name ?? ''}\tvmlinux\tEXPORT_SYMBOL_GPL\t\n`,
  ).join('')
