import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { LabError } from '../../shared/result.ts'
import { compress, writeCpio, type CpioEntry } from './cpio.ts'
import { runStep, type RunOptions } from './process.ts'

/** A second initramfs, which goes behind the lab's own: the kernel's selftests below /selftests. */
export const SELFTESTS_FILE = 'selftests.cpio.gz'

/** Programs of tools/testing/selftests/liveupdate/Makefile (7.3) that run in two stages, around a kexec. */
const TWO_STAGES = ['luo_kexec_simple', 'luo_multi_session', 'luo_stress_files', 'luo_stress_sessions']
/** Compiled as the tests' own vmtest.sh (7.3) does: with the kernel's nolibc, so that a guest needs nothing for it. */
const WITH_NOLIBC = ['-static', '-s', '-O2', '-nostdinc', '-nostdlib', '-fno-stack-protector']
/** Needs what nolibc lacks (kselftest_harness.h); compiled as lib.mk does, but static. */
const WITH_LIBC = ['-static', '-s', '-O2', '-D_GNU_SOURCE']

export interface SelftestsBuild {
  readonly tree: string
  /** Build tree in which `make headers` has run. */
  readonly objects: string
  readonly work: string
  readonly run: RunOptions
}

/**
 * Compiles the selftests of the source tree that the kernel was built from, and returns the bytes of a gzipped cpio. Their
 * sources are only read. Throws LabError image-build-failed, also for a release whose tests are laid out otherwise.
 */
export async function buildSelftests({ tree, objects, work, run }: SelftestsBuild): Promise<Buffer> {
  const tests = path.join(tree, 'tools/testing/selftests/liveupdate')
  const library = path.join(tests, 'lib/lu_utils.c')
  if (!existsSync(library))
    throw new LabError({
      code: 'image-build-failed',
      message: 'this source has no tools/testing/selftests/liveupdate/lib/lu_utils.c: its selftests are laid out otherwise',
      hint: 'Take "selftests" out of its row in qemu-images/kernel/releases.json.',
    })
  const out = path.join(work, 'selftests')
  await mkdir(out)
  const headers = path.join(objects, 'usr/include')
  const compile = async (name: string, flags: readonly string[]): Promise<CpioEntry> => {
    const program = path.join(out, name)
    const include = [`-I${path.join(tests, 'lib/include')}`]
    await runStep(['gcc', ...flags, ...include, '-o', program, path.join(tests, `${name}.c`), library], run)
    return { kind: 'file', path: `selftests/liveupdate/${name}`, mode: 0o755, data: await readFile(program) }
  }
  const entries: CpioEntry[] = [
    { kind: 'directory', path: 'selftests', mode: 0o755 },
    { kind: 'directory', path: 'selftests/liveupdate', mode: 0o755 },
    await compile('liveupdate', [...WITH_LIBC, '-isystem', headers]),
  ]
  for (const name of TWO_STAGES)
    entries.push(await compile(name, [...WITH_NOLIBC, `-I${headers}`, `-I${path.join(tree, 'tools/include/nolibc')}`]))
  return compress(writeCpio(entries))
}

/** Writes the second initramfs into `directory`, and returns its name. */
export async function writeSelftests(directory: string, build: SelftestsBuild): Promise<string> {
  await writeFile(path.join(directory, SELFTESTS_FILE), await buildSelftests(build))
  return SELFTESTS_FILE
}
