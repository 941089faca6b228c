import { expect, it } from 'vitest'
import { HostView } from './observation.ts'

it('reads the digests of runs that were kept when they were named by their kind', () => {
  const record = { start: '0x612000', order: 0 }
  const hash = '5ebb8466578c0cecae1eeacd126e25101f036fb11efe0ff1911eaf10b0d103b6'
  const read = (entry: unknown): boolean => HostView.shape.preservedBefore.safeParse({ ok: true, value: [entry] }).success
  expect(HostView.shape.preservedBefore.parse({ ok: true, value: [{ record, sha256: hash }] })).toEqual({
    ok: true,
    value: [{ record, digest: hash }],
  })
  expect([read({ record, digest: hash }), read({ record }), read({ record, sha256: 7 })]).toEqual([true, false, false])
})
