import { describe, expect, it } from 'vitest'
import { Prediction } from '../shared/documents/index.ts'
import { defectOf } from './findings.ts'
import { ruleOf } from './rules.ts'
import { experimentOf, kernelOf, outline, predictionOf } from './model.fixture.ts'
import { predict } from './predict.ts'

const without = (lines: readonly string[], ...families: string[]): string[] =>
  lines.filter((line) => !families.some((family) => line.includes(`.${family}.`)))

describe('predict', () => {
  it('makes a document that its schema takes, with unique ids, known rules and known findings', () => {
    const prediction = predictionOf({
      machine: { memory: '4GiB', nodes: 2 },
      kho: { liveupdate: true, scratch: '64M,64M,32M' },
      reserveMem: [{ name: 'trace', size: '12M' }],
      kernel: { cmdline: 'nokaslr' },
      hops: 3,
    })
    expect(Prediction.parse(JSON.parse(JSON.stringify(prediction)))).toEqual(prediction)
    const ids = prediction.claims.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const {
      prediction: { kind, ...rest },
      finding,
    } of prediction.claims) {
      if (kind === 'rule' && 'rule' in rest) expect(ruleOf(rest.rule)).toBeDefined()
      if (finding !== undefined) expect(defectOf(finding)).toBeDefined()
    }
  })

  it('says all that it can of a plain run with one hop', () => {
    expect(without(outline(predictionOf({})), 'firmware', 'invariant')).toMatchInlineSnapshot(`
      [
        "hop0.boot.release: value "7.3.4"",
        "hop0.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on"",
        "hop0.boot.kho: value true",
        "hop0.loader.kernel: unpredicted needs the kernel's size and alignment, which only a kernel that the lab built can tell",
        "hop0.loader.initrd: value {"start":"0x3fbdf000","size":4194304}",
        "hop0.loader.cmdline: value {"address":"0x20000"}",
        "hop0.loader.bootParams: value {"align":"0x10","within":[{"start":"0x13000","end":"0x17010"}]}",
        "hop0.loader.setupData: value {"head":"0x0","types":[]}",
        "hop0.scratch.count: value 3",
        "hop0.scratch.order: value [{"kind":"lowmem","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"global","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"node0","within":[{"start":"0x0","end":"0x40000000"}]}]",
        "hop0.scratch.alignment: value {"align":"0x400000","misaligned":[]}",
        "hop0.scratch.sizes: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop0.scratch.addresses: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop0.tree.root: value {"compatible":"kho-v4","totalSize":233,"subtrees":[{"name":"kexec-metadata","size":73}]}",
        "hop0.tree.bytes: rule root-fdt (hop0.tree.memoryMap hop0.tree.addresses)",
        "hop0.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":1}",
        "hop0.debugfs.outFdt: value {"present":true,"size":233,"headerTotalSize":233}",
        "hop0.preserved.records: rule preserved-records (hop0.tree.address hop0.tree.addresses)",
        "hop0.preserved.radix: rule preserved-radix (hop0.tree.address hop0.tree.addresses)",
        "hop0.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop0.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.boot.outcome: value {"how":"handover"}",
        "hop1.boot.release: value "7.3.4"",
        "hop1.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on"",
        "hop1.boot.kho: value true",
        "hop1.scratch.count: value 3",
        "hop1.scratch.order: value [{"kind":"lowmem","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"global","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"node0","within":[{"start":"0x0","end":"0x40000000"}]}]",
        "hop1.scratch.alignment: value {"align":"0x400000","misaligned":[]}",
        "hop1.scratch.unchanged: rule scratch-unchanged (hop0.scratch.regions)",
        "hop1.scratch.extended: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.tree.root: value {"compatible":"kho-v4","totalSize":233,"subtrees":[{"name":"kexec-metadata","size":73}]}",
        "hop1.tree.bytes: rule root-fdt (hop1.tree.memoryMap hop1.tree.addresses)",
        "hop1.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":2}",
        "hop1.debugfs.outFdt: value {"present":false} [out-fdt-absent-after-kho-boot]",
        "hop1.preserved.records: rule preserved-records (hop1.tree.address hop1.tree.addresses)",
        "hop1.preserved.radix: rule preserved-radix (hop1.tree.address hop1.tree.addresses)",
        "hop1.kexec.load: rule kexec-accepts (hop0.scratch.regions)",
        "hop1.kexec.kernel: rule kexec-kernel (hop0.scratch.regions)",
        "hop1.kexec.initrd: rule kexec-initrd (hop0.scratch.regions)",
        "hop1.kexec.scratchArray: rule kexec-scratch-array (hop0.scratch.regions)",
        "hop1.kexec.segments: rule kexec-segments (hop0.scratch.regions)",
        "hop1.loader.cmdline: rule kexec-cmdline (hop0.scratch.regions)",
        "hop1.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop1.handover.inFdt: rule handed-over-fdt (hop0.tree.blob)",
        "hop1.handover.message: value "exec from: 7.3.4 (count 1)"",
        "hop1.handover.reserved: rule records-reserved (hop0.preserved.records)",
        "hop1.handover.content: rule content-kept (hop0.preserved.hashes hop0.tree.addresses)",
        "hop1.handover.setupData: rule kho-setup-data (hop0.tree.address)",
        "hop1.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
      ]
    `)
  })

  it('continues counts, scratch and regions over hops, and knows both defects of out/fdt', () => {
    const lines = outline(
      predictionOf({
        kho: { liveupdate: true, scratch: '17M,0M,44M' },
        reserveMem: [{ name: 'trace', size: '12M' }],
        hops: 2,
        machine: { memory: '2GiB' },
      }),
    )
    expect(
      lines.filter((line) =>
        /debugfs|tree\.(root|LUO|memblock|kexec)|message|reserveMem|scratch\.(sizes|unchanged)|running/.test(line),
      ),
    ).toMatchInlineSnapshot(`
      [
        "hop0.scratch.sizes: value ["0x1400000","0x0","0x2c00000"]",
        "hop0.tree.root: value {"compatible":"kho-v4","totalSize":345,"subtrees":[{"name":"memblock","size":210},{"name":"LUO","size":32},{"name":"kexec-metadata","size":73}]}",
        "hop0.tree.memblock: value {"compatible":"memblock-v1","regions":[{"name":"trace","size":"0xc00000"}]}",
        "hop0.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":1}",
        "hop0.tree.LUO: value {"compatible":"luo-v5","liveupdateNumber":1}",
        "hop0.debugfs.outFdt: value {"present":true,"size":233,"headerTotalSize":345} [out-fdt-truncated]",
        "hop0.preserved.records: rule preserved-records (hop0.tree.address hop0.tree.addresses hop0.tree.memblockRegions hop0.tree.luoFlb)",
        "hop0.preserved.radix: rule preserved-radix (hop0.tree.address hop0.tree.addresses hop0.tree.memblockRegions hop0.tree.luoFlb)",
        "hop1.scratch.unchanged: rule scratch-unchanged (hop0.scratch.regions)",
        "hop1.tree.root: value {"compatible":"kho-v4","totalSize":345,"subtrees":[{"name":"memblock","size":210},{"name":"LUO","size":32},{"name":"kexec-metadata","size":73}]}",
        "hop1.tree.memblock: value {"compatible":"memblock-v1","regions":[{"name":"trace","size":"0xc00000"}]}",
        "hop1.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":2}",
        "hop1.tree.LUO: value {"compatible":"luo-v5","liveupdateNumber":2}",
        "hop1.debugfs.outFdt: value {"present":false} [out-fdt-absent-after-kho-boot]",
        "hop1.debugfs.inSubtrees.LUO: unpredicted luo_early_startup() frees this page before debugfs shows it; whether it is used again is up to the page allocator, not modelled",
        "hop1.preserved.records: rule preserved-records (hop1.tree.address hop1.tree.addresses hop1.tree.memblockRegions hop1.tree.luoFlb)",
        "hop1.preserved.radix: rule preserved-radix (hop1.tree.address hop1.tree.addresses hop1.tree.memblockRegions hop1.tree.luoFlb)",
        "hop1.luo.message: value "Retrieved live update data, liveupdate number: 1"",
        "hop1.handover.message: value "exec from: 7.3.4 (count 1)"",
        "hop1.handover.reserveMem: rule regions-revived (hop0.tree.memblockRegions)",
        "hop2.scratch.unchanged: rule scratch-unchanged (hop1.scratch.regions)",
        "hop2.tree.root: value {"compatible":"kho-v4","totalSize":345,"subtrees":[{"name":"memblock","size":210},{"name":"LUO","size":32},{"name":"kexec-metadata","size":73}]}",
        "hop2.tree.memblock: value {"compatible":"memblock-v1","regions":[{"name":"trace","size":"0xc00000"}]}",
        "hop2.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":3}",
        "hop2.tree.LUO: value {"compatible":"luo-v5","liveupdateNumber":3}",
        "hop2.debugfs.outFdt: value {"present":false} [out-fdt-absent-after-kho-boot]",
        "hop2.debugfs.inSubtrees.LUO: unpredicted luo_early_startup() frees this page before debugfs shows it; whether it is used again is up to the page allocator, not modelled",
        "hop2.preserved.records: rule preserved-records (hop2.tree.address hop2.tree.addresses hop2.tree.memblockRegions hop2.tree.luoFlb)",
        "hop2.preserved.radix: rule preserved-radix (hop2.tree.address hop2.tree.addresses hop2.tree.memblockRegions hop2.tree.luoFlb)",
        "hop2.luo.message: value "Retrieved live update data, liveupdate number: 2"",
        "hop2.handover.message: value "exec from: 7.3.4 (count 2)"",
        "hop2.handover.reserveMem: rule regions-revived (hop1.tree.memblockRegions)",
      ]
    `)
  })

  it('has no finding where out/fdt is whole', () => {
    expect(predictionOf({ hops: 0 }).claims.filter(({ finding }) => finding !== undefined)).toEqual([])
  })

  it('claims the running address only without KASLR', () => {
    const running = (cmdline: string): string[] =>
      outline(predictionOf({ kernel: { cmdline } })).filter((line) => line.includes('kexec.running'))
    expect([running(''), running('nokaslr')]).toEqual([[], ['hop1.kexec.running: rule kexec-kernel (hop0.scratch.regions)']])
  })

  it('claims nothing of KHO where it is off', () => {
    expect(without(outline(predictionOf({ kho: { enabled: false, liveupdate: true } })), 'firmware')).toMatchInlineSnapshot(`
      [
        "hop0.boot.release: value "7.3.4"",
        "hop0.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=off liveupdate=on"",
        "hop0.boot.kho: value false",
        "hop0.loader.kernel: unpredicted needs the kernel's size and alignment, which only a kernel that the lab built can tell",
        "hop0.loader.initrd: value {"start":"0x3fbdf000","size":4194304}",
        "hop0.loader.cmdline: value {"address":"0x20000"}",
        "hop0.loader.bootParams: value {"align":"0x10","within":[{"start":"0x13000","end":"0x17010"}]}",
        "hop0.loader.setupData: value {"head":"0x0","types":[]}",
        "hop0.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop0.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.boot.outcome: value {"how":"no-handover"}",
        "hop1.boot.release: value "7.3.4"",
        "hop1.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=off liveupdate=on"",
        "hop1.boot.kho: value false",
        "hop1.kexec.load: value {"accepted":true}",
        "hop1.kexec.kernel: value {"start":"0x3f000000"}",
        "hop1.kexec.initrd: value {"start":"0x3ec00000","size":4194304}",
        "hop1.kexec.segments: value [{"start":"0x3ffdb000","memsz":"0x5000"},{"start":"0x3ffd9000","memsz":"0x2000"},{"start":"0x3f000000","memsz":"0xf2d000"},{"start":"0x3ec00000","memsz":"0x400000"}]",
        "hop1.loader.cmdline: value {"address":"0x3ffda000"}",
        "hop1.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop1.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
      ]
    `)
  })

  it('knows scratch that can never fit', () => {
    const kho = (scratch: string, memory: string): (string | undefined)[] => [
      outline(predictionOf({ kho: { scratch }, machine: { memory }, hops: 0 })).find((line) => line.includes('boot.kho')),
    ]
    expect([
      kho('3G,0M,0M', '4GiB'),
      kho('5000%', '1GiB'),
      kho('400M,400M,400M', '1GiB'),
      kho('64M,0M,64M', '1GiB'),
      kho('300M,0M,300M', '1GiB'),
    ]).toMatchInlineSnapshot(`
      [
        [
          "hop0.boot.kho: value false",
        ],
        [
          "hop0.boot.kho: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        ],
        [
          "hop0.boot.kho: value false",
        ],
        [
          "hop0.boot.kho: value true",
        ],
        [
          "hop0.boot.kho: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        ],
      ]
    `)
  })

  it('follows the last kho= of the command line, and knows that kho=off still receives', () => {
    const lines = outline(predictionOf({ kernel: [{ cmdline: '' }, { cmdline: 'kho=off' }, { cmdline: '' }], hops: 2 }))
    expect(
      without(
        lines.filter((line) => !line.startsWith('hop0')),
        'firmware',
        'kexec',
        'scratch',
        'tree',
        'invariant',
        'preserved',
      ),
    ).toMatchInlineSnapshot(`
      [
        "hop1.boot.outcome: value {"how":"handover"}",
        "hop1.boot.release: value "7.3.4"",
        "hop1.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on kho=off"",
        "hop1.boot.kho: value false",
        "hop1.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop1.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop2.boot.outcome: value {"how":"no-handover"}",
        "hop2.boot.release: value "7.3.4"",
        "hop2.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on"",
        "hop2.boot.kho: value true",
        "hop2.debugfs.outFdt: value {"present":true,"size":233,"headerTotalSize":233}",
        "hop2.loader.cmdline: value {"address":"0x3ffda000"}",
        "hop2.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop2.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop2.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
      ]
    `)
  })

  it('is silent, with a reason, about kernels whose rules it does not have, and about what follows from them', () => {
    const experiment = experimentOf({ hops: 2 })
    const prediction = predict(experiment, [kernelOf(), kernelOf('6.18.15'), kernelOf()], { experimentSha256: '0'.repeat(64) })
    const lines = outline(prediction).filter((line) => !line.startsWith('hop0'))
    expect(without(lines, 'firmware').map((line) => line.slice(0, 150))).toMatchInlineSnapshot(`
      [
        "hop1.boot.outcome: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.boot.release: value "6.18.15"",
        "hop1.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on"",
        "hop1.boot.kho: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.scratch.count: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.scratch.sizes: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.scratch.addresses: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.tree.root: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.preserved.records: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop1.kexec.load: rule kexec-accepts (hop0.scratch.regions)",
        "hop1.kexec.kernel: rule kexec-kernel (hop0.scratch.regions)",
        "hop1.kexec.initrd: rule kexec-initrd (hop0.scratch.regions)",
        "hop1.kexec.scratchArray: rule kexec-scratch-array (hop0.scratch.regions)",
        "hop1.kexec.segments: rule kexec-segments (hop0.scratch.regions)",
        "hop1.loader.cmdline: rule kexec-cmdline (hop0.scratch.regions)",
        "hop1.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop1.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop1.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop2.boot.outcome: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.boot.release: value "7.3.4"",
        "hop2.boot.cmdline: value "console=ttyS0 panic=-1 no_timer_check memblock=debug kho=on"",
        "hop2.boot.kho: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.scratch.count: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.scratch.sizes: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.scratch.addresses: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.tree.root: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.preserved.records: unpredicted what boot 1 hands over is not known: the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.kexec.kernel: unpredicted the model has the rules of 7.2 and 7.3, not of release 6.18.15",
        "hop2.zone.populated: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
        "hop2.zone.totalRam: unpredicted needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell",
      ]
    `)
  })

  it('does not take 7.30 for 7.3', () => {
    const experiment = experimentOf({ hops: 0 })
    const [, , kho] = predict(experiment, [kernelOf('7.30.1')], { experimentSha256: '0'.repeat(64) }).claims
    expect(kho?.prediction).toEqual({
      kind: 'unpredicted',
      reason: 'the model has the rules of 7.2 and 7.3, not of release 7.30.1',
    })
  })

  it('leaves the map to the accelerator when that is not chosen yet', () => {
    const maps = outline(predictionOf({ accelerator: 'auto', hops: 0 })).filter((line) => line.includes('firmware.map'))
    expect(maps).toEqual(['hop0.firmware.map: rule firmware-map (host.accelerator)'])
  })

  it('does not guess where a region lies that the boot before did not have', () => {
    const lines = outline(predictionOf({ kernel: [{ cmdline: '' }, { cmdline: 'reserve_mem=1M:4K:late' }] }))
    expect(lines.filter((line) => /hop1\.(tree|preserved|handover\.reserveMem)/.test(line)).map((line) => line.slice(0, 60)))
      .toMatchInlineSnapshot(`
        [
          "hop1.tree.regions: unpredicted whether a reserve_mem region ",
          "hop1.tree.root: unpredicted whether a reserve_mem region tha",
          "hop1.tree.bytes: unpredicted whether a reserve_mem region th",
          "hop1.tree.memblock: unpredicted whether a reserve_mem region",
          "hop1.tree.kexec-metadata: value {"version":1,"previousReleas",
          "hop1.preserved.records: unpredicted whether a reserve_mem re",
          "hop1.preserved.radix: unpredicted whether a reserve_mem regi",
        ]
      `)
  })

  it('does not claim what options that change memory or nodes decide', () => {
    const lines = outline(predictionOf({ kernel: [{ cmdline: '' }, { cmdline: '' }], hops: 1, machine: { nodes: 2 } }))
    const changed = outline(
      predictionOf({
        kernel: [{ cmdline: 'numa=off' }, { cmdline: '' }],
        hops: 1,
        machine: { nodes: 2 },
        kho: { scratch: '32M,0,32M' },
      }),
    )
    expect(lines.filter((line) => line.includes('numa=off the'))).toEqual([])
    expect(changed.filter((line) => line.includes('unpredicted'))).toMatchInlineSnapshot(`
      [
        "hop0.boot.kho: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.loader.kernel: unpredicted needs the kernel's size and alignment, which only a kernel that the lab built can tell",
        "hop0.scratch.count: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.scratch.order: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.scratch.sizes: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.scratch.addresses: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.zone.populated: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop0.zone.totalRam: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.boot.kho: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.scratch.count: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.scratch.order: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.scratch.extended: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.loader.setupData: unpredicted a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them",
        "hop1.handover.setupData: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.zone.populated: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
        "hop1.zone.totalRam: unpredicted numa=off on the command line changes the memory that the kernel sees, which is not modelled",
      ]
    `)
  })

  it('does not claim a command line that the kernel cuts off', () => {
    const [, claim] = predictionOf({ kernel: { cmdline: 'x'.repeat(2048) }, hops: 0 }).claims
    expect(claim?.prediction.kind).toBe('unpredicted')
  })

  it('refuses another number of kernels than boots', () => {
    expect(() => predict(experimentOf({ hops: 1 }), [kernelOf()], { experimentSha256: '' })).toThrow(RangeError)
  })
})
