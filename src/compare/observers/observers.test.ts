import { describe, expect, it } from 'vitest'
import { notSeen, seen, type HopObservation, type Observation, type Side } from '../../shared/documents/index.ts'
import type { Subject } from '../../shared/documents/subjects.ts'
import type { Json } from '../../shared/json.ts'
import { blobOf, sampleObservation } from '../sample.fixture.ts'
import { observe } from './index.ts'

type Change = (first: HopObservation, second: HopObservation, observation: Observation) => void

/** One side of a subject after the sample observation was changed. */
function look(side: 'guest' | 'host', hop: number, subject: Subject, change: Change, predicted?: Json): Side {
  const observation = sampleObservation()
  const [first, second] = observation.hops
  if (first === undefined || second === undefined) throw new Error('the sample has two boots')
  change(first, second, observation)
  return observe(subject, { claim: { hop, ...(predicted === undefined ? {} : { predicted }) }, observation })[side]
}

describe('firmware.ram, by the guest', () => {
  const ram = (map: [string, string, string][]): Side =>
    look('guest', 0, 'firmware.ram', (first) => {
      first.guest.firmwareMap = seen(map.map(([start, end, type]) => ({ start, end, type })))
    })

  it('counts what firmware kept at the end of low RAM, and starts the high part at 4 GiB', () => {
    expect(
      ram([
        ['0x100000000', '0x180000000', 'System RAM'],
        ['0x0', '0x9fc00', 'System RAM'],
        ['0x100000', '0x7ffdf000', 'System RAM'],
        ['0x7ffdf000', '0x80000000', 'Reserved'],
        ['0xb0000000', '0xc0000000', 'Reserved'],
      ]),
    ).toEqual({
      value: [
        { start: '0x0', end: '0x80000000' },
        { start: '0x100000000', end: '0x180000000' },
      ],
    })
  })

  it('ends where System RAM ends when nothing was kept', () => {
    expect(ram([['0x0', '0x8000000', 'System RAM']])).toEqual({ value: [{ start: '0x0', end: '0x8000000' }] })
  })
})

describe('scratch', () => {
  it('is not put together from lists of unequal length', () => {
    const side = look('guest', 0, 'scratch.sizes', (first) => {
      first.guest.scratchLen = seen(['0x400000'])
    })
    expect(side).toEqual({ unobserved: 'out/scratch_phys has 3 lines and out/scratch_len 1' })
  })

  it('says where a region lies that is not in its place, and does not mind an empty one', () => {
    const places = [
      { kind: 'lowmem', within: [{ start: '0x0', end: '0x100000000' }] },
      { kind: 'global', within: [] },
      { kind: 'node0', within: [{ start: '0x0', end: '0x30000000' }] },
    ]
    expect(look('host', 0, 'scratch.order', () => undefined, places)).toEqual({
      value: [places[0], places[1], { kind: 'outside', within: [{ start: '0x33800000', end: '0x37400000' }] }],
    })
  })

  it('does not check order or alignment when the question is missing', () => {
    for (const subject of ['scratch.order', 'scratch.alignment'] as const) {
      expect(look('host', 0, subject, () => undefined)).toHaveProperty('unobserved')
      expect(look('host', 0, subject, () => undefined, { align: 'nonsense' })).toHaveProperty('unobserved')
    }
  })
})

describe('out/fdt', () => {
  it('shows no tree while it is cut off', () => {
    expect(look('guest', 0, 'tree.root', () => undefined)).toEqual({
      unobserved: 'out/fdt is cut off: debugfs returns 233 bytes of a blob whose header says 345',
    })
  })

  it('is absent only when the guest said so, and has a directory to be absent from', () => {
    const outFdt = (reason: string, directory = seen(true)): Side =>
      look('guest', 1, 'debugfs.outFdt', (_first, second) => {
        second.guest.outFdt = notSeen(reason)
        second.guest.khoDirectory = directory
      })
    expect(outFdt('ENOENT: /sys/kernel/debug/kho/out/fdt')).toEqual({ value: { present: false } })
    expect(outFdt('EIO: /sys/kernel/debug/kho/out/fdt')).toEqual({ unobserved: 'out/fdt: EIO: /sys/kernel/debug/kho/out/fdt' })
    expect(outFdt('the ssh connection was lost')).toHaveProperty('unobserved')
    expect(outFdt('ENOENT: /sys/kernel/debug/kho/out/fdt', seen(false))).toHaveProperty('unobserved')
  })

  it('has no length without a header', () => {
    expect(
      look('guest', 0, 'debugfs.outFdt', (first) => {
        first.guest.outFdt = seen(blobOf(new Uint8Array(233)))
      }),
    ).toHaveProperty('unobserved')
  })

  it('is not decoded when only its hash was kept', () => {
    const side = look('host', 0, 'tree.root', (first) => {
      if (first.host.outRoot.ok) first.host.outRoot.value.blob = { size: 345, sha256: '0'.repeat(64) }
    })
    expect(side).toEqual({ unobserved: 'the bytes of the KHO root in RAM are not in the observation' })
  })
})

