import { writeCpio } from './cpio.ts'
import { dropbearPrivateKey, newEd25519Pair, opensshPrivateKey, publicKeyBlob, publicKeyLine } from './ssh-keys.ts'

/** What one run adds to the image: who may log in, and who the guest is. */
export interface RunKeys {
  /** Plain cpio; goes behind the image's initramfs with appendCpio(). Always {@link RUN_CPIO_SIZE} bytes. */
  readonly cpio: Buffer
  /** OpenSSH private key of the only client that may log in as root. Never written to disk by this module. */
  readonly clientPrivateKey: string
  /** The guest's host key as sent on the wire; a client accepts no other. */
  readonly hostPublicKey: Buffer
}

/** Fixed, so that the size of the initrd, and with it every address that depends on it, is known without the keys. */
export const RUN_CPIO_SIZE = 4096

/** New keys for one run, and the cpio that brings them into the guest. */
export function makeRunKeys(): RunKeys {
  const client = newEd25519Pair()
  const host = newEd25519Pair()
  const archive = writeCpio([
    { kind: 'file', path: 'etc/dropbear/dropbear_ed25519_host_key', mode: 0o600, data: dropbearPrivateKey(host) },
    {
      kind: 'file',
      path: 'root/.ssh/authorized_keys',
      mode: 0o600,
      data: Buffer.from(`${publicKeyLine(publicKeyBlob(client), 'kho-lab')}\n`),
    },
  ])
  if (archive.length > RUN_CPIO_SIZE) throw new Error(`run cpio has ${archive.length} bytes, more than ${RUN_CPIO_SIZE}`)
  const cpio = Buffer.alloc(RUN_CPIO_SIZE)
  archive.copy(cpio)
  return { cpio, clientPrivateKey: opensshPrivateKey(client, 'kho-lab'), hostPublicKey: publicKeyBlob(host) }
}
