import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fdtTotalSize,
  findNode,
  parseFdt,
  property,
  stringListProperty,
  stringProperty,
  stringValue,
  u64leProperty,
  u64leValue,
} from './fdt.ts'
import type { Fdt, FdtNode } from './fdt.ts'
import { writeFdt } from './fdt-write.ts'

const dtcMissing = spawnSync('dtc', ['--version']).error !== undefined

/** Debian's dtc (device-tree-compiler) as the oracle: it shares no code with this reader and writer. */
function dtc(from: 'dts' | 'dtb', to: 'dts' | 'dtb', input: string | Uint8Array): Buffer {
  const run = spawnSync('dtc', ['-q', '-s', '-I', from, '-O', to, '-'], { input })
  if (run.status !== 0) throw new Error(`dtc: ${run.stderr.toString()}`)
  return run.stdout
}

function parsed(bytes: Uint8Array): Fdt {
  const fdt = parseFdt(bytes)
  if (!fdt.ok) throw new Error(fdt.error)
  return fdt.value
}

/** dtc -s sorts, so that two trees are compared without regard to the order of properties and nodes. */
const sorted = (node: FdtNode): FdtNode => ({
  name: node.name,
  properties: node.properties
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, value }) => ({ name, value: Uint8Array.from(value) })),
  children: node.children.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(sorted),
})

const source = (node: FdtNode): string => {
  const values = node.properties.map(({ name, value }) => `${name} = [${Buffer.from(value).toString('hex')}];`)
  return `${node.name === '' ? '/' : node.name} { ${[...values, ...node.children.map(source)].join(' ')} };`
}

