import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { LabError } from '../../shared/result.ts'
import { runStep } from './process.ts'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** One archive of Debian's as an apt source names it. */
export interface DebianArchive {
  readonly uri: string
  readonly suites: readonly string[]
  readonly security: boolean
}

interface Source {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  readonly signedBy: string
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '')

/** sources.list(5), one-line style. */
function oneLineSources(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line)
    const [, options, uri, suite, components] = match ?? []
    if (uri === undefined || suite === undefined) return []
    return [
      {
        uris: [uri],
        suites: [suite],
        components: words(components),
        signedBy: /signed-by=(\S+)/i.exec(options ?? '')?.[1] ?? '',
      },
    ]
  })
}

/** sources.list(5), deb822 style: stanzas of `Key: value`. */
function stanzaSources(text: string): Source[] {
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>()
    for (const match of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm))
      fields.set(match[1]?.toLowerCase() ?? '', match[2] ?? '')
    if (!words(fields.get('types')).includes('deb') || /^\s*(no|false|0)\s*$/i.test(fields.get('enabled') ?? '')) return []
    return [
      {
        uris: words(fields.get('uris')),
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        signedBy: fields.get('signed-by')?.trim() ?? '',
      },
    ]
  })
}

/**
 * The archives of Debian itself among the sources of a machine: component main, signed by Debian's keyring where a
 * keyring is named, and a path that ends as mirrors of Debian end. Other vendors' archives are left out.
 */
export function debianArchives(files: readonly { readonly name: string; readonly text: string }[]): readonly DebianArchive[] {
  const sources = files.flatMap(({ name, text }) => (name.endsWith('.sources') ? stanzaSources(text) : oneLineSources(text)))
  return sources
    .filter(
      (source) => source.components.includes('main') && (source.signedBy === '' || source.signedBy.includes('debian-archive')),
    )
    .flatMap((source) => source.uris.map((uri) => ({ uri: uri.replace(/\/+$/, ''), suites: source.suites })))
    .filter(({ uri }) => /\/debian(-security)?$/.test(uri))
    .map(({ uri, suites }) => ({ uri, suites, security: uri.endsWith('-security') }))
}

function aptSourceFiles(): { name: string; text: string }[] {
  const parts = '/etc/apt/sources.list.d'
  const names = existsSync(parts)
    ? readdirSync(parts)
        .filter((name) => /\.(list|sources)$/.test(name))
        .sort()
    : []
  return ['/etc/apt/sources.list', ...names.map((name) => path.join(parts, name))]
    .filter((name) => existsSync(name))
    .map((name) => ({ name, text: readFileSync(name, 'utf8') }))
}

/** Debian archives that this machine uses. Throws LabError image-build-failed when it uses none. */
export function machineArchives(): readonly DebianArchive[] {
  const archives = debianArchives(aptSourceFiles())
  if (archives.some((archive) => !archive.security)) return archives
  throw new LabError({
    code: 'image-build-failed',
    message: "this machine's apt sources name no Debian archive to take the guest's packages from",
    hint: 'Add the Debian mirror of your choice as a file in /etc/apt/sources.list.d.',
  })
}

/** Lines of sources.list that give one suite of the machine's own Debian mirror. */
export function suiteLines(archives: readonly DebianArchive[], suite: string, component: string): string[] {
  const mirror = archives.find((archive) => !archive.security)
  return mirror === undefined ? [] : [`deb [signed-by=${KEYRING}] ${mirror.uri} ${suite} ${component}`]
}

