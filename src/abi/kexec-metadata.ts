import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { asciiBytes, cString, viewOf } from './bytes.ts'

/** struct kho_kexec_metadata, include/linux/kho/abi/kexec_metadata.h (7.1 to 7.3): packed, so kexec_count is unaligned. */
/** Name of the sub node in the root FDT. */
export const KEXEC_METADATA_NODE = 'kexec-metadata'
export const KEXEC_METADATA_SIZE = 73
export const KEXEC_METADATA_VERSION = 1
const RELEASE_OFFSET = 4
/** __NEW_UTS_LEN + 1 */
const RELEASE_SIZE = 65
const COUNT_OFFSET = 69

export interface KexecMetadata {
  readonly version: number
  /** `uname -r` of the kernel that wrote it. */
  readonly previousRelease: string
  /** 1 from a kernel that was started cold, then one more per kexec. */
  readonly kexecCount: number
}

/** Refuses what kho_in_kexec_metadata() (7.3) refuses; bytes after the 73rd are not looked at. */
export function decodeKexecMetadata(bytes: Uint8Array): Result<KexecMetadata> {
  if (bytes.length < 4) return err(`kexec-metadata is too small: ${bytes.length} bytes`)
  const view = viewOf(bytes)
  const version = view.getUint32(0, true)
  if (version !== KEXEC_METADATA_VERSION) return err(`kexec-metadata version ${version} is not ${KEXEC_METADATA_VERSION}`)
  if (bytes.length < KEXEC_METADATA_SIZE)
    return err(`kexec-metadata is too small: ${bytes.length} of ${KEXEC_METADATA_SIZE} bytes`)
  const previousRelease = cString(bytes.subarray(RELEASE_OFFSET, RELEASE_OFFSET + RELEASE_SIZE))
  if (previousRelease === undefined) return err('previous_release is not NUL-terminated text')
  return ok({ version, previousRelease, kexecCount: view.getUint32(COUNT_OFFSET, true) })
}

/** The 73 bytes that kho_out_kexec_metadata() (7.3) writes. Throws RangeError for a release longer than 64 bytes. */
export function encodeKexecMetadata(metadata: KexecMetadata): Uint8Array {
  const release = asciiBytes(metadata.previousRelease)
  if (release.length >= RELEASE_SIZE) throw new RangeError(`release longer than ${RELEASE_SIZE - 1} bytes`)
  const bytes = new Uint8Array(KEXEC_METADATA_SIZE)
  const view = viewOf(bytes)
  view.setUint32(0, metadata.version, true)
  bytes.set(release, RELEASE_OFFSET)
  view.setUint32(COUNT_OFFSET, metadata.kexecCount, true)
  return bytes
}
