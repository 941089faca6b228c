import { MiB, parseSize } from '../../shared/units.ts'
import { type OptionValue, onOff, optionValue, readOptions } from './qemu-options.ts'

export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number } | { readonly fd: number }

export interface MemoryBackend {
  readonly id: string
  readonly kind: 'file' | 'memfd' | 'ram' | 'other'
  /** Bytes; undefined when it cannot be read. */
  readonly size: number | undefined
  readonly path: string | undefined
  /** Whether the guest's writes reach the file: QEMU's default is on for memfd and off for the others. */
  readonly share: boolean
}

/** What the arguments of a running QEMU say about its machine. Nothing is believed to be there that they do not say. */
export interface QemuArguments {
  readonly name: string | undefined
  /** Undefined when it is another machine than the two whose layout the lab knows. */
  readonly type: 'q35' | 'pc' | undefined
  readonly memory: number | undefined
  readonly cpus: number | undefined
  /** In node order; empty when the machine has no -numa. */
  readonly nodes: readonly { readonly memory: number | undefined; readonly backend: string | undefined }[]
  readonly accelerator: 'kvm' | 'tcg' | undefined
  readonly kernel: string | undefined
  readonly initrd: string | undefined
  readonly append: string | undefined
  readonly backends: readonly MemoryBackend[]
  /** The backend of a machine without nodes, where one is named. */
  readonly mainBackend: string | undefined
  /** QMP monitors that QEMU listens on. */
  readonly monitors: readonly SocketAddress[]
  /** Why the layout of RAM does not follow from type and size. */
  readonly unusual: string | undefined
}

type Options = readonly { readonly name: string; readonly value: string }[]

/** Reads `argv` (without the program) of qemu-system-x86_64. Never throws: what makes no sense is left undefined. */
export function qemuArguments(argv: readonly string[]): QemuArguments {
  const options = readOptions(argv)
  const machine = machineOf(options)
  const type = machineType(machine)
  const backends = valuesOf(options, 'object').flatMap(backendOf)
  const nodes = nodesOf(options, backends)
  const main = machine.get('memory-backend')
  return {
    name: nameOf(options),
    type,
    memory: memoryOf(options, nodes),
    cpus: cpusOf(options),
    nodes,
    accelerator: acceleratorOf(options, machine),
    kernel: lastText(options, 'kernel'),
    initrd: lastText(options, 'initrd'),
    append: lastText(options, 'append'),
    backends,
    mainBackend: main,
    monitors: monitorsOf(options),
    unusual: ['max-ram-below-4g', 'confidential-guest-support'].find((key) => machine.has(key)) ?? readConfig(options),
  }
}

const valuesOf = (options: Options, ...names: readonly string[]): OptionValue[] =>
  options.filter(({ name }) => names.includes(name)).map(({ value }) => optionValue(value))

const lastText = (options: Options, name: string): string | undefined => options.findLast((option) => option.name === name)?.value

const readConfig = (options: Options): string | undefined =>
  options.some(({ name }) => name === 'readconfig') ? 'a configuration file (-readconfig)' : undefined

/** All -machine and -M together, later keys winning; the type under `type`. */
function machineOf(options: Options): ReadonlyMap<string, string> {
  const all = new Map<string, string>()
  for (const { first, keys } of valuesOf(options, 'machine', 'M')) {
    if (first !== undefined) all.set('type', first)
    for (const [key, value] of keys) all.set(key, value)
  }
  return all
}

/** `pc` when none is named: the default of qemu-system-x86_64. Versions of a type share its layout. */
function machineType(machine: ReadonlyMap<string, string>): 'q35' | 'pc' | undefined {
  const type = machine.get('type') ?? 'pc'
  if (/^(q35|pc-q35-[\d.]+)$/.test(type)) return 'q35'
  return /^(pc|pc-i440fx-[\d.]+)$/.test(type) ? 'pc' : undefined
}

const KINDS: Readonly<Record<string, MemoryBackend['kind']>> = {
  'memory-backend-file': 'file',
  'memory-backend-memfd': 'memfd',
  'memory-backend-ram': 'ram',
}

function backendOf({ first, keys }: OptionValue): MemoryBackend[] {
  const type = first ?? keys.get('qom-type') ?? ''
  const id = keys.get('id')
  if (!type.startsWith('memory-backend-') || id === undefined) return []
  const kind = KINDS[type] ?? 'other'
  return [
    {
      id,
      kind,
      size: parseSize(keys.get('size') ?? ''),
      path: keys.get('mem-path'),
      share: onOff(keys.get('share'), kind === 'memfd'),
    },
  ]
}

