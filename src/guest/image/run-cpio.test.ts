import { execFileSync } from 'node:child_process'
import { createPublicKey, verify, sign, createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunKeys, RUN_CPIO_SIZE } from './run-cpio.ts'
import { dropbearPrivateKey, newEd25519Pair, publicKeyBlob } from './ssh-keys.ts'

const extract = (cpio: Uint8Array, name: string): Buffer =>
  execFileSync('cpio', ['-i', '--to-stdout', name], { input: cpio, stdio: ['pipe', 'pipe', 'ignore'] })

describe('makeRunKeys', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kho-lab-keys-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('always has the same size, so that no predicted address depends on a key', () => {
    expect(new Set(Array.from({ length: 20 }, () => makeRunKeys().cpio.length))).toEqual(new Set([RUN_CPIO_SIZE]))
  })

  it('lists two private files, and nothing but zeros after the trailer', () => {
    const { cpio } = makeRunKeys()
    const modes = execFileSync('cpio', ['-itv'], { input: cpio, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
    expect(
      modes
        .trimEnd()
        .split('\n')
        .map((line) => [line.split(' ')[0], line.split(' ').at(-1)]),
    ).toEqual([
      ['-rw-------', 'etc/dropbear/dropbear_ed25519_host_key'],
      ['-rw-------', 'root/.ssh/authorized_keys'],
    ])
    const end = cpio.indexOf('TRAILER!!!') + 'TRAILER!!!'.length
    expect(cpio.subarray(end).every((byte) => byte === 0)).toBe(true)
  })

  it('lets in exactly the client key that it hands out, as OpenSSH reads it', () => {
    const { cpio, clientPrivateKey } = makeRunKeys()
    const file = path.join(directory, 'client')
    writeFileSync(file, clientPrivateKey, { mode: 0o600 })
    const fromOpenSsh = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' })
    expect(extract(cpio, 'root/.ssh/authorized_keys').toString()).toBe(fromOpenSsh)
  })

  it('gives a key that ssh2 accepts', () => {
    const { cpio, clientPrivateKey } = makeRunKeys()
    const parsed = ssh2.utils.parseKey(clientPrivateKey)
    if (parsed instanceof Error) throw parsed
    const [, blob] = extract(cpio, 'root/.ssh/authorized_keys').toString().split(' ')
    expect({ type: parsed.type, private: parsed.isPrivateKey(), blob: parsed.getPublicSSH().toString('base64') }).toEqual({
      type: 'ssh-ed25519',
      private: true,
      blob,
    })
  })

  it('pins the host key whose private half is in the archive', () => {
    const { cpio, hostPublicKey } = makeRunKeys()
    const stored = extract(cpio, 'etc/dropbear/dropbear_ed25519_host_key')
    expect(stored.subarray(-32)).toEqual(hostPublicKey.subarray(-32))
  })

  it('makes new keys every time', () => {
    const [a, b] = [makeRunKeys(), makeRunKeys()]
    expect(a.clientPrivateKey === b.clientPrivateKey || a.hostPublicKey.equals(b.hostPublicKey)).toBe(false)
  })
})

describe('dropbearPrivateKey', () => {
  it('is type, seed and public key, and the halves belong together', () => {
    const pair = newEd25519Pair()
    const stored = dropbearPrivateKey(pair)
    expect({
      length: stored.length,
      type: stored.subarray(0, 15).toString('latin1'),
      keyLength: stored.readUInt32BE(15),
      seed: stored.subarray(19, 51).equals(pair.seed),
      publicKey: stored.subarray(51, 83).equals(pair.publicKey),
    }).toEqual({ length: 83, type: '\0\0\0\u000bssh-ed25519', keyLength: 64, seed: true, publicKey: true })
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKeyBlob(pair).subarray(-32).toString('base64url') }
    const signature = sign(
      null,
      Buffer.from('x'),
      createPrivateKey({ key: { ...jwk, d: pair.seed.toString('base64url') }, format: 'jwk' }),
    )
    expect(verify(null, Buffer.from('x'), createPublicKey({ key: jwk, format: 'jwk' }), signature)).toBe(true)
  })
})
