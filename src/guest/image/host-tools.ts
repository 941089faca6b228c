import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { LabError } from '../../shared/result.ts'
import type { OnProgress } from './progress.ts'
import { runStep } from './process.ts'

/** Something that a build needs on the host: a program on PATH or a file, and the Debian package that has it. */
interface HostTool {
  readonly name: string
  readonly package: string
  /** Only for compiling a kernel, not for the initramfs. */
  readonly kernelOnly?: true
}

const HOST_TOOLS: readonly HostTool[] = [
  { name: 'gcc', package: 'gcc' },
  { name: '/usr/include/stdio.h', package: 'libc6-dev' },
  { name: 'apt-get', package: 'apt' },
  { name: 'dpkg-deb', package: 'dpkg' },
  { name: '/usr/share/keyrings/debian-archive-keyring.gpg', package: 'debian-archive-keyring' },
  { name: 'ld', package: 'binutils', kernelOnly: true },
  { name: 'make', package: 'make', kernelOnly: true },
  { name: 'flex', package: 'flex', kernelOnly: true },
  { name: 'bison', package: 'bison', kernelOnly: true },
  { name: 'bc', package: 'bc', kernelOnly: true },
  { name: 'perl', package: 'perl', kernelOnly: true },
  { name: 'python3', package: 'python3', kernelOnly: true },
  { name: 'tar', package: 'tar', kernelOnly: true },
  { name: 'xz', package: 'xz-utils', kernelOnly: true },
  { name: 'zstd', package: 'zstd', kernelOnly: true },
  { name: '/usr/include/libelf.h', package: 'libelf-dev', kernelOnly: true },
  { name: '/usr/include/openssl/opensslv.h', package: 'libssl-dev', kernelOnly: true },
]

/** Another apt may be at work, as on a machine that has just come up. */
const WAIT_FOR_APT = ['-o', 'DPkg::Lock::Timeout=300']

function isThere(name: string): boolean {
  if (name.startsWith('/')) return existsSync(name)
  return (process.env['PATH'] ?? '').split(path.delimiter).some((directory) => {
    try {
      accessSync(path.join(directory, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Debian packages whose programs or headers are missing on this host, for a kernel build or for the initramfs alone. */
export const missingPackages = (forKernel: boolean, present: (name: string) => boolean = isThere): readonly string[] =>
  HOST_TOOLS.filter((tool) => (forKernel || tool.kernelOnly !== true) && !present(tool.name)).map((tool) => tool.package)

/**
 * Makes sure that the build's tools are there. As root they are installed with apt-get, which is announced first;
 * otherwise LabError tool-missing says the exact command.
 */
export async function ensureHostTools(
  forKernel: boolean,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const missing = missingPackages(forKernel)
  if (missing.length === 0) return
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    throw new LabError({
      code: 'tool-missing',
      message: `building the guest image needs packages that are not installed: ${missing.join(', ')}`,
      hint: `Run: sudo ${install.join(' ')}`,
    })
  }
  onProgress({ phase: `installing with apt-get: ${missing.join(' ')}`, percent: 0 })
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await runStep(['apt-get', 'update', ...WAIT_FOR_APT], { env, signal })
    await runStep([...install, ...WAIT_FOR_APT], { env, signal })
  } catch (error) {
    throw error instanceof LabError && error.code === 'image-build-failed' ? notInstalled(missing, install, error) : error
  }
}

const notInstalled = (missing: readonly string[], install: readonly string[], cause: LabError): LabError =>
  new LabError(
    {
      code: 'tool-missing',
      message: `apt-get could not install what building the guest image needs: ${missing.join(', ')}`,
      hint: `Run it by hand to see why: apt-get update && ${install.join(' ')}`,
      evidence: cause.evidence,
    },
    { cause },
  )
