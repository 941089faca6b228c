import { describe, expect, it } from 'vitest'
import { compare } from '../compare/compare.ts'
import { sampleClaims, sampleMeta, sampleObservation, samplePrediction } from '../compare/sample.fixture.ts'
import { seen, type Comparison, type ResolvedClaim } from '../shared/documents/index.ts'
import { formats } from './formats.ts'
import { parseKtap } from './ktap-parser.fixture.ts'
import type { ReportExtras } from './report.ts'
import { columns } from './visible.ts'

const HOSTILE =
  '</td></tr></table><script>alert(1)</script>"\'` onload=x <img src=x onerror=y> | # \u001b[2J\u009b2J\u202e\ud800 `code` @root https://example.invalid'
const AS_LONG = 'x'.repeat(HOSTILE.length)

/** A comparison in which the guest says `text` wherever it can, one claim differs, one was not observed. */
function sample(text: string): { comparison: Comparison; extras: ReportExtras } {
  const observation = sampleObservation()
  const [first, second] = observation.hops
  if (first === undefined || second === undefined) throw new Error('the sample has two boots')
  first.guest.release = seen(text)
  first.guest.khoMessages = seen([text])
  second.guest.khoMessages = seen([`KHO: exec from: ${text}`])
  second.host.preservedAfter = { ok: false, reason: text }
  Object.assign(first, {
    selftest: seen({ command: text, exitCode: 1, passed: 0, failed: [text], output: `${text}\nTAP version 13\n` }),
  })
  first.host.luoIncoming = seen({ sessions: [{ name: text, files: [] }], pageCount: 1 })
  observation.environment.host.cpuModel = text
  observation.environment.accelerator.why = text
  const claims: ResolvedClaim[] = sampleClaims().map((claim) =>
    claim.id === 'hop0.tree.root' ? { ...claim, title: text } : claim,
  )
  const meta = sampleMeta()
  const comparison = compare(claims, observation, { ...meta, experiment: { ...meta.experiment, name: text } })
  return {
    comparison,
    extras: { observation, prediction: samplePrediction(), rawFiles: observation.raw, serialTail: [text, 'kho-lab: ready'] },
  }
}

const agreed = (): { comparison: Comparison; extras: ReportExtras } => {
  const observation = sampleObservation()
  return {
    comparison: compare(sampleClaims(), observation, sampleMeta()),
    extras: { observation, prediction: samplePrediction(), rawFiles: observation.raw, serialTail: [] },
  }
}

const small = (): { comparison: Comparison; extras: ReportExtras } => {
  const { comparison, extras } = sample('plain')
  const claims = comparison.claims.filter(({ id }) =>
    ['hop0.boot.release', 'hop0.scratch.count', 'hop0.scratch.sizes', 'hop1.handover.content'].includes(id),
  )
  return {
    comparison: { ...comparison, claims, summary: { match: 1, differ: 1, unobserved: 1, unpredicted: 1, run: 'disagreed' } },
    extras,
  }
}

