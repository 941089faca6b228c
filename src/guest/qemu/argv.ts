export interface QemuNode {
  /** Bytes; 0 for a node without memory. */
  readonly memory: number
}

/** All that decides how QEMU is started. Plain data, so that the argv of a run can be told before there is a run. */
export interface QemuInput {
  readonly type: 'q35' | 'pc'
  /** Bytes, the sum of the nodes. */
  readonly memory: number
  readonly cpus: number
  readonly nodes: readonly QemuNode[]
  readonly kernel: string
  readonly initrd: string
  readonly cmdline: string
  readonly accelerator: 'kvm' | 'tcg'
  /** Unix sockets: QEMU connects to the first three, which the lab listens on, and listens on `monitor` itself. */
  readonly sockets: { readonly console: string; readonly lab: string; readonly qmp: string; readonly monitor: string }
  /** What the guest can fetch, see {@link FETCH}: a program that writes a file to its standard output, and two files. */
  readonly fetch: { readonly cat: string; readonly kernel: string; readonly initrd: string }
  /** What QEMU opens as RAM: one path per node that has memory, in node order. */
  readonly ramPaths: readonly string[]
}

/**
 * Where the guest gets the next kernel and initrd: connecting to these addresses of its user network sends the file and
 * closes. Nothing listens on the host. Several times faster than ssh into an emulated guest, which has to decrypt.
 */
export const FETCH = { host: '10.0.2.4', kernelPort: 1, initrdPort: 2 } as const

/** The default was 64 in 8.1 and 8.2 and is auto from 9.0 on; SMBIOS tables take room at the end of low RAM. */
const SMBIOS = 'smbios-entry-point-type=32'

/** Nothing but what is named, no window, and an end instead of a reset. */
const BARE = ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-nic', 'none'] as const

/** A machine that only shows whether a kernel speaks under KVM: its console is QEMU's standard output. */
export const probeArgv = (kernel: string): string[] => [
  ...BARE,
  ...['-machine', 'q35', '-accel', 'kvm', '-cpu', 'host', '-m', '256M'],
  ...['-kernel', kernel, '-append', 'console=ttyS0 panic=-1', '-serial', 'stdio'],
]

/** Names of the memory backends, one per node that has memory, in node order. */
export const ramBackends = (nodes: readonly QemuNode[]): string[] =>
  nodes.filter((node) => node.memory > 0).map((_node, index) => `ram${index}`)

/**
 * QEMU's command line, without the program. Written for QEMU 7.2 and later: docs/about/deprecated.rst of 9.2 names nothing of it.
 *
 * - Every device is named here (`-nodefaults -nic none`), so that the firmware map depends on nothing but this list.
 * - `romfile=` because QEMU would look for an option ROM for a network card that never boots anything.
 * - `hostfwd` to port 0: the host's kernel chooses a free port, which `info usernet` then tells; asking for a free port
 *   first and using it afterwards would be a race.
 * - `-no-reboot`: kexec is no reset, so a guest that resets has failed, and QEMU ends instead of booting again.
 */
export function qemuArgv(input: QemuInput): string[] {
  return [
    ...BARE,
    '-accel',
    input.accelerator,
    '-cpu',
    input.accelerator === 'kvm' ? 'host' : 'max',
    '-smp',
    topology(input),
    '-m',
    `${input.memory / 1024}k`,
    ...memoryArguments(input),
    '-kernel',
    input.kernel,
    '-initrd',
    input.initrd,
    '-append',
    input.cmdline,
    '-netdev',
    network(input),
    '-device',
    'virtio-net-pci,netdev=net0,romfile=',
    '-object',
    'rng-builtin,id=rng0',
    '-device',
    'virtio-rng-pci,rng=rng0',
    '-chardev',
    `socket,id=console,path=${escaped(input.sockets.console)}`,
    '-serial',
    'chardev:console',
    '-chardev',
    `socket,id=lab,path=${escaped(input.sockets.lab)}`,
    '-serial',
    'chardev:lab',
    '-chardev',
    `socket,id=qmp,path=${escaped(input.sockets.qmp)}`,
    '-mon',
    'chardev=qmp,mode=control',
    '-chardev',
    `socket,id=monitor,path=${escaped(input.sockets.monitor)},server=on,wait=off`,
    '-mon',
    'chardev=monitor,mode=control',
  ]
}

function network({ fetch }: QemuInput): string {
  const forward = (port: number, file: string): string =>
    `guestfwd=tcp:${FETCH.host}:${port}-cmd:${escaped(`${shellWord(fetch.cat)} ${shellWord(file)}`)}`
  return [
    'user,id=net0,hostfwd=tcp:127.0.0.1:0-:22',
    forward(FETCH.kernelPort, fetch.kernel),
    forward(FETCH.initrdPort, fetch.initrd),
  ].join(',')
}

/** A word as g_shell_parse_argv() reads it, which is what slirp cuts commands with. */
const shellWord = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** One socket per node where the CPUs divide evenly: a socket that spans nodes makes topology_sane() warn (arch/x86/kernel/smpboot.c). */
function topology({ cpus, nodes }: QemuInput): string {
  if (nodes.length <= 1) return `${cpus}`
  const sockets = cpus % nodes.length === 0 ? nodes.length : cpus
  return `${cpus},sockets=${sockets},cores=${cpus / sockets},threads=1`
}

function memoryArguments({ type, nodes, cpus, ramPaths }: QemuInput): string[] {
  const backends = ramBackends(nodes)
  if (ramPaths.length !== backends.length)
    throw new RangeError(`${ramPaths.length} RAM files for ${backends.length} nodes with memory`)
  const withMemory = nodes.filter((node) => node.memory > 0)
  const objects = backends.flatMap((id, index) => [
    '-object',
    `memory-backend-file,id=${id},size=${withMemory[index]?.memory ?? 0},mem-path=${escaped(ramPaths[index] ?? '')},share=on`,
  ])
  const machine = `${type},${SMBIOS}`
  if (nodes.length <= 1) return [...objects, '-machine', `${machine},memory-backend=${backends[0] ?? ''}`]
  const unused = [...backends]
  const numa = nodes.flatMap((node, index) => {
    const backend = node.memory > 0 ? `,memdev=${unused.shift() ?? ''}` : ''
    return ['-numa', `node,nodeid=${index}${cpuShare(cpus, nodes.length, index)}${backend}`]
  })
  return [...objects, '-machine', machine, ...numa]
}

/** CPUs in runs of nearly equal length, in order; a node may have none. */
function cpuShare(cpus: number, nodes: number, index: number): string {
  const first = Math.ceil((cpus * index) / nodes)
  const last = Math.ceil((cpus * (index + 1)) / nodes) - 1
  return last < first ? '' : `,cpus=${first === last ? first : `${first}-${last}`}`
}

/** In QEMU's option lists a comma ends a value unless it is doubled. */
const escaped = (value: string): string => value.replaceAll(',', ',,')