function nodesOf(options: Options, backends: readonly MemoryBackend[]): QemuArguments['nodes'] {
  return valuesOf(options, 'numa')
    .filter(({ first, keys }) => (first ?? keys.get('type')) === 'node')
    .map(({ keys }, index) => ({
      id: Number(keys.get('nodeid') ?? index),
      backend: keys.get('memdev'),
      memory: keys.has('mem') ? sizeInMiB(keys.get('mem') ?? '') : undefined,
    }))
    .sort((a, b) => a.id - b.id)
    .map(({ backend, memory }) => ({
      backend,
      memory: backend === undefined ? (memory ?? 0) : backends.find(({ id }) => id === backend)?.size,
    }))
}

/** -m counts in MiB where no unit is given; 128 MiB is the default of the machine types. */
function memoryOf(options: Options, nodes: QemuArguments['nodes']): number | undefined {
  const last = valuesOf(options, 'm').at(-1)
  if (last !== undefined) return sizeInMiB(last.first ?? last.keys.get('size') ?? '')
  return nodes.length === 0 ? 128 * MiB : undefined
}

const sizeInMiB = (text: string): number | undefined => parseSize(/^\s*\d+\s*$/.test(text) ? `${text.trim()}M` : text)

function cpusOf(options: Options): number | undefined {
  const last = valuesOf(options, 'smp').at(-1)
  if (last === undefined) return 1
  const named = last.first ?? last.keys.get('cpus')
  const parts = ['sockets', 'dies', 'clusters', 'cores', 'threads'].map((key) => Number(last.keys.get(key) ?? 1))
  const count = named === undefined ? parts.reduce((product, part) => product * part, 1) : Number(named)
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

function acceleratorOf(options: Options, machine: ReadonlyMap<string, string>): QemuArguments['accelerator'] {
  const [first] = valuesOf(options, 'accel')
  const text = first?.first ?? first?.keys.get('accel') ?? machine.get('accel')?.split(':')[0]
  if (text === 'kvm' || text === 'tcg') return text
  if (options.some(({ name }) => name === 'enable-kvm')) return 'kvm'
  return text === undefined ? 'tcg' : undefined
}

function nameOf(options: Options): string | undefined {
  const last = valuesOf(options, 'name').at(-1)
  return last?.first ?? last?.keys.get('guest')
}

/** -qmp, and -mon in control mode with its -chardev. Only sockets that QEMU listens on can be connected to. */
function monitorsOf(options: Options): SocketAddress[] {
  const chardevs = new Map(valuesOf(options, 'chardev').map((value) => [value.keys.get('id') ?? '', value]))
  return options.flatMap(({ name, value }): SocketAddress[] => {
    if (name === 'qmp' || name === 'qmp-pretty') return shortSocket(value)
    if (name !== 'mon') return []
    const { first, keys } = optionValue(value)
    const chardev = chardevs.get(keys.get('chardev') ?? first ?? '')
    return keys.get('mode') === 'control' && chardev?.first === 'socket' ? socketOf(chardev.keys) : []
  })
}

/** `unix:PATH,server=on` and `tcp:HOST:PORT,server`. */
function shortSocket(text: string): SocketAddress[] {
  const { first = '', keys } = optionValue(text)
  if (!onOff(keys.get('server'), false)) return []
  if (first.startsWith('unix:')) return [{ path: first.slice(5) }]
  const [, host, port] = /^tcp:(.*):(\d{1,5})$/.exec(first) ?? []
  return host === undefined ? [] : [{ host: host === '' ? '127.0.0.1' : host, port: Number(port) }]
}

function socketOf(keys: ReadonlyMap<string, string>): SocketAddress[] {
  if (!onOff(keys.get('server'), false)) return []
  const path = keys.get('path')
  const port = Number(keys.get('port'))
  const fd = Number(keys.get('fd'))
  if (path !== undefined) return [{ path }]
  if (keys.has('port') && Number.isSafeInteger(port)) return [{ host: keys.get('host') ?? '127.0.0.1', port }]
  return keys.has('fd') && Number.isSafeInteger(fd) ? [{ fd }] : []
}
