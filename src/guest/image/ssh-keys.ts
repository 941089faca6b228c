import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** An ed25519 key pair as raw bytes: 32 of seed, 32 of public key. */
export interface Ed25519Pair {
  readonly seed: Buffer
  readonly publicKey: Buffer
}

const KEY_TYPE = 'ssh-ed25519'

export function newEd25519Pair(): Ed25519Pair {
  const { privateKey } = generateKeyPairSync('ed25519')
  const jwk = privateKey.export({ format: 'jwk' })
  if (jwk.d === undefined || jwk.x === undefined) throw new Error('ed25519 key pair without d or x')
  return { seed: Buffer.from(jwk.d, 'base64url'), publicKey: Buffer.from(jwk.x, 'base64url') }
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}

/** `string` of RFC 4251: length, then the bytes. */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** Public key as it goes over the wire (RFC 8709): what a client pins. */
export const publicKeyBlob = (pair: Ed25519Pair): Buffer => Buffer.concat([sshString(KEY_TYPE), sshString(pair.publicKey)])

/** One line of authorized_keys or known_hosts. */
export const publicKeyLine = (blob: Uint8Array, comment: string): string =>
  `${KEY_TYPE} ${Buffer.from(blob).toString('base64')} ${comment}`

/** Host key file as dropbear keeps it: key type, then seed and public key as one string. */
export const dropbearPrivateKey = (pair: Ed25519Pair): Buffer =>
  Buffer.concat([sshString(KEY_TYPE), sshString(Buffer.concat([pair.seed, pair.publicKey]))])

/** Unencrypted private key in OpenSSH's own form (PROTOCOL.key). */
export function opensshPrivateKey(pair: Ed25519Pair, comment: string): string {
  const check = randomBytes(4)
  const secret = Buffer.concat([
    check,
    check,
    publicKeyBlob(pair),
    sshString(Buffer.concat([pair.seed, pair.publicKey])),
    sshString(comment),
  ])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_unused, index) => index + 1))
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    uint32(1),
    sshString(publicKeyBlob(pair)),
    sshString(Buffer.concat([secret, padding])),
  ])
  const lines = body.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}