/** Lines of sources.list with the suites that the machine itself uses. */
export const ownSuiteLines = (archives: readonly DebianArchive[]): string[] =>
  archives.flatMap(({ uri, suites }) => suites.map((suite) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main`))

/** Scripts that a machine lets apt run; they are for its own package state. */
const HOOKS = ['APT::Update::Pre-Invoke', 'APT::Update::Post-Invoke', 'APT::Update::Post-Invoke-Success', 'DPkg::Post-Invoke']

/**
 * apt with sources, lists and caches of its own below one folder. Of the machine's configuration it keeps what concerns
 * the way to the archive (a proxy); the machine's package state is neither read nor changed. apt checks signatures as always.
 */
export class PrivateApt {
  readonly #directory: string
  readonly #signal: AbortSignal | undefined
  readonly #log: string

  constructor(directory: string, log: string, signal: AbortSignal | undefined) {
    this.#directory = directory
    this.#log = log
    this.#signal = signal
  }

  /** Writes the configuration and fetches the lists. Throws LabError when the archive cannot be reached or is not signed. */
  async update(sourceLines: readonly string[]): Promise<void> {
    const at = (name: string): string => path.join(this.#directory, name)
    await mkdir(at('lists/partial'), { recursive: true })
    await mkdir(at('cache/archives/partial'), { recursive: true })
    await writeFile(at('status'), '')
    await writeFile(at('sources.list'), `${sourceLines.join('\n')}\n`)
    const settings = {
      'Dir::Etc::preferences': '/dev/null',
      'Dir::Etc::preferencesparts': '/dev/null',
      'Dir::Etc::sourcelist': at('sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State::Lists': at('lists'),
      'Dir::State::status': at('status'),
      'Dir::Cache': at('cache'),
      // The folder is open to this user only, so apt's own download user could not write there.
      'APT::Sandbox::User': 'root',
      // Without this, apt-get update succeeds when nothing could be fetched.
      'APT::Update::Error-Mode': 'any',
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '20',
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`)
    await writeFile(at('apt.conf'), [...HOOKS.map((hook) => `#clear ${hook};`), ...lines, ''].join('\n'))
    await this.#run(['apt-get', 'update'])
  }

  /** Newest version of each package, in the order asked for. */
  async versions(packages: readonly string[]): Promise<readonly string[]> {
    const text = await this.#run(['apt-cache', 'show', '--no-all-versions', ...packages])
    const found = new Map<string, string>()
    for (const stanza of text.split(/\n\s*\n/)) {
      const name = /^Package: (\S+)$/m.exec(stanza)?.[1]
      const version = /^Version: (\S+)$/m.exec(stanza)?.[1]
      if (name !== undefined && version !== undefined) found.set(name, version)
    }
    return packages.map((name) => {
      const version = found.get(name)
      if (version !== undefined) return version
      throw new LabError({ code: 'image-build-failed', message: `the Debian archive has no package ${name}` })
    })
  }

  /** The packages and the library packages that they depend on, directly or not; sorted. */
  async withLibraries(packages: readonly string[]): Promise<readonly string[]> {
    const quiet = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances', 'pre-depends'].map(
      (word) => `--no-${word}`,
    )
    const text = await this.#run(['apt-cache', 'depends', '--recurse', ...quiet, ...packages])
    return libraryClosure(text, packages)
  }

  /** Downloads .deb files into a folder. */
  async download(packages: readonly string[], into: string): Promise<void> {
    await mkdir(into, { recursive: true })
    await this.#run(['apt-get', 'download', ...packages], into)
  }

  /** With -c, and not APT_CONFIG: that file is read after the machine's own configuration, so what it says stands. */
  #run(argv: readonly string[], cwd?: string): Promise<string> {
    const options = { log: this.#log, signal: this.#signal, ...(cwd === undefined ? {} : { cwd }) }
    return runStep([...argv, '-c', path.join(this.#directory, 'apt.conf')], options)
  }
}

/** Walks the output of `apt-cache depends --recurse`, following only packages that are libraries by their name. */
export function libraryClosure(dependsOutput: string, packages: readonly string[]): readonly string[] {
  const depends = new Map<string, string[]>()
  let current: string[] = []
  for (const line of dependsOutput.split('\n')) {
    const wanted = /^[ |]+Depends: ([^<\s]+)$/.exec(line)?.[1]
    if (wanted !== undefined) current.push(wanted)
    else if (/^\S/.test(line)) depends.set(line.trim(), (current = depends.get(line.trim()) ?? []))
  }
  const chosen = new Set(packages)
  for (const name of chosen) {
    for (const wanted of depends.get(name) ?? []) if (/^(lib|zlib)/.test(wanted)) chosen.add(wanted)
  }
  return [...chosen].sort()
}
