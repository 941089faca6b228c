import { describe, expect, it } from 'vitest'
import { GiB } from '../../shared/units.ts'
import { type QemuInput, qemuArgv, ramBackends } from './argv.ts'

const base: QemuInput = {
  type: 'q35',
  memory: GiB,
  cpus: 2,
  nodes: [{ memory: GiB }],
  kernel: '/image/bzImage',
  initrd: '/run/r/initrd',
  cmdline: 'console=ttyS0 kho_scratch=16M,64M,32M',
  accelerator: 'tcg',
  sockets: { console: '/run/r/console.sock', lab: '/run/r/lab.sock', qmp: '/run/r/qmp.sock', monitor: '/run/r/monitor.sock' },
  fetch: { cat: '/usr/bin/cat', kernel: '/run/r/next-kernel', initrd: '/run/r/next-initrd' },
  ramPaths: ['/proc/self/fd/3'],
}

/** Option and value on one line, as one reads a command. */
const lines = (input: QemuInput): string[] =>
  qemuArgv(input).reduce<string[]>(
    (all, word) => (word.startsWith('-') ? [...all, word] : [...all.slice(0, -1), `${all.at(-1) ?? ''} ${word}`]),
    [],
  )

describe('qemuArgv', () => {
  it('describes a q35 machine with one node under TCG', () => {
    expect(lines(base)).toMatchInlineSnapshot(`
      [
        "-nodefaults",
        "-no-user-config",
        "-display none",
        "-no-reboot",
        "-nic none",
        "-accel tcg",
        "-cpu max",
        "-smp 2",
        "-m 1048576k",
        "-object memory-backend-file,id=ram0,size=1073741824,mem-path=/proc/self/fd/3,share=on",
        "-machine q35,smbios-entry-point-type=32,memory-backend=ram0",
        "-kernel /image/bzImage",
        "-initrd /run/r/initrd",
        "-append console=ttyS0 kho_scratch=16M,64M,32M",
        "-netdev user,id=net0,hostfwd=tcp:127.0.0.1:0-:22,guestfwd=tcp:10.0.2.4:1-cmd:/usr/bin/cat /run/r/next-kernel,guestfwd=tcp:10.0.2.4:2-cmd:/usr/bin/cat /run/r/next-initrd",
        "-device virtio-net-pci,netdev=net0,romfile=",
        "-object rng-builtin,id=rng0",
        "-device virtio-rng-pci,rng=rng0",
        "-chardev socket,id=console,path=/run/r/console.sock",
        "-serial chardev:console",
        "-chardev socket,id=lab,path=/run/r/lab.sock",
        "-serial chardev:lab",
        "-chardev socket,id=qmp,path=/run/r/qmp.sock",
        "-mon chardev=qmp,mode=control",
        "-chardev socket,id=monitor,path=/run/r/monitor.sock,server=on,wait=off",
        "-mon chardev=monitor,mode=control",
      ]
    `)
  })

  it('differs for pc under KVM in the machine, the accelerator and the CPU only', () => {
    const before = lines(base)
    expect(lines({ ...base, type: 'pc', accelerator: 'kvm' }).filter((line) => !before.includes(line))).toMatchInlineSnapshot(`
      [
        "-accel kvm",
        "-cpu host",
        "-machine pc,smbios-entry-point-type=32,memory-backend=ram0",
      ]
    `)
  })

  const nodes = (input: Partial<QemuInput>): string[] =>
    lines({ ...base, ...input }).filter((line) => /^-(object memory-backend-file,|machine |numa |smp |m )/.test(line))

  it('gives every node its own RAM file and an even share of the CPUs', () => {
    const input = {
      memory: 4 * GiB,
      cpus: 4,
      nodes: [{ memory: 3 * GiB }, { memory: GiB }],
      ramPaths: ['/proc/self/fd/3', '/proc/self/fd/4'],
    }
    expect(nodes(input)).toMatchInlineSnapshot(`
      [
        "-smp 4,sockets=2,cores=2,threads=1",
        "-m 4194304k",
        "-object memory-backend-file,id=ram0,size=3221225472,mem-path=/proc/self/fd/3,share=on",
        "-object memory-backend-file,id=ram1,size=1073741824,mem-path=/proc/self/fd/4,share=on",
        "-machine q35,smbios-entry-point-type=32",
        "-numa node,nodeid=0,cpus=0-1,memdev=ram0",
        "-numa node,nodeid=1,cpus=2-3,memdev=ram1",
      ]
    `)
  })

  it('allows nodes without memory, nodes without CPUs and shares that are not even', () => {
    const input = { memory: 2 * GiB, cpus: 2, nodes: [{ memory: GiB }, { memory: 0 }, { memory: GiB }], ramPaths: ['/a', '/b'] }
    expect(nodes(input)).toMatchInlineSnapshot(`
      [
        "-smp 2,sockets=2,cores=1,threads=1",
        "-m 2097152k",
        "-object memory-backend-file,id=ram0,size=1073741824,mem-path=/a,share=on",
        "-object memory-backend-file,id=ram1,size=1073741824,mem-path=/b,share=on",
        "-machine q35,smbios-entry-point-type=32",
        "-numa node,nodeid=0,cpus=0,memdev=ram0",
        "-numa node,nodeid=1,cpus=1",
        "-numa node,nodeid=2,memdev=ram1",
      ]
    `)
  })

  it('keeps commas, blanks and quotes of paths out of the option lists', () => {
    const argv = qemuArgv({ ...base, ramPaths: ['/a,b'], fetch: { cat: '/usr/bin/cat', kernel: "/it's, here/k", initrd: '/i' } })
    expect(argv.filter((word) => word.includes('/a,') || word.includes('here'))).toEqual(
      [
        'user,id=net0,hostfwd=tcp:127.0.0.1:0-:22,' +
          `guestfwd=tcp:10.0.2.4:1-cmd:/usr/bin/cat '/it'\\''s,, here/k',guestfwd=tcp:10.0.2.4:2-cmd:/usr/bin/cat /i`,
        'memory-backend-file,id=ram0,size=1073741824,mem-path=/a,,b,share=on',
      ].reverse(),
    )
  })

  it('refuses RAM files that do not fit the nodes', () => {
    expect(() => qemuArgv({ ...base, ramPaths: [] })).toThrow(RangeError)
    expect(ramBackends([{ memory: 0 }, { memory: 1 }, { memory: 2 }])).toEqual(['ram0', 'ram1'])
  })
})