describe('preserved', () => {
  it('is no set while the walk or what was kept of it is incomplete', () => {
    const records = (change: (radix: { complete: boolean; recordCount: number }) => void): Side =>
      look('host', 0, 'preserved.records', (first) => {
        if (first.host.outRadix.ok) change(first.host.outRadix.value)
      })
    expect(
      records((radix) => {
        radix.complete = false
      }),
    ).toEqual({ unobserved: 'the walk of the radix tree was not complete' })
    expect(
      records((radix) => {
        radix.recordCount = 5000
      }),
    ).toEqual({ unobserved: 'the 5000 preserved records lie too scattered to be kept' })
    expect(
      look('host', 0, 'invariant.preserved-outside-scratch', (first) => {
        if (first.host.outRadix.ok) first.host.outRadix.value.complete = false
      }),
    ).toHaveProperty('unobserved')
  })
})

describe('invariants', () => {
  it('name what breaks them', () => {
    expect(
      look('host', 0, 'invariant.addresses-inside-ram', (first) => {
        first.host.ramMap = seen([{ start: '0x0', end: '0x1185000' }])
      }),
    ).toEqual({
      value: {
        violations: [
          'memblock',
          'LUO',
          'kexec-metadata',
          'record 0x1185000',
          'record 0x1187000',
          'record 0x1188000',
          'record 0x1189000',
          'record 0x3e800000',
          'record 0x3f000000',
        ],
      },
    })
    expect(
      look('host', 0, 'invariant.lengths-agree', (first) => {
        const memblock = first.host.outRoot.ok ? first.host.outRoot.value.subtrees[0] : undefined
        if (memblock) memblock.size = 200
      }),
    ).toEqual({ value: { violations: ['sub node memblock has blob-size 200, 210 bytes are there'] } })
  })

  it('count a record that only touches scratch as outside', () => {
    const inScratch = (start: string, order: number): Side =>
      look('host', 0, 'invariant.preserved-outside-scratch', (first) => {
        if (!first.host.outRadix.ok) return
        first.host.outRadix.value.records = [{ start, order }]
        first.host.outRadix.value.recordCount = 1
      })
    expect(inScratch('0x3a3ff000', 0)).toEqual({ value: { violations: [] } })
    expect(inScratch('0x3a3fe000', 2)).toEqual({ value: { violations: [{ start: '0x3a3fe000', order: 2 }] } })
    expect(inScratch('0x3e7ff000', 0)).toEqual({ value: { violations: [{ start: '0x3e7ff000', order: 0 }] } })
  })
})

describe('kexec.load', () => {
  const lost = (message: string, hop: number, code = 'kexec-refused'): Side =>
    look('guest', 1, 'kexec.load', (_first, _second, observation) => {
      observation.hops.pop()
      observation.lost = { code, message, hop, evidence: [] }
    })

  it('was refused only when the kernel found no room', () => {
    expect(lost('kexec_file_load failed: EADDRNOTAVAIL', 0)).toEqual({ value: { accepted: false } })
    expect(lost('kexec_file_load failed: ENOEXEC', 0)).toHaveProperty('unobserved')
    expect(lost('kexec_file_load failed: EADDRNOTAVAIL', 3)).toHaveProperty('unobserved')
    expect(lost('EADDRNOTAVAIL', 1, 'guest-panicked')).toHaveProperty('unobserved')
  })
})

describe('handover', () => {
  it('reserves nothing when memblock=debug printed nothing at all', () => {
    expect(
      look('guest', 1, 'handover.reserved', (_first, second) => {
        second.guest.memblockReserved = seen([])
      }),
    ).toEqual({ unobserved: 'memblock=debug printed no reservation at all' })
  })

  it('has no address without a setup_data of type 10', () => {
    expect(
      look('guest', 1, 'handover.inFdt', (_first, second) => {
        second.guest.setupData = seen([])
      }),
    ).toEqual({ unobserved: 'the setup_data chain has no entry of type 10 (SETUP_KEXEC_KHO)' })
  })
})
