import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LabError } from '../shared/result.ts'

/** Only the lab's own folder has it, whether that is a checkout, an installed package or an unpacked application. */
const MARK = 'qemu-images/kernel/releases.json'

/**
 * The absolute path of something that comes with the lab, such as `experiments`. Found from this file upwards, because a
 * bundle puts this file into another folder than the sources do. Throws LabError internal when the lab's folder is not above.
 */
export function ownPath(...parts: readonly string[]): string {
  const here = import.meta.dirname
  for (let at = here; ; at = dirname(at)) {
    if (existsSync(join(at, MARK))) return join(at, ...parts)
    if (at === dirname(at)) break
  }
  throw new LabError({
    code: 'internal',
    message: `${MARK} was not found in any folder above ${here}`,
    hint: 'Reinstall the lab, or run it from its checkout.',
  })
}
