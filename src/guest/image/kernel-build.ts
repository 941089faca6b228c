import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { LabError } from '../../shared/result.ts'
import { Sha256 } from '../../shared/documents/common.ts'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { kernelBuildFacts, prepareFacts, readFactsObject } from './build-facts.ts'
import { describeFiles, PartFile, sha256 } from './cache.ts'
import { purgatorySize } from './elf.ts'
import { effectiveFragment, optionsNotTaken, parseKernelConfig, type OptionNotTaken } from './kernel-config.ts'
import { runStep } from './process.ts'
import { writeSelftests } from './selftests-build.ts'

/** part.json of a kernel in the cache. */
export const KernelPart = z.object({
  kernelRelease: z.string(),
  source: z.string(),
  /** The four are absent for a bzImage that was not built by the lab. */
  configSha256: Sha256.optional(),
  purgatorySize: z.int().optional(),
  /** Absent also for a release that does not have what facts.c asks for. */
  buildFacts: KernelBuildFacts.optional(),
  compiler: z.string().optional(),
  files: z.array(PartFile),
  /** Lines that make printed and the seconds they took: the estimate for the next build. */
  measured: z.object({ buildLines: z.int(), buildSeconds: z.number() }).optional(),
})
export type KernelPart = z.infer<typeof KernelPart>

export interface KernelBuild {
  readonly tree: string
  readonly work: string
  readonly log: string
  readonly fragment: string
  /** Source of facts.c */
  readonly facts: string
  readonly rowLines: readonly string[]
  readonly optional: readonly string[]
  /** Also build the source tree's selftests. */
  readonly selftests: boolean
  readonly source: string
  readonly compiler: string
  /** Lines that make is expected to print. */
  readonly expectedLines: number
  readonly signal: AbortSignal | undefined
  readonly onConfigured: () => void
  readonly onFraction: (fraction: number) => void
  readonly onSelftests: () => void
  /** Things that people should know though the build went on. */
  readonly note: (text: string) => void
}

/** Fixed, so that the same source, configuration and compiler give the same bzImage (Documentation/kbuild/reproducible-builds.rst). */
const REPRODUCIBLE = {
  KBUILD_BUILD_TIMESTAMP: 'Thu Jan  1 00:00:00 UTC 1970',
  KBUILD_BUILD_USER: 'kho-lab',
  KBUILD_BUILD_HOST: 'kho-lab',
  KBUILD_BUILD_VERSION: '1',
}

/**
 * Configures and compiles outside of the source tree, and puts what is kept (bzImage, config, System.map, selftests) into
 * `work`/kernel. The build tree itself, some 260 MB, is not kept. Throws LabError image-build-failed.
 */
export async function buildKernel(build: KernelBuild): Promise<{ readonly directory: string; readonly part: KernelPart }> {
  const objects = path.join(build.work, 'build')
  await mkdir(objects)
  await configure(build, objects)
  build.onConfigured()
  const measured = await compile(build, objects)
  return collect(build, objects, measured)
}

function make(build: KernelBuild, objects: string, targets: readonly string[], onLine?: (line: string) => void): Promise<string> {
  return runStep(['make', '-C', build.tree, `O=${objects}`, ...targets], {
    env: REPRODUCIBLE,
    log: build.log,
    signal: build.signal,
    ...(onLine === undefined ? {} : { onLine }),
  })
}

async function configure(build: KernelBuild, objects: string): Promise<void> {
  const fragment = path.join(objects, 'lab.config')
  const config = path.join(objects, '.config')
  await writeFile(fragment, effectiveFragment(build.fragment, build.rowLines))
  await make(build, objects, ['tinyconfig'])
  const merge = path.join(build.tree, 'scripts/kconfig/merge_config.sh')
  await runStep(['sh', merge, '-m', '-O', objects, config, fragment], { cwd: build.tree, log: build.log, signal: build.signal })
  await make(build, objects, ['olddefconfig'])
  const requested = parseKernelConfig(await readFile(fragment, 'utf8'))
  const refused = optionsNotTaken(requested, parseKernelConfig(await readFile(config, 'utf8')), build.optional)
  if (refused.length > 0) throw configRefused(refused, build)
}