describe.each(Object.entries(formats))('%s', (name, format) => {
  it('names its media type and its extension', () => {
    expect(format.mediaType).toMatch(/^[a-z]+\/[a-z]+/)
    expect(format.extension).toBe(name === 'junit' ? 'xml' : name)
  })

  it('is the same for the same documents and lets no control character through', () => {
    const { comparison, extras } = sample(HOSTILE)
    const text = format.render(comparison, extras)
    expect(format.render(comparison, extras)).toBe(text)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})

describe('html', () => {
  const tags = (text: string): string[] => text.match(/<[^>]*>/g) ?? []
  const skeleton = (text: string): string[] => tags(text).map((tag) => tag.replace(/ (aria-label|id|href)="[^"]*"/g, ''))

  it('has the same tags whatever the guest says', () => {
    const [hostile, plain] = [HOSTILE, AS_LONG].map((text) => {
      const { comparison, extras } = sample(text)
      return formats.html.render(comparison, extras)
    })
    expect(skeleton(hostile ?? '')).toEqual(skeleton(plain ?? ''))
    expect(hostile).not.toMatch(/<script|<img|<iframe|<object|<link/i)
  })

  it('asks for nothing outside itself', () => {
    const { comparison, extras } = agreed()
    const text = formats.html.render(comparison, extras)
    expect(tags(text).filter((tag) => /\b(src|srcset|data|action|background)=/.test(tag))).toEqual([])
    expect(text.match(/url\([^)]*\)/g)).toEqual(['url(#hatch)'])
    expect(text).not.toMatch(/@import|https?:/)
    expect(text).toContain("default-src 'none'")
  })

  it('closes what it opens, and every link leads to a place in it', () => {
    const { comparison, extras } = sample('plain')
    const text = formats.html.render(comparison, extras)
    const open: string[] = []
    for (const tag of tags(text)) {
      const tagName = /^<\/?([a-z0-9]+)/.exec(tag)?.[1]
      if (tagName === undefined || tag.endsWith('/>') || ['meta', 'input', 'br', 'col'].includes(tagName)) continue
      if (tag.startsWith('</')) expect(open.pop()).toBe(tagName)
      else open.push(tagName)
    }
    expect(open).toEqual([])
    const ids = new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))
    for (const [, target] of text.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(target)
  })

  it('shows the verdict before the findings, these before what differs, and the claims before the evidence', () => {
    const { comparison, extras } = sample('plain')
    const text = formats.html.render(comparison, extras)
    const places = ['verdict', 'findings', 'differ', 'unobserved', 'unpredicted', 'memory', 'claims', 'evidence'].map((id) =>
      text.indexOf(`<section id="${id}"`),
    )
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(places[0]).toBeGreaterThan(0)
  })

  it('marks the bytes in which blobs differ', () => {
    const observation = sampleObservation()
    const claims = sampleClaims().map((claim) =>
      claim.id === 'hop0.tree.bytes' ? { ...claim, predicted: { size: 3, hex: 'd00dff' } } : claim,
    )
    const text = formats.html.render(compare(claims, observation, sampleMeta()), { ...agreed().extras })
    expect(text).toContain('first difference at 0x2')
    expect(text).toContain('d0 0d <mark>fe</mark> <mark>ed</mark>')
  })
})

describe('md', () => {
  it('has tables whose rows all have as many cells as their head, whatever the guest says', () => {
    const { comparison, extras } = sample(HOSTILE)
    let width = 0
    for (const line of formats.md.render(comparison, extras).split('\n')) {
      if (!line.startsWith('|')) {
        width = 0
        continue
      }
      const cells = line.split('|').length
      width ||= cells
      expect(cells).toBe(width)
    }
  })

  it('reads like this', () => {
    const { comparison, extras } = small()
    expect(formats.md.render(comparison, extras)).toMatchInlineSnapshot(`
      "# kho-lab: plain

      **disagreed** — The kernel did not do what was predicted. 1 of 4 claims match, 1 differ, 1 not observed, 1 not predicted. Boot 1 came up without a handover and said nothing of it; predicted was that it came up and took the handover.

      |   |   |
      | --- | --- |
      | Kernel | \`7.3.4\` |
      | Package | linux-source-7.3 7.3.4-1&#126;bpo13+1 |
      | Config | \`3f7ebe2e90b2a256e1e6867e331a6aab844e4ed3d58232fb26b6172877e9fb50\` |
      | QEMU | 7.2.22 |
      | Accelerator | **tcg** (plain) |
      | Host | plain, Linux 6.1.0-42-amd64 |
      | Predicted | \`1ef2dfd89802709e111201698a21922f033122fa7c40b3c0f55044866e5fd551\` at 2026-11-22T10:00:01.500Z, before the guest started |
      | Run | 2026-11-22T10:00:02.000Z, 7.4 s |

      ## Findings

      Defects of the kernel that the model knows and predicts as the kernel behaves.

      | Finding | Status | Hop | What guest and host showed | Basis |
      | --- | --- | --- | --- | --- |
      | out/fdt in debugfs is shorter than the FDT it shows | confirmed | 0 | debugfs returns 233 bytes for out/fdt, whose own header says 345. The blob in guest RAM at 0x1184000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). debugfs keeps the length that the root FDT had at the end of kho&#95;init(); LUO and memblock are added to the same page later, so the file ends before the blob does. The handover itself is not affected: the next kernel reads the page. | kho&#95;init (kernel/liveupdate/kexec&#95;handover.c, 7.3)<br>kho&#95;add&#95;subtree (kernel/liveupdate/kexec&#95;handover.c, 7.3) |
      | out/fdt does not exist in debugfs after a KHO boot | confirmed | 1 | debugfs has no out/fdt, although this kernel passes a handover tree on. The blob in guest RAM at 0x1a2f000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). kho&#95;init() returns as soon as it has shown the incoming tree, before it adds the outgoing one to debugfs. The outgoing tree exists and is handed over; only the file is missing. | kho&#95;init (kernel/liveupdate/kexec&#95;handover.c, 7.3) |

      ## What differs

      - **hop0.boot.release** Release of the running kernel: guest: the value is plain, predicted 7.3.4; guest and host contradict each other: the value is plain, the host shows 7.3.4

      ## What was not observed

      - **hop1.handover.content** Preserved content is unchanged: guest: the guest is not asked for the content of preserved memory; host: the preserved memory after the kexec: plain

      ## What is not predicted

      - **hop0.scratch.sizes** Sizes of scratch regions: the default of 200 % depends on early reservations, for which there is no rule

      ## Timeline

      ### Places

      | boot | kernel | root FDT | direct map |
      | --- | --- | --- | --- |
      | 0 | 0x1000000 | 0x1184000 |   |
      | 1 | 0x3da00000 | 0x1a2f000 |   |

      ## Hop 0 · first boot

      | Claim | Verdict | Predicted | Guest | Host | Basis |
      | --- | --- | --- | --- | --- | --- |
      | \`boot.release\` | **differ** | \`7.3.4\` | \`plain\` | \`7.3.4\` | \`kho_init\` |
      | \`scratch.count\` | match | \`3\` | \`3\` | \`3\` | \`kho_init\` |
      | \`scratch.sizes\` | unpredicted | — | \`["0x4400000","0x0","0x3c00000"]\` | \`["0x4400000","0x0","0x3c00000"]\` | \`kho_init\` |

      ## Hop 1 · after kexec 1

      | Claim | Verdict | Predicted | Guest | Host | Basis |
      | --- | --- | --- | --- | --- | --- |
      | \`handover.content\` | unobserved | \`[{"digest":"bdc6a0305eb710e1ffa7818da097f23e","order":0,"start":"0x1184000"},{"digest":"8ac0f25b2bb1630ccca1d3b86d924469","order":0,"start":"0x1185000"},{"diges… (229 characters)\` | not observed: the guest is not asked for the content of preserved memory | not observed: the preserved memory after the kexec: plain | \`kho_init\` |

      ## Evidence

      QEMU: \`/usr/bin/qemu-system-x86_64 -nodefaults -display none -machine q35,memory-backend=ram0 -accel tcg -cpu max -m 1024M -append console=ttyS0 kho=on liveupdate=on\`

      <details><summary>3 raw captures</summary>

      | Capture | Bytes | SHA-256 |
      | --- | --- | --- |
      | \`raw/hop0/0.bin\` | 345 | \`bf5f697a5b7fb743f7a0050793c052d02fe0a099cc00ee5d68213c26044189ef\` |
      | \`raw/hop0/1.bin\` | 233 | \`972e97543b07117adedf8b9b82b805c126907fe7ca68fa086e41742e1219ee54\` |
      | \`raw/hop0/2.bin\` | 73 | \`41dff9d9b00e23501e3c4ccc8c6a7643fa989fba68c6c936d6f4f2ad45231c29\` |

      </details>
      "
    `)
  })
})

describe('txt', () => {
  it('has no line wider than 72 columns, whatever the guest says', () => {
    for (const { comparison, extras } of [sample(HOSTILE), sample('字'.repeat(200)), sample('a'.repeat(500)), agreed()]) {
      for (const line of formats.txt.render(comparison, extras).split('\n')) {
        expect(columns(line)).toBeLessThanOrEqual(72)
        expect(line).toBe(line.trimEnd())
      }
    }
  })

  it('reads like this', () => {
    const { comparison, extras } = small()
    expect(formats.txt.render(comparison, extras)).toMatchInlineSnapshot(`
      "kho-lab: plain
      ==============

      Verdict: DISAGREED

      The kernel did not do what was predicted. 1 of 4 claims match, 1 differ,
      1 not observed, 1 not predicted. Boot 1 came up without a handover and
      said nothing of it; predicted was that it came up and took the handover.

      Kernel:      7.3.4
      Package:     linux-source-7.3 7.3.4-1~bpo13+1
      Config:
        3f7ebe2e90b2a256e1e6867e331a6aab844e4ed3d58232fb26b6172877e9fb50
      QEMU:        7.2.22
      Accelerator: tcg (plain)
      Host:        plain, Linux 6.1.0-42-amd64
      Predicted:   2026-11-22T10:00:01.500Z, before the guest started
      Digest:
        1ef2dfd89802709e111201698a21922f033122fa7c40b3c0f55044866e5fd551
      Run:         2026-11-22T10:00:02.000Z, 7.4 s

      Findings
      --------

      Defects of the kernel that the model knows and predicts as the kernel
      behaves.

      * out/fdt in debugfs is shorter than the FDT it shows [confirmed, hop 0]
        debugfs returns 233 bytes for out/fdt, whose own header says 345. The
        blob in guest RAM at 0x1184000 holds 345 bytes with 3 sub nodes
        (memblock, LUO, kexec-metadata). debugfs keeps the length that the
        root FDT had at the end of kho_init(); LUO and memblock are added to
        the same page later, so the file ends before the blob does. The
        handover itself is not affected: the next kernel reads the page.
        -> kho_init (kernel/liveupdate/kexec_handover.c, 7.3)
        -> kho_add_subtree (kernel/liveupdate/kexec_handover.c, 7.3)

      * out/fdt does not exist in debugfs after a KHO boot [confirmed, hop 1]
        debugfs has no out/fdt, although this kernel passes a handover tree
        on. The blob in guest RAM at 0x1a2f000 holds 345 bytes with 3 sub
        nodes (memblock, LUO, kexec-metadata). kho_init() returns as soon as
        it has shown the incoming tree, before it adds the outgoing one to
        debugfs. The outgoing tree exists and is handed over; only the file is
        missing.
        -> kho_init (kernel/liveupdate/kexec_handover.c, 7.3)

      What differs
      ------------

      * hop0.boot.release: Release of the running kernel
        guest: the value is plain, predicted 7.3.4; guest and host contradict
        each other: the value is plain, the host shows 7.3.4
        predicted:   7.3.4
        guest:       plain
        host:        7.3.4
        basis:       kho_init (kernel/liveupdate/kexec_handover.c, 7.3)

      What was not observed
      ---------------------

      * hop1.handover.content: Preserved content is unchanged
        guest: the guest is not asked for the content of preserved memory;
        host: the preserved memory after the kexec: plain

      What is not predicted
      ---------------------

      * hop0.scratch.sizes: Sizes of scratch regions
        the default of 200 % depends on early reservations, for which there is
        no rule

      Timeline
      --------

      Places
        boot  kernel      root FDT   direct map
        0     0x1000000   0x1184000
        1     0x3da00000  0x1a2f000

      Claims, Hop 0: first boot
      -------------------------

      boot
        differ       boot.release
      scratch
        match        scratch.count
        unpredicted  scratch.sizes

      Claims, Hop 1: after kexec 1
      ----------------------------

      handover
        unobserved   handover.content

      Evidence
      --------

      QEMU: /usr/bin/qemu-system-x86_64 -nodefaults -display none -machine
        q35,memory-backend=ram0 -accel tcg -cpu max -m 1024M -append
        console=ttyS0 kho=on liveupdate=on

      3 raw captures with 651 bytes together; observation.json lists each with
      its SHA-256.

      Last lines of the serial console:
        plain
        kho-lab: ready
      "
    `)
  })
})

describe('ktap', () => {
  it('is valid and has one result per claim and one for the run, whatever the guest says', () => {
    const { comparison, extras } = sample(HOSTILE)
    const results = parseKtap(formats.ktap.render(comparison, extras))
    const expected = comparison.claims.map(({ id, verdict }) => ({
      name: id,
      result: verdict === 'match' ? 'ok' : verdict === 'differ' ? 'not ok' : 'skip',
    }))
    expect(results).toEqual([...expected, { name: 'run.reached-end', result: 'ok' }])
  })

  it('fails a run that was lost, even where everything seen until then matched', () => {
    const { comparison, extras } = agreed()
    const lost = formats.ktap.render({ ...comparison, lost: 'boot 1 (phase kernel): the guest panicked # really' }, extras)
    expect(parseKtap(lost).filter(({ result }) => result === 'not ok')).toEqual([{ name: 'run.reached-end', result: 'not ok' }])
    expect(lost).toContain('run.reached-end # ERROR boot 1 (phase kernel): the guest panicked . really\n')
  })

  it('reads like this', () => {
    const { comparison, extras } = small()
    expect(formats.ktap.render(comparison, extras)).toMatchInlineSnapshot(`
      "KTAP version 1
      1..5
      # kho-lab experiment: plain
      # kernel 7.3.4, accelerator tcg
      # prediction sha256:1ef2dfd89802709e111201698a21922f033122fa7c40b3c0f55044866e5fd551 at 2026-11-22T10:00:01.500Z
      # finding out-fdt-truncated confirmed at hop 0: debugfs returns 233 bytes for out/fdt, whose own header says 345. The blob in guest RAM at 0x1184000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). debugfs keeps the length that the root FDT had at the end of kho_init(); LUO and memblock are added to the same page later, so the file ends before the blob does. The handover itself is not affected: the next kernel reads the page.
      # finding out-fdt-absent-after-kho-boot confirmed at hop 1: debugfs has no out/fdt, although this kernel passes a handover tree on. The blob in guest RAM at 0x1a2f000 holds 345 bytes with 3 sub nodes (memblock, LUO, kexec-metadata). kho_init() returns as soon as it has shown the incoming tree, before it adds the outgoing one to debugfs. The outgoing tree exists and is handed over; only the file is missing.
      # hop 0: plain ended with 1 and printed
      # | plain
      # | TAP version 13
      # Release of the running kernel: guest: the value is plain, predicted 7.3.4; guest and host contradict each other: the value is plain, the host shows 7.3.4
      # predicted: 7.3.4
      # guest: plain
      # host: 7.3.4
      not ok 1 hop0.boot.release
      ok 2 hop0.scratch.count
      ok 3 hop0.scratch.sizes # SKIP not predicted: the default of 200 % depends on early reservations, for which there is no rule
      ok 4 hop1.handover.content # SKIP not observed: guest: the guest is not asked for the content of preserved memory; host: the preserved memory after the kexec: plain
      ok 5 run.reached-end
      # The kernel did not do what was predicted. 1 of 4 claims match, 1 differ, 1 not observed, 1 not predicted. Boot 1 came up without a handover and said nothing of it; predicted was that it came up and took the handover.
      # Totals: pass:2 fail:1 xfail:0 xpass:0 skip:2 error:0
      "
    `)
  })
})

describe('json', () => {
  it('is the comparison', () => {
    const { comparison, extras } = sample(HOSTILE)
    expect(JSON.parse(formats.json.render(comparison, extras))).toEqual(JSON.parse(JSON.stringify(comparison)))
  })
})