const nodeName = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,19}(@[0-9a-f]{1,8})?$/)
const propertyName = fc.stringMatching(/^[a-z][a-z0-9,._+?#-]{0,30}$/)
const properties = fc.uniqueArray(fc.record({ name: propertyName, value: fc.uint8Array({ maxLength: 40 }) }), {
  maxLength: 5,
  selector: ({ name }) => name,
})
const children = (depth: number): fc.Arbitrary<FdtNode[]> =>
  depth === 0
    ? fc.constant([])
    : fc.uniqueArray(fc.record({ name: nodeName, properties, children: children(depth - 1) }), {
        maxLength: 4,
        selector: ({ name }) => name.split('@')[0],
      })
const tree: fc.Arbitrary<FdtNode> = fc.record({ name: fc.constant(''), properties, children: children(3) })

describe('reading and writing', () => {
  test('what is written is read again, to the byte', () => {
    fc.assert(
      fc.property(tree, (root) => {
        const blob = writeFdt(root)
        const fdt = parsed(blob)
        expect(fdt.totalSize).toBe(blob.length)
        expect(sorted(fdt.root)).toEqual(sorted(root))
        expect(writeFdt(fdt.root)).toEqual(blob)
      }),
    )
  })

  test('a page with the blob at its start is read like the blob', () => {
    const page = new Uint8Array(4096).fill(0xa5)
    const blob = writeFdt({ name: '', properties: [{ name: 'compatible', value: stringValue('kho-v4') }], children: [] })
    page.set(blob)
    expect(parsed(page)).toEqual(parsed(blob))
  })

  test('reservations and the boot CPU survive', () => {
    const blob = writeFdt(
      { name: '', properties: [], children: [] },
      { reservations: [{ address: 2n ** 63n, size: 4096n }], bootCpu: 3 },
    )
    expect(parsed(blob)).toMatchObject({ bootCpu: 3, version: 17, reservations: [{ address: 2n ** 63n, size: 4096n }] })
  })
})

describe.skipIf(dtcMissing)('against dtc (skipped where dtc is not installed)', () => {
  test('dtc reads what is written here as the same tree', () => {
    fc.assert(
      fc.property(tree, (root) => {
        expect(dtc('dtb', 'dtb', writeFdt(root))).toEqual(dtc('dts', 'dtb', `/dts-v1/; ${source(root)}`))
      }),
      { numRuns: 25 },
    )
  })

  test('what dtc writes is read here as the same tree', () => {
    fc.assert(
      fc.property(tree, (root) => {
        expect(sorted(parsed(dtc('dts', 'dtb', `/dts-v1/; ${source(root)}`)).root)).toEqual(sorted(root))
      }),
      { numRuns: 25 },
    )
  })

  test('every version that dtc can write: 16 is read, older ones are refused', () => {
    const written = (version: number): Uint8Array =>
      spawnSync('dtc', ['-q', '-I', 'dts', '-O', 'dtb', '-V', String(version), '-'], {
        input: '/dts-v1/; / { a = "b"; c { }; };',
      }).stdout
    expect(parsed(written(16)).root.children).toEqual([{ name: 'c', properties: [], children: [] }])
    expect(parsed(written(17))).toMatchObject({ version: 17 })
    expect(parseFdt(written(3))).toEqual({ ok: false, error: 'version 3 (compatible back to 1) is not supported' })
  })

  test('a blob cut short fails here and in dtc', () => {
    const blob = writeFdt({ name: '', properties: [{ name: 'compatible', value: stringValue('kho-v4') }], children: [] })
    const cut = blob.subarray(0, blob.length - 1)
    expect(() => dtc('dtb', 'dts', cut)).toThrow(/FATAL ERROR/)
    expect(parseFdt(cut)).toEqual({ ok: false, error: `the header says ${blob.length} bytes, only ${blob.length - 1} are there` })
    expect(fdtTotalSize(cut)).toBe(blob.length)
  })
})

describe('properties', () => {
  const root: FdtNode = {
    name: '',
    properties: [
      { name: 'compatible', value: Uint8Array.from([...stringValue('a'), ...stringValue('bc')]) },
      { name: 'open', value: Uint8Array.from([0x61]) },
      { name: 'map', value: u64leValue(0x116bef000) },
      { name: 'high', value: Uint8Array.from([0, 0, 0, 0, 0, 0, 0x10, 0]) },
      { name: 'short', value: new Uint8Array(4) },
    ],
    children: [{ name: 'x', properties: [], children: [{ name: 'y@1', properties: [], children: [] }] }],
  }

  test('strings', () => {
    expect([
      stringListProperty(root, 'compatible'),
      stringProperty(root, 'compatible'),
      stringProperty(root, 'open'),
      stringProperty(root, 'none'),
    ]).toEqual([['a', 'bc'], 'a', undefined, undefined])
  })

  test('u64 in native order', () => {
    expect(property(root, 'map')).toEqual(Uint8Array.from([0, 0xf0, 0xbe, 0x16, 1, 0, 0, 0]))
    expect(['map', 'high', 'short', 'none'].map((name) => u64leProperty(root, name))).toEqual([
      { ok: true, value: 0x116bef000 },
      { ok: false, error: 'property high is 2^52 or more' },
      { ok: false, error: 'property short has 4 bytes instead of 8' },
      { ok: false, error: 'property none is missing' },
    ])
  })

  test('nodes by path', () => {
    expect(['', '/', '/x', 'x/y@1', '/x/y', '/z/y'].map((path) => findNode(root, path)?.name)).toEqual([
      '',
      '',
      'x',
      'y@1',
      undefined,
      undefined,
    ])
  })
})

describe('what is refused', () => {
  const blob = (...words: number[]): Uint8Array => {
    const structure = new Uint8Array(4 * words.length)
    words.forEach((word, index) => new DataView(structure.buffer).setUint32(4 * index, word))
    const header = [0xd00dfeed, 56 + structure.length, 56, 56 + structure.length, 40, 17, 16, 0, 0, structure.length]
    const bytes = new Uint8Array(56 + structure.length)
    header.forEach((word, index) => new DataView(bytes.buffer).setUint32(4 * index, word))
    bytes.set(structure, 56)
    return bytes
  }
  const [BEGIN, END_NODE, PROP, END] = [1, 2, 3, 9]

  test.each([
    ['no bytes', new Uint8Array(0), 'an FDT header is 40 bytes, these are 0'],
    ['other magic', new Uint8Array(64), "the magic number is 0x0, an FDT's is 0xd00dfeed"],
    ['no end tag', blob(BEGIN, 0, END_NODE), 'the structure block has no end tag'],
    ['no root', blob(END), 'the tree has no root node'],
    ['open node', blob(BEGIN, 0, END), 'the tree ends inside a node'],
    ['second root', blob(BEGIN, 0, END_NODE, BEGIN, 0, END_NODE, END), 'a second root node at 68'],
    ['end without begin', blob(END_NODE, END), 'a node ends at 56 that was never begun'],
    ['property outside', blob(PROP, 0, 0, END), 'a property outside any node at 56'],
    ['property after a node', blob(BEGIN, 0, BEGIN, 0, END_NODE, PROP, 0, 0, END_NODE, END), 'a property after a sub node at 76'],
    [
      'too long a property',
      blob(BEGIN, 0, PROP, 0xfffffff0, 0, END_NODE, END),
      'the property at 68 claims 4294967280 bytes, more than there are',
    ],
    ['name outside', blob(BEGIN, 0, PROP, 0, 5, END_NODE, END), 'the property at 68 has its name outside the strings block'],
    ['name without end', blob(BEGIN, 0x61616161), 'the node at 56 has no readable name'],
    ['unknown tag', blob(BEGIN, 0, 7, END), 'unknown tag 0x7 at 64'],
    ['too deep', blob(...Array.from({ length: 65 }, () => [BEGIN, 0]).flat(), END), 'nodes are nested deeper than 64 at 568'],
  ])('%s', (_name, bytes, error) => {
    expect(parseFdt(bytes)).toEqual({ ok: false, error })
  })
})
