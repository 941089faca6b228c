import type { Memblock } from './memblock.ts'
import { FLAG } from './flags.ts'

/**
 * Operations as oracle.c reads them, one a line: `op list a b c d e f`, a to d hexadecimal, e and f decimal. `list` is m
 * (memory) or r (reserved).
 */
export interface Sequence {
  readonly operations: readonly string[]
  /** What mm/memblock.c printed after each: result, capacities, both lists. */
  readonly answers: readonly string[]
}

const hexadecimal = (value: number): string => value.toString(16)

/** Does one operation and answers as oracle.c does. */
export function answer(memblock: Memblock, operation: string): string {
  const result = apply(memblock, operation)
  const word = result === undefined ? 'fffffff4' : hexadecimal(result)
  return `${word} ${memblock.memory.max} ${memblock.reserved.max} m${listed(memblock.memory.regions)} r${listed(memblock.reserved.regions)}`
}

const listed = (regions: Memblock['memory']['regions']): string =>
  regions.map(({ base, size, flags, nid }) => ` ${hexadecimal(base)}+${hexadecimal(size)}/${hexadecimal(flags)}/${nid}`).join('')

/** Undefined stands for -ENOMEM. */
function apply(memblock: Memblock, operation: string): number | undefined {
  const [op = '', list = '', ...numbers] = operation.split(' ')
  const [a = 0, b = 0, c = 0, d = 0] = numbers.slice(0, 4).map((text) => Number.parseInt(text, 16))
  const [e = 0, f = 0] = numbers.slice(4).map(Number)
  const lists = list === 'm' ? memblock.memory : memblock.reserved
  const done = (worked: boolean): number | undefined => (worked ? 0 : undefined)
  switch (op) {
    case 'add':
      return done(memblock.add(a, b, e, c))
    case 'reserve':
      return done(memblock.reserve(a, b, e, c))
    case 'remove':
      return done(memblock.memory.remove(a, b))
    case 'free':
      return done(memblock.free(a, b))
    case 'alloc':
      return memblock.alloc({ size: a, align: b, start: c, end: d, nid: e, exactNid: f === 1 }) ?? 0
    case 'node':
      return done(memblock.setNode(lists, a, b, e))
    case 'noinit':
      return done(memblock.setFlag(memblock.reserved, a, b, FLAG.RSRV_NOINIT))
    case 'nomap':
      return done(memblock.setFlag(memblock.memory, a, b, FLAG.NOMAP))
    case 'scratch':
      return done(
        e === 1
          ? memblock.setFlag(memblock.memory, a, b, FLAG.KHO_SCRATCH)
          : memblock.clearFlag(memblock.memory, a, b, FLAG.KHO_SCRATCH),
      )
    case 'scratchonly':
      memblock.khoScratchOnly = e === 1
      return 0
    case 'bottomup':
      memblock.bottomUp = e === 1
      return 0
    case 'kernsize':
      return memblock.reservedSize(a, e, FLAG.RSRV_KERN)
    default:
      throw new RangeError(`unknown operation ${op}`)
  }
}

/** Uniform integers below `n`, the same for the same seed. */
function generator(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor((state / 2147483648) * n)
  }
}

/** A random sequence of `length` operations on a few banks of memory. */
export function randomOperations(seed: number, length: number): readonly string[] {
  const random = generator(seed)
  const nodes = 1 + random(3)
  const operations: string[] = []
  const write = (op: string, list: 'm' | 'r', a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): void =>
    void operations.push(`${op} ${list} ${[a, b, c, d].map(hexadecimal).join(' ')} ${e} ${f}`)
  let top = 0x100000
  for (let banks = 1 + random(6); banks > 0; banks--) {
    const base = top + random(3) * 0x10000
    const size = (1 + random(4000)) * 0x1000
    top = base + size
    write('add', 'm', base, size, 0, 0, random(nodes))
  }
  const address = (): number => 0x100000 + random(Math.floor(top / 0x1000)) * 0x1000 + (random(4) === 0 ? random(4096) : 0)
  const bytes = (): number => (random(12) === 0 ? 0 : random(3) === 0 ? 1 + random(10000) : (1 + random(60)) * 0x1000)
  for (let step = 0; step < length; step++) {
    const [kind, at, size, nid] = [random(20), address(), bytes(), random(nodes + 1) - 1]
    if (kind < 3) write('reserve', 'r', at, size, [0, 0x20, 0x20][random(3)], 0, nid)
    else if (kind < 12)
      write(
        'alloc',
        'r',
        size,
        2 ** (6 + random(10)),
        random(3) === 0 ? address() : 0,
        random(2) === 0 ? 0 : address(),
        nid,
        random(2),
      )
    else if (kind < 14) write('free', 'r', at, size)
    else if (kind === 14) write('node', random(2) === 0 ? 'r' : 'm', at, size, 0, 0, Math.max(nid, 0))
    else if (kind === 15) write('scratch', 'm', at, size * 8, 0, 0, random(3) > 0 ? 1 : 0)
    else if (kind === 16) write('scratchonly', 'm', 0, 0, 0, 0, random(2))
    else if (kind === 17) write('bottomup', 'm', 0, 0, 0, 0, random(3) === 0 ? 1 : 0)
    else if (kind === 18) write(random(2) === 0 ? 'nomap' : 'noinit', 'm', at, size)
    else write('remove', 'm', at, size)
  }
  write('scratchonly', 'm')
  write('kernsize', 'm', 0xffffffff)
  return operations
}
