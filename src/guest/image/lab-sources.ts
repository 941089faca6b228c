import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { LabError } from '../../shared/result.ts'
import { ownPath } from '../own-files.ts'

/** One line of a kernel configuration: `CONFIG_X=value` or `# CONFIG_X is not set`. */
const ConfigLine = z.string().regex(/^(CONFIG_\w+=\S.*|# CONFIG_\w+ is not set)$/)

/** A kernel series the lab can build: a row of qemu-images/kernel/releases.json. */
export const Release = z.strictObject({
  /** "7.3", or "7.3-without-kho" for another configuration of the same source. */
  series: z.string().regex(/^\d+\.\d+(-[a-z][a-z-]*)?$/),
  /** Debian package that carries the source as usr/src/PACKAGE.tar.xz. */
  package: z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/),
  suite: z.string().regex(/^[a-z0-9-]+$/),
  component: z.enum(['main', 'contrib', 'non-free', 'non-free-firmware']),
  /** On top of lab.config; a later line wins. */
  config: z.array(ConfigLine),
  /** Options that may be missing afterwards, because this series does not have them. */
  optional: z.array(z.string().regex(/^CONFIG_\w+$/)),
  /** Build tools/testing/selftests/liveupdate of the same source into a second initramfs. */
  selftests: z.boolean().default(false),
  /** What a first build is expected to take, until one has been measured on this machine. */
  expected: z.strictObject({ buildLines: z.int().positive(), buildSeconds: z.int().positive() }),
})
export type Release = z.infer<typeof Release>

export const Releases = z
  .array(Release)
  .min(1)
  .refine((rows) => new Set(rows.map((row) => row.series)).size === rows.length, 'two rows have the same series')

const RelativePath = z.string().regex(/^[^/]/)

/** What goes into the initramfs: qemu-images/initramfs/recipe.json. */
export const Recipe = z.strictObject({
  /** Debian packages that hold the programs; the libraries come from what these depend on. */
  packages: z.array(z.string()),
  programs: z.array(z.strictObject({ from: RelativePath, to: RelativePath })),
  /** Names by which the lab's own tools are called. */
  tools: z.array(z.string()),
  directories: z.array(RelativePath),
  privateDirectories: z.array(RelativePath),
  files: z.array(z.strictObject({ path: RelativePath, text: z.string() })),
})
export type Recipe = z.infer<typeof Recipe>

/** Everything of qemu-images/ that a build reads. */
export interface LabSources {
  readonly directory: string
  readonly releases: readonly Release[]
  readonly fragment: string
  /** facts.c, which asks a build tree for sizes. */
  readonly facts: string
  /** page-facts.c, which asks for the layout of struct page. */
  readonly pageFacts: string
  /** Sources of the kernel module, by name. */
  readonly khoprobe: Readonly<Record<string, string>>
  readonly recipe: Recipe
  readonly init: string
  /** C sources and headers of the guest tools, by name. */
  readonly tools: Readonly<Record<string, string>>
}

export function readLabSources(directory: string = ownPath('qemu-images')): LabSources {
  const read = (...parts: string[]): string => readFileSync(path.join(directory, ...parts), 'utf8')
  const toolFiles = readdirSync(path.join(directory, 'tools'))
    .filter((name) => /\.[ch]$/.test(name))
    .sort()
  const moduleFiles = readdirSync(path.join(directory, 'khoprobe'))
    .filter((name) => /^Makefile$|\.[ch]$/.test(name))
    .sort()
  return {
    directory,
    releases: Releases.parse(JSON.parse(read('kernel', 'releases.json'))),
    fragment: read('kernel', 'lab.config'),
    facts: read('kernel', 'facts.c'),
    pageFacts: read('kernel', 'page-facts.c'),
    khoprobe: Object.fromEntries(moduleFiles.map((name) => [name, read('khoprobe', name)])),
    recipe: Recipe.parse(JSON.parse(read('initramfs', 'recipe.json'))),
    init: read('initramfs', 'init'),
    tools: Object.fromEntries(toolFiles.map((name) => [name, read('tools', name)])),
  }
}

/** The row of a series; the first row when none is named. Throws LabError usage for an unknown one. */
export function findRelease(sources: LabSources, series: string | undefined): Release {
  const row = series === undefined ? sources.releases[0] : sources.releases.find((release) => release.series === series)
  if (row !== undefined) return row
  throw new LabError({
    code: 'usage',
    message: `the lab knows no kernel release "${series}"`,
    hint: `Known are ${sources.releases.map((release) => release.series).join(', ')}; one more is one more row in qemu-images/kernel/releases.json.`,
  })
}