const shown = (value: string | undefined): string => value ?? 'not set'

const configRefused = (refused: readonly OptionNotTaken[], build: KernelBuild): LabError =>
  new LabError({
    code: 'image-build-failed',
    message: `kconfig of ${build.source} did not take ${refused.length} of the options that the lab asks for`,
    hint: 'Name those that this release does not have under "optional" of its row in qemu-images/kernel/releases.json.',
    evidence: refused.map(({ option, wanted, got }) => `${option}: wanted ${shown(wanted)}, got ${shown(got)}`),
  })

async function compile(build: KernelBuild, objects: string): Promise<{ buildLines: number; buildSeconds: number }> {
  const started = performance.now()
  let buildLines = 0
  await make(build, objects, [`-j${availableParallelism()}`, 'bzImage', 'modules'], (line) => {
    if (!/^ {2}[A-Z]/.test(line)) return
    buildLines += 1
    build.onFraction(buildLines / build.expectedLines)
  })
  return { buildLines, buildSeconds: Math.round((performance.now() - started) / 1000) }
}

async function collect(
  build: KernelBuild,
  objects: string,
  measured: { buildLines: number; buildSeconds: number },
): Promise<{ directory: string; part: KernelPart }> {
  const directory = path.join(build.work, 'kernel')
  await mkdir(directory)
  await copyFile(path.join(objects, 'arch/x86/boot/bzImage'), path.join(directory, 'bzImage'))
  await copyFile(path.join(objects, '.config'), path.join(directory, 'config'))
  await copyFile(path.join(objects, 'System.map'), path.join(directory, 'System.map'))
  const files = ['bzImage', 'config', 'System.map', ...(build.selftests ? [await selftests(build, objects, directory)] : [])]
  const purgatory = purgatorySize(await readFile(path.join(objects, 'arch/x86/purgatory/purgatory.ro')))
  if (purgatory === undefined) {
    throw new LabError({ code: 'image-build-failed', message: 'arch/x86/purgatory/purgatory.ro of this build is no ELF file' })
  }
  const kernelRelease = (await make(build, objects, ['-s', '--no-print-directory', 'kernelrelease'])).trim()
  const part: KernelPart = {
    kernelRelease,
    source: build.source,
    configSha256: sha256(await readFile(path.join(directory, 'config'))),
    purgatorySize: purgatory,
    buildFacts: await askBuildTree(build, objects),
    compiler: build.compiler,
    files: await describeFiles(directory, files),
    measured,
  }
  await writeFile(path.join(directory, 'part.json'), `${JSON.stringify(part, undefined, 2)}\n`)
  return { directory, part }
}

async function selftests(build: KernelBuild, objects: string, directory: string): Promise<string> {
  build.onSelftests()
  await make(build, objects, ['headers'])
  const run = { log: build.log, signal: build.signal }
  return writeSelftests(directory, { tree: build.tree, objects, work: build.work, run })
}

/** What the model needs to know of this build; undefined, with a note, when this release does not have all of it. */
async function askBuildTree(build: KernelBuild, objects: string): Promise<KernelBuildFacts | undefined> {
  const folder = path.join(build.work, 'facts')
  const targets = await prepareFacts(folder, build.facts)
  try {
    await make(build, objects, targets)
  } catch (error) {
    if (!(error instanceof LabError && error.code === 'image-build-failed')) throw error
    build.note(`facts.c does not compile for ${build.source}: what hangs on this build's early memory is not predicted`)
    return undefined
  }
  const facts = kernelBuildFacts({
    object: await readFactsObject(folder),
    systemMap: await readFile(path.join(objects, 'System.map'), 'utf8'),
    config: parseKernelConfig(await readFile(path.join(objects, '.config'), 'utf8')),
  })
  if (facts.ok) return facts.value
  build.note(`${build.source}: ${facts.error}; what hangs on this build's early memory is not predicted`)
  return undefined
}
