import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Comparison, notSeen, Observation, seen, type HopObservation, type ResolvedClaim } from '../shared/documents/index.ts'
import type { MemorySubjects } from '../shared/documents/memory-subjects.ts'
import type { Subject } from '../shared/documents/subjects.ts'
import type { Json } from '../shared/json.ts'
import { compare } from './compare.ts'
import { blobOf, sampleClaims, sampleMeta, sampleObservation } from './sample.fixture.ts'

const SAMPLE = sampleObservation()
const CLAIMS = sampleClaims()

const verdicts = (observation: Observation, claims: readonly ResolvedClaim[] = CLAIMS): Record<string, string> =>
  Object.fromEntries(compare(claims, observation, sampleMeta()).claims.map(({ id, verdict }) => [id, verdict]))

const predictedIds = sampleClaims()
  .filter((claim) => claim.predicted !== undefined)
  .map(({ id }) => id)

describe('compare', () => {
  it('makes a document that its schema accepts, from an observation that its schema accepts', () => {
    const observation = Observation.parse(sampleObservation())
    const comparison = compare(sampleClaims(), observation, sampleMeta())
    expect(Comparison.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(JSON.parse(JSON.stringify(comparison)))
  })

  it('finds every subject in the observation in the predicted shape', () => {
    const { claims, summary } = compare(sampleClaims(), sampleObservation(), sampleMeta())
    expect(claims.filter(({ verdict }) => verdict !== 'match').map(({ id, verdict }) => [id, verdict])).toEqual([
      ['hop0.scratch.sizes', 'unpredicted'],
      ['hop0.scratch.addresses', 'unpredicted'],
    ])
    expect(summary).toEqual({ match: predictedIds.length, differ: 0, unobserved: 0, unpredicted: 2, run: 'agreed' })
  })

  it('takes a refusal that was predicted for the end of the run, and any other for a loss', () => {
    const observation = sampleObservation()
    observation.hops.pop()
    observation.lost = { code: 'kexec-refused', message: 'EADDRNOTAVAIL', hop: 0, evidence: [] }
    const expecting = (accepted: boolean): ResolvedClaim[] =>
      sampleClaims().map((claim) => (claim.subject === 'kexec.load' ? { ...claim, predicted: { accepted } } : claim))
    const refused = compare(expecting(false), observation, sampleMeta())
    expect([refused.lost, refused.ended, refused.claims.filter(({ hop }) => hop > 0).map(({ id }) => id)]).toEqual([
      undefined,
      expect.stringMatching(/^boot 0 refused to load the next kernel/),
      ['hop1.kexec.load'],
    ])
    expect(refused.summary.run).not.toBe('lost')
    const surprising = compare(expecting(true), observation, sampleMeta())
    expect([surprising.summary.run, surprising.ended]).toEqual(['lost', undefined])
    expect(surprising.claims.find(({ id }) => id === 'hop1.kexec.load')?.verdict).toBe('differ')
    expect(surprising.claims.length).toBe(sampleClaims().length)
  })

  it.each<[string, Json, string, string[], string | undefined]>([
    [
      'panic',
      { how: 'panic', message: 'x' },
      'guest-panicked',
      ['[    0.1] Kernel panic - not syncing: x'],
      'boot 1 panicked, as predicted',
    ],
    ['another panic', { how: 'panic', message: 'y' }, 'guest-panicked', ['Kernel panic - not syncing: x'], undefined],
    ['halt', { how: 'halted', at: 'f' }, 'guest-silent', ['RIP: 0010:f+0x56/0x125'], 'boot 1 halted, as predicted'],
    ['silence without registers', { how: 'halted', at: 'f' }, 'guest-silent', [], undefined],
    ['handover', { how: 'handover' }, 'guest-panicked', ['Kernel panic - not syncing: x'], undefined],
  ])('takes a %s that was predicted for the end of the run, and no other', (_what, predicted, code, evidence, ended) => {
    const observation = sampleObservation()
    observation.hops.pop()
    observation.lost = { code, message: 'gone', hop: 1, evidence }
    const claims = sampleClaims().map((claim) => (claim.subject === 'boot.outcome' ? { ...claim, predicted } : claim))
    const comparison = compare(claims, observation, sampleMeta())
    expect(comparison.ended?.split(';')[0]).toBe(ended)
    expect(comparison.lost === undefined).toBe(ended !== undefined)
  })

  it('does not touch what it is given', () => {
    const observation = sampleObservation()
    const claims = sampleClaims()
    compare(claims, observation, sampleMeta())
    expect([observation, claims]).toEqual([sampleObservation(), sampleClaims()])
  })

  it('matches nothing when no reading succeeded', () => {
    const observation = sampleObservation()
    const blind: Observation = { ...observation, hops: observation.hops.map(withoutReadings) }
    const matched = Object.entries(verdicts(blind))
      .filter(([, verdict]) => verdict === 'match')
      .map(([id]) => id)
    // That the next kernel runs at all shows that it was accepted; every other claim needs a reading.
    expect(matched).toEqual(['hop1.kexec.load'])
    expect(
      Object.values(verdicts({ ...observation, hops: [] })).every(
        (verdict) => verdict === 'unobserved' || verdict === 'unpredicted',
      ),
    ).toBe(true)
  })

  it('is never greener with one reading less', () => {
    const places = sampleObservation().hops.flatMap((hop, index) =>
      (['guest', 'host'] as const).flatMap((view) => Object.keys(hop[view]).map((name) => ({ index, view, name }))),
    )
    const whole = verdicts(sampleObservation())
    fc.assert(
      fc.property(fc.constantFrom(...places), ({ index, view, name }) => {
        const hops = SAMPLE.hops.map((hop, at) =>
          at === index ? { ...hop, [view]: { ...hop[view], [name]: notSeen('gone') } } : hop,
        )
        for (const [id, verdict] of Object.entries(verdicts({ ...SAMPLE, hops }))) {
          if (verdict === 'match') expect(whole[id]).toBe('match')
          else expect(['unobserved', 'unpredicted']).toContain(verdict)
        }
      }),
      { numRuns: 80 },
    )
  })

  it('differs wherever the prediction is changed', () => {
    // Some subjects take their question from the prediction (an alignment, places to be in): a changed question is no wrong answer.
    const asked = ['scratch.order', 'scratch.alignment', 'loader.kernel']
    const claims = sampleClaims().filter((claim) => claim.predicted !== undefined && !asked.includes(claim.subject))
    fc.assert(
      fc.property(fc.constantFrom(...claims), fc.nat(), (claim, seed) => {
        const changed = { ...claim, predicted: changeOneLeaf(claim.predicted ?? null, seed) }
        expect([claim.id, verdicts(SAMPLE, [changed])[claim.id]]).toEqual([claim.id, 'differ'])
      }),
      { numRuns: 400 },
    )
  })

  it('says so when guest and host contradict each other, predicted or not', () => {
    const observation = sampleObservation()
    const first = observation.hops[0]
    if (first === undefined) throw new Error('the sample has a first boot')
    first.guest.scratchPhys = seen(['0x3a000000', '0x3e800000', '0x33800000'])
    const addresses = compare(sampleClaims(), observation, sampleMeta()).claims.find(({ id }) => id === 'hop0.scratch.addresses')
    expect([addresses?.verdict, addresses?.reason]).toMatchInlineSnapshot(`
      [
        "differ",
        "guest and host contradict each other: [0] is 0x3a000000, the host shows 0x3a400000; nothing was predicted: this needs the order of early reservations, for which there is no rule",
      ]
    `)
  })

  it('does not know subjects of another release, and says so', () => {
    const [claim] = sampleClaims()
    if (claim === undefined) throw new Error('the sample has claims')
    const [compared] = compare([{ ...claim, subject: 'constructor' }], sampleObservation(), sampleMeta()).claims
    expect([compared?.verdict, compared?.reason]).toEqual([
      'unobserved',
      'this release of the lab does not know how to observe constructor',
    ])
  })

  it('keeps what a lost run had shown', () => {
    const observation = sampleObservation()
    const lost = {
      code: 'guest-panicked',
      message: 'the guest panicked',
      hop: 1,
      phase: 'kernel' as const,
      evidence: ['Kernel panic - not syncing'],
    }
    const comparison = compare(sampleClaims(), { ...observation, hops: observation.hops.slice(0, 1), lost }, sampleMeta())
    expect(comparison.lost).toBe('boot 1 (phase kernel): the guest panicked')
    expect(comparison.summary.run).toBe('lost')
    expect(comparison.summary.differ).toBe(0)
    const claim = comparison.claims.find(({ id }) => id === 'hop1.boot.release')
    expect([claim?.verdict, claim?.reason]).toEqual(['unobserved', 'boot 1 was not observed: the guest panicked'])
  })
})

describe('findings', () => {
  const findings = (observation: Observation) =>
    compare(sampleClaims(), observation, sampleMeta()).findings.map(({ id, status, words }) => ({ id, status, words }))

  it('say what debugfs and guest RAM each showed, with the numbers', () => {
    expect(findings(sampleObservation())).toMatchInlineSnapshot(`
      [
        {
          "id": "out-fdt-truncated",
          "status": "confirmed",
          "words": "debugfs returns 233 bytes for out/fdt, whose own header says 345. The blob in guest RAM at 0x1184000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). debugfs keeps the length that the root FDT had at the end of kho_init(); LUO and memblock are added to the same page later, so the file ends before the blob does. The handover itself is not affected: the next kernel reads the page.",
        },
        {
          "id": "out-fdt-absent-after-kho-boot",
          "status": "confirmed",
          "words": "debugfs has no out/fdt, although this kernel passes a handover tree on. The blob in guest RAM at 0x1a2f000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). kho_init() returns as soon as it has shown the incoming tree, before it adds the outgoing one to debugfs. The outgoing tree exists and is handed over; only the file is missing.",
        },
      ]
    `)
  })

  it('are refuted by a kernel that behaves well', () => {
    const observation = sampleObservation()
    const [first, second] = observation.hops
    if (first === undefined || second === undefined || !first.host.outRoot.ok || !second.host.outRoot.ok)
      throw new Error('the sample has two boots')
    first.guest.outFdt = seen(first.host.outRoot.value.blob)
    second.guest.outFdt = seen(second.host.outRoot.value.blob)
    expect(findings(observation)).toMatchInlineSnapshot(`
      [
        {
          "id": "out-fdt-truncated",
          "status": "refuted",
          "words": "debugfs returns 345 bytes for out/fdt, whose own header says 345. The blob in guest RAM at 0x1184000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). Predicted was {"present":true,"size":233,"headerTotalSize":345}.",
        },
        {
          "id": "out-fdt-absent-after-kho-boot",
          "status": "refuted",
          "words": "debugfs returns 345 bytes for out/fdt, whose own header says 345. The blob in guest RAM at 0x1a2f000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). Predicted was {"present":false}.",
        },
      ]
    `)
  })

  it('are not observed when debugfs could not be read', () => {
    const observation = sampleObservation()
    for (const hop of observation.hops) hop.guest.outFdt = notSeen('EIO: /sys/kernel/debug/kho/out/fdt')
    expect(findings(observation).map(({ status }) => status)).toEqual(['not-observed', 'not-observed'])
  })
})

/** For every subject a change of what is seen that must turn its claim into a difference; workloads and memory have tests of their own. */
const changes: Readonly<
  Record<
    Exclude<Subject, keyof MemorySubjects | 'loader.bootParams' | 'scratch.extended' | `workload.${string}`>,
    (hops: HopObservation[]) => void
  >
> = {
  'boot.release': ([first]) => {
    if (first) first.guest.release = seen('7.3.5')
  },
  'boot.cmdline': ([first]) => {
    if (first) first.guest.cmdline = seen('kho=off')
  },
  'boot.kho': ([first]) => {
    if (first) first.guest.khoDirectory = seen(false)
  },
  'boot.outcome': ([, second]) => {
    if (second) second.guest.khoMessages = seen([])
  },
  'firmware.map': ([first]) => {
    if (first?.guest.firmwareMap.ok) first.guest.firmwareMap.value.pop()
  },
  'firmware.ram': ([first]) => {
    if (first) first.host.ramMap = seen([{ start: '0x0', end: '0x3ff00000' }])
  },
  'loader.kernel': ([first]) => {
    if (first) first.guest.iomem = seen([{ start: '0x1100000', end: '0x1600000', name: 'Kernel code', depth: 1 }])
  },
  'loader.initrd': ([, second]) => {
    if (second) second.guest.bootParams = seen(blobOf(new Uint8Array(4096)))
  },
  'loader.cmdline': ([first]) => {
    if (first) first.guest.bootParams = seen(blobOf(new Uint8Array(4096).fill(1, 0x228, 0x22c)))
  },
  'loader.setupData': ([, second]) => {
    if (second?.guest.setupData.ok) second.guest.setupData.value.unshift({ type: 9, data: blobOf(new Uint8Array()) })
  },
  'scratch.count': ([first]) => {
    if (first?.host.scratchArray.ok) first.host.scratchArray.value.regions.pop()
  },
  'scratch.order': ([first]) => {
    if (first) first.guest.scratchPhys = seen(['0x13a400000', '0x3e800000', '0x33800000'])
  },
  'scratch.alignment': ([first]) => {
    if (first) first.guest.scratchPhys = seen(['0x3a401000', '0x3e800000', '0x33800000'])
  },
  'scratch.sizes': ([first]) => {
    if (first) first.guest.scratchLen = seen(['0x4400000', '0x400000', '0x3c00000'])
  },
  'scratch.addresses': ([first]) => {
    if (first) first.guest.scratchPhys = seen(['0x3a000000', '0x3e800000', '0x33800000'])
  },
  'scratch.unchanged': ([, second]) => {
    if (second) second.guest.scratchLen = seen(['0x4400000', '0x400000', '0x3c00000'])
  },
  'tree.root': ([first]) => {
    if (first?.host.outRoot.ok)
      first.host.outRoot.value.blob = blobOf(renamed(first.host.outRoot.value.blob.hex ?? '', 'LUO', 'LUA'))
  },
  'tree.bytes': ([, second]) => {
    if (second) second.guest.inFdt = seen(blobOf(new Uint8Array(345)))
  },
  'tree.kexec-metadata': ([first]) => {
    changeSubtree(first, 'kexec-metadata', '7.3.4', '7.3.5')
  },
  'tree.memblock': ([first]) => {
    changeSubtree(first, 'memblock', 'trace', 'truce')
  },
  'tree.regions': ([first]) => {
    if (first?.guest.outSubtrees.ok) delete first.guest.outSubtrees.value['memblock']
  },
  'tree.LUO': ([first]) => {
    if (first?.guest.outSubtrees.ok)
      first.guest.outSubtrees.value['LUO'] = blobOf(
        Buffer.from(`${Buffer.from('luo-v5\0\0').toString('hex')}07${'00'.repeat(23)}`, 'hex'),
      )
  },
  'debugfs.outFdt': ([first]) => {
    if (first) first.guest.outFdt = notSeen('ENOENT: /sys/kernel/debug/kho/out/fdt')
  },
  'debugfs.inSubtrees.LUO': ([, second]) => {
    if (second?.guest.inSubtrees.ok) second.guest.inSubtrees.value['LUO'] = blobOf(new Uint8Array(32))
  },
  'preserved.records': ([first]) => {
    if (first?.host.outRadix.ok)
      first.host.outRadix.value.records = first.host.outRadix.value.records.map((record) => ({ ...record, order: 1 }))
  },
  'preserved.radix': ([first]) => {
    const node = first?.host.outRadix.ok ? first.host.outRadix.value.nodes[0] : undefined
    if (typeof node?.slots === 'object') node.slots.push(511)
  },
  'invariant.preserved-outside-scratch': ([first]) => {
    if (first?.host.outRadix.ok) {
      first.host.outRadix.value.records.push({ start: '0x3a400000', order: 0 })
      first.host.outRadix.value.recordCount += 1
    }
  },
  'invariant.addresses-inside-ram': ([first]) => {
    if (first) first.host.ramMap = seen([{ start: '0x0', end: '0x3f000000' }])
  },
  'invariant.lengths-agree': ([first]) => {
    if (first) first.guest.scratchLen = seen(['0x4400000'])
  },
  'handover.inFdt': ([, second]) => {
    if (second) second.guest.inFdt = seen(blobOf(new Uint8Array(345)))
  },
  'handover.refused': ([, second]) => {
    if (second) second.guest.khoMessages = seen(['KHO: disabling KHO revival'])
  },
  'handover.message': ([, second]) => {
    if (second) second.guest.khoMessages = seen(['KHO: exec from: 7.3.4 (count 2)'])
  },
  'handover.reserved': ([, second]) => {
    if (second?.guest.memblockReserved.ok) second.guest.memblockReserved.value.pop()
  },
  'handover.marks': ([, second]) => {
    if (second?.host.marks?.ok === true) second.host.marks.value.others = 1
  },
  'handover.content': ([, second]) => {
    const record = second?.host.preservedAfter?.ok === true ? second.host.preservedAfter.value[0] : undefined
    if (record) record.digest = '0'.repeat(32)
  },
  'handover.setupData': ([, second]) => {
    const data = second?.guest.setupData.ok === true ? second.guest.setupData.value[0] : undefined
    if (data) data.data = blobOf(new Uint8Array(32))
  },
  'handover.reserveMem': ([, second]) => {
    changeSubtree(second, 'memblock', 'trace', 'truce')
  },
  'luo.message': ([, second]) => {
    if (second) second.guest.khoMessages = seen(['luo: Retrieved live update data, liveupdate number: 7'])
  },
  'luo.operations': ([first]) => {
    if (first) first.luo = seen([{ op: 'create=vm', error: 17 }])
  },
  'luo.records': ([first]) => {
    if (first?.host.outRadix.ok) first.host.handedOver = seen({ ...first.host.outRadix.value, recordCount: 99, pageCount: 99 })
  },
  'luo.sessions': ([, second]) => {
    if (second) second.host.luoIncoming = seen({ sessions: [], pageCount: 0 })
  },
  'selftest.program': ([first]) => {
    if (first) first.selftest = seen({ command: 'x', exitCode: 1, passed: 0, failed: ['a'], output: '' })
  },
  'selftest.kernel': ([, second]) => {
    if (second) second.guest.khoMessages = seen(['test_kho: KHO restore failed'])
  },
  'kexec.load': () => undefined,
  'kexec.kernel': ([first]) => {
    changeSegment(first, 3)
  },
  'kexec.running': ([, second]) => {
    if (second) second.guest.iomem = seen([{ start: '0x1000000', end: '0x1600000', name: 'Kernel code', depth: 1 }])
  },
  'kexec.initrd': ([, second]) => {
    if (second) second.guest.bootParams = seen(blobOf(new Uint8Array(4096)))
  },
  'kexec.scratchArray': ([, second]) => {
    if (second?.host.scratchArray.ok) second.host.scratchArray.value.address = '0x1000'
  },
  'kexec.segments': ([first]) => {
    changeSegment(first, 1)
  },
}

describe.each(Object.entries(changes).filter(([subject]) => subject !== 'kexec.load'))('%s', (subject, change) => {
  it('differs once what is seen has changed', () => {
    const observation = sampleObservation()
    change(observation.hops)
    const claims = sampleClaims().filter((claim) => claim.subject === subject)
    expect(claims).not.toEqual([])
    expect(Object.values(verdicts(observation, claims))).toContain('differ')
  })
})

const byteText = (text: string): string => Buffer.from(text).toString('hex')
const renamed = (hex: string, from: string, to: string): Uint8Array =>
  Buffer.from(hex.replace(byteText(from), byteText(to)), 'hex')

function changeSubtree(hop: HopObservation | undefined, name: string, from: string, to: string): void {
  const subtrees = hop?.guest.outSubtrees
  if (subtrees?.ok === true) subtrees.value[name] = blobOf(renamed(subtrees.value[name]?.hex ?? '', from, to))
}

function changeSegment(hop: HopObservation | undefined, index: number): void {
  const segments = hop?.guest.kexecSegments
  const segment = segments?.ok === true ? segments.value[index] : undefined
  if (segment) segment.start = '0x1000'
}

function withoutReadings(hop: HopObservation): HopObservation {
  const blind = <T extends object>(view: T): T => {
    const copy: Record<string, unknown> = {}
    for (const name of Object.keys(view)) copy[name] = notSeen('the guest did not answer')
    return copy as T
  }
  return {
    ...hop,
    guest: blind(hop.guest),
    host: blind(hop.host),
    ...(hop.luo === undefined ? {} : { luo: notSeen('nothing was read'), selftest: notSeen('nothing was read') }),
  }
}

/** The value with one leaf (or, where there is none, the empty list itself) changed into something else. */
function changeOneLeaf(value: Json, seed: number): Json {
  if (value === null || typeof value !== 'object')
    return typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${String(value)}0`
  if (Array.isArray(value)) {
    if (value.length === 0) return ['0x1']
    return value.map((inner: Json, index) =>
      index === seed % value.length ? changeOneLeaf(inner, Math.floor(seed / value.length)) : inner,
    )
  }
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, inner], index) => [
      key,
      index === seed % entries.length ? changeOneLeaf(inner, Math.floor(seed / entries.length)) : inner,
    ]),
  )
}
