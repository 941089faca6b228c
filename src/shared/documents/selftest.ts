import { z } from 'zod'

/** The kernel's own tests of KHO and LUO that the lab can run; the release `7.3-test` has them. */
export const Selftest = z
  .enum([
    'kho',
    'liveupdate/liveupdate',
    'liveupdate/luo_kexec_simple',
    'liveupdate/luo_multi_session',
    'liveupdate/luo_stress_files',
    'liveupdate/luo_stress_sessions',
  ])
  .meta({ description: 'one of the kernel\'s own selftests, run around the first kexec; needs kernel.release "7.3-test"' })
export type Selftest = z.infer<typeof Selftest>

/** Test programs that run once; the others run before the first kexec (stage 1) and after it (stage 2). */
const SINGLE: readonly Selftest[] = ['liveupdate/liveupdate']

/** What the program of a selftest is called with in boot `hop`; undefined where it does not run. `kho` has none: it is in the kernel. */
export function selftestArguments(selftest: Selftest, hop: number): readonly string[] | undefined {
  if (selftest === 'kho' || hop > 1) return undefined
  if (SINGLE.includes(selftest)) return hop === 0 ? [] : undefined
  return ['-s', `${hop + 1}`]
}

/** What a test program did: its exit code, the tests that its KTAP says failed, and all that it printed. */
export const SelftestRun = z.object({
  command: z.string(),
  exitCode: z.int(),
  passed: z.int(),
  failed: z.array(z.string()),
  /** stdout and stderr; the whole of it is raw/hopN/selftest.txt. */
  output: z.string(),
})
export type SelftestRun = z.infer<typeof SelftestRun>
