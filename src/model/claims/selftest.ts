import { selftestArguments, type PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { claim, in73 } from '../claim.ts'

/** What upstream's vmtest.sh looks for, claimed of each boot that shows it. */
export function selftestClaims(boot: Boot): readonly PredictedClaim[] {
  const { selftest } = boot.experiment
  if (selftest === undefined) return []
  if (selftest === 'kho')
    return boot.hop === 1
      ? [
          claim(
            boot,
            'selftest.kernel',
            "The kernel's test of KHO finds its data again",
            in73('lib/test_kho.c')('kho_test_restore'),
            {
              value: 'KHO restore succeeded',
            },
          ),
        ]
      : []
  const args = selftestArguments(selftest, boot.hop)
  if (args === undefined) return []
  const title = args.length === 0 ? `${selftest} passes` : `${selftest} passes stage ${args.at(-1) ?? ''}`
  const file = `tools/testing/selftests/${selftest}.c`
  return [claim(boot, 'selftest.program', title, in73(file)('main'), { value: { exitCode: 0, failed: [] } })]
}
