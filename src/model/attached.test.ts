import { describe, expect, it } from 'vitest'
import { bytes, GiB } from '../shared/units.ts'
import { predictAttached, predictionAfterKexec, type AttachedMachine } from './attached.ts'
import { kernelOf, outline } from './model.fixture.ts'

const size = bytes(GiB)
const machine: AttachedMachine['machine'] = { type: 'q35', memory: size, cpus: 2, nodes: [{ memory: size }] }
const boot = { kernel: kernelOf(), cmdline: 'root=/dev/vda kho=on kho_scratch=32M,0M,64M liveupdate=on reserve_mem=1M:4K:x' }
const attached = (changes: Partial<AttachedMachine> = {}): AttachedMachine => ({
  machine,
  boot,
  accelerator: 'kvm',
  guestAnswers: true,
  ...changes,
})
const lines = (changes?: Partial<AttachedMachine>) => outline(predictAttached(attached(changes), '0'.repeat(64)))

describe('predictAttached', () => {
  it('predicts what the arguments decide, and says of the rest why it does not', () => {
    expect(lines()).toMatchInlineSnapshot(`
      [
        "hop0.boot.release: value "7.3.4"",
        "hop0.boot.cmdline: value "root=/dev/vda kho=on kho_scratch=32M,0M,64M liveupdate=on reserve_mem=1M:4K:x"",
        "hop0.boot.kho: value true",
        "hop0.firmware.map: unpredicted depends on the devices and the firmware, which the model knows for machines that the lab starts",
        "hop0.firmware.ram: value [{"start":"0x0","end":"0x40000000"}]",
        "hop0.loader.kernel: unpredicted depends on the firmware and the version of QEMU, which the lab did not choose",
        "hop0.loader.initrd: unpredicted depends on the firmware and the version of QEMU, which the lab did not choose",
        "hop0.loader.cmdline: unpredicted depends on the firmware and the version of QEMU, which the lab did not choose",
        "hop0.loader.bootParams: unpredicted depends on the firmware and the version of QEMU, which the lab did not choose",
        "hop0.loader.setupData: unpredicted depends on the firmware and the version of QEMU, which the lab did not choose",
        "hop0.scratch.count: value 3",
        "hop0.scratch.order: value [{"kind":"lowmem","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"global","within":[{"start":"0x0","end":"0x40000000"}]},{"kind":"node0","within":[{"start":"0x0","end":"0x40000000"}]}]",
        "hop0.scratch.alignment: value {"align":"0x400000","misaligned":[]}",
        "hop0.scratch.sizes: value ["0x2000000","0x0","0x4000000"]",
        "hop0.scratch.addresses: unpredicted depends on every early reservation, and so on devices and firmware that the lab did not choose",
        "hop0.tree.root: unpredicted what programs and modules in the guest preserve, the arguments of the machine do not say",
        "hop0.tree.bytes: unpredicted what programs and modules in the guest preserve, the arguments of the machine do not say",
        "hop0.tree.memblock: value {"compatible":"memblock-v1","regions":[{"name":"x","size":"0x100000"}]}",
        "hop0.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":1}",
        "hop0.tree.LUO: value {"compatible":"luo-v5","liveupdateNumber":1}",
        "hop0.debugfs.outFdt: unpredicted what programs and modules in the guest preserve, the arguments of the machine do not say",
        "hop0.preserved.records: unpredicted what programs and modules in the guest preserve, the arguments of the machine do not say",
        "hop0.preserved.radix: unpredicted what programs and modules in the guest preserve, the arguments of the machine do not say",
        "hop0.invariant.preserved-outside-scratch: value {"violations":[]}",
        "hop0.invariant.addresses-inside-ram: value {"violations":[]}",
        "hop0.invariant.lengths-agree: value {"violations":[]}",
      ]
    `)
  })

  it('claims nothing that only the guest could show when it is not asked', () => {
    expect(lines({ guestAnswers: false }).filter((line) => /boot\.(cmdline|kho)|firmware\.map|debugfs/.test(line))).toEqual([])
  })

  it('keeps to RAM and to what no kernel may do when the kernel is not known', () => {
    const known = lines({ boot: { unknown: 'it boots from disk' } }).filter((line) => !line.includes('unpredicted'))
    expect(known).toMatchInlineSnapshot(`
      [
        "hop0.firmware.ram: value [{"start":"0x0","end":"0x40000000"}]",
        "hop0.invariant.preserved-outside-scratch: value {"violations":[]}",
        "hop0.invariant.addresses-inside-ram: value {"violations":[]}",
        "hop0.invariant.lengths-agree: value {"violations":[]}",
      ]
    `)
    expect(lines({ boot: { unknown: 'it boots from disk' } })).toContain('hop0.tree.root: unpredicted it boots from disk')
  })

  it.each([
    ['a machine of an unknown type', { machine: undefined }],
    ['a kernel whose rules the model does not have', { boot: { ...boot, kernel: kernelOf('5.10.1') } }],
  ])('does not guess for %s', (_name, changes) => {
    expect(
      lines(changes).filter(
        (line) => / (value|rule) /.test(line) && !line.includes('invariant') && !line.includes('firmware.ram'),
      ),
    ).toEqual([])
  })

  it('takes back what a kexec has made void', () => {
    const after = predictionAfterKexec(predictAttached(attached(), '0'.repeat(64)), 'it has gone through a kexec')
    expect(outline(after).filter((line) => !line.includes('unpredicted'))).toMatchInlineSnapshot(`
      [
        "hop0.firmware.ram: value [{"start":"0x0","end":"0x40000000"}]",
        "hop0.invariant.preserved-outside-scratch: value {"violations":[]}",
        "hop0.invariant.addresses-inside-ram: value {"violations":[]}",
        "hop0.invariant.lengths-agree: value {"violations":[]}",
      ]
    `)
  })
})
