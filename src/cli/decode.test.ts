import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kholab, scratchDirectory } from './cli.fixture.ts'

const KHO_ROOT = `/dts-v1/;
/ {
  compatible = "kho-v4";
  preserved-memory-map = [00 b0 e7 3e 00 00 00 00];
  kexec-metadata { preserved-data = [00 90 e7 3e 00 00 00 00]; blob-size = [49 00 00 00 00 00 00 00]; };
  empty { flag; list = "a", "b"; };
};
`

const dtc = (from: 'dts' | 'dtb', to: 'dts' | 'dtb', input: string | Buffer): Buffer =>
  execFileSync('dtc', ['-q', '-s', '-I', from, '-O', to, '-'], { input })

describe('decode fdt', () => {
  it('prints source that dtc compiles to the same tree, and explains a KHO root', async () => {
    const blob = dtc('dts', 'dtb', KHO_ROOT)
    const file = join(scratchDirectory(), 'root.fdt')
    writeFileSync(file, blob)
    const { code, stdout, stderr } = await kholab(['decode', 'fdt', file])
    expect([code, stderr]).toEqual([0, ''])
    expect(dtc('dts', 'dtb', stdout)).toEqual(blob)
    expect(stdout).toMatchInlineSnapshot(`
      "// 287 bytes by its header; version 17
      /dts-v1/;
      / {
      	compatible = "kho-v4";
      	preserved-memory-map = [00 b0 e7 3e 00 00 00 00]; // 0x3ee7b000
      	empty {
      		flag;
      		list = "a", "b";
      	};
      	kexec-metadata {
      		blob-size = [49 00 00 00 00 00 00 00]; // 0x49
      		preserved-data = [00 90 e7 3e 00 00 00 00]; // 0x3ee79000
      	};
      };
      // KHO root kho-v4: preserved memory map at 0x3ee7b000
      // subtree kexec-metadata: 73 bytes at 0x3ee79000
      // subtree empty is broken: property preserved-data is missing
      "
    `)
  })

  it('says of a blob that is cut short that this is how debugfs shows it', async () => {
    const blob = dtc('dts', 'dtb', KHO_ROOT)
    const file = join(scratchDirectory(), 'out-fdt')
    writeFileSync(file, blob.subarray(0, 233))
    const { code, stderr } = await kholab(['decode', 'fdt', file])
    expect(code).toBe(2)
    expect(stderr.replaceAll(file, 'FILE')).toMatchInlineSnapshot(`
      "kho-lab: FILE is cut short: it has 233 bytes, its header says 287
        | first bytes: d00dfeed0000011f00000038000000dc
        The debugfs file kho/out/fdt of 7.1 to 7.3 is cut so once a subtree has been added; the whole blob is in guest RAM.
      "
    `)
  })

  it('says what a file is not, and which file is not there', async () => {
    const directory = scratchDirectory()
    const file = join(directory, 'x')
    writeFileSync(file, 'not a tree at all, is it')
    const results = await Promise.all([kholab(['decode', 'fdt', file]), kholab(['decode', 'fdt', join(directory, 'none')])])
    expect(results.map(({ code, stderr }) => [code, stderr.replaceAll(directory, 'DIR')])).toMatchInlineSnapshot(`
      [
        [
          2,
          "kho-lab: DIR/x is no flattened device tree: an FDT header is 40 bytes, these are 24
        | first bytes: 6e6f742061207472656520617420616c
        A flattened device tree begins with the bytes d0 0d fe ed.
      ",
        ],
        [
          2,
          "kho-lab: cannot read DIR/none: there is no such file
        Check the path and its permissions.
      ",
        ],
      ]
    `)
  })
})

/** A RAM image of 1 MiB with the tree of one 4 KiB page at 0x5000: one slot per level, as kho_radix_add_page() makes it. */
function ramWithOneRecord(): Buffer {
  const ram = Buffer.alloc(2 ** 20)
  const key = 2 ** 52 + 5
  // Level 5 covers 2^51 keys per slot, level 1 2^15, the leaf one bit per key.
  let rest = key
  for (let level = 5; level >= 1; level--) {
    const span = 2 ** (15 + 9 * (level - 1))
    const slot = Math.floor(rest / span)
    rest -= slot * span
    ram.writeBigUInt64LE(BigInt(0x10000 + (6 - level) * 0x1000), 0x10000 + (5 - level) * 0x1000 + slot * 8)
  }
  ram.writeUInt8(2 ** (rest % 8), 0x15000 + Math.floor(rest / 8))
  return ram
}

it('gives up on a device that never ends', async () => {
  const { code, stderr } = await kholab(['decode', 'fdt', '/dev/zero'])
  expect([code, stderr.split('\n')[0]]).toEqual([2, 'kho-lab: cannot read /dev/zero: it has more than 512 MiB'])
})

describe('decode ram', () => {
  it('walks the tree from the root that is given', async () => {
    const file = join(scratchDirectory(), 'ram')
    writeFileSync(file, ramWithOneRecord())
    const { code, stdout, stderr } = await kholab(['decode', 'ram', file, '--map-root', '0x10000'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatchInlineSnapshot(`
      "RAM   0x0 to 0x100000
      root  0x10000
      6 nodes, 1 record, 1 page
      node   0x10000        level 5  slots 2
      node   0x11000        level 4  slots 0
      node   0x12000        level 3  slots 0
      node   0x13000        level 2  slots 0
      node   0x14000        level 1  slots 0
      node   0x15000        level 0  slots 5
      record 0x5000         order 0
      "
    `)
  })

  it('gives the same as JSON', async () => {
    const file = join(scratchDirectory(), 'ram')
    writeFileSync(file, ramWithOneRecord())
    const { stdout } = await kholab(['decode', 'ram', file, '--map-root', '0x10000', '--json'])
    const decoded: unknown = JSON.parse(stdout)
    expect(decoded).toMatchObject({
      nodeCount: 6,
      recordCount: 1,
      pageCount: 1,
      complete: true,
      records: [{ start: '0x5000', order: 0 }],
    })
  })

  it('ends with 2 and says why when a node lies outside RAM, or the root does', async () => {
    const file = join(scratchDirectory(), 'ram')
    const ram = ramWithOneRecord()
    ram.writeBigUInt64LE(0x7f000000n, 0x11000 + ram.subarray(0x11000, 0x12000).findIndex((byte) => byte !== 0) - 1)
    writeFileSync(file, ram)
    const cut = await kholab(['decode', 'ram', file, '--map-root', '0x10000'])
    const outside = await kholab(['decode', 'ram', file, '--map-root', '0x7f000000'])
    expect([cut.code, outside.code, outside.stdout]).toEqual([2, 2, ''])
    expect(cut.stdout).toMatch(/^! .*0x7f/m)
    expect(outside.stderr).toContain('no radix tree at that address')
    expect(readFileSync(file).length).toBe(2 ** 20)
  })

  it('says that a directory is no image', async () => {
    const { code, stderr } = await kholab(['decode', 'ram', scratchDirectory(), '--map-root', '0x1000'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^kho-lab: cannot read .*: it is a directory\n/)])
  })

  it('refuses layouts that do not fit, with 64', async () => {
    const file = join(scratchDirectory(), 'ram')
    writeFileSync(file, Buffer.alloc(8192))
    const results = await Promise.all(
      ['0x0-0x1000', 'x86', '0x1000-0x0', '0x0-0x1000,0x0-0x1000'].map((layout) =>
        kholab(['decode', 'ram', file, '--map-root', '0', '--layout', layout]),
      ),
    )
    expect(results.map(({ code }) => code)).toEqual([64, 64, 64, 64])
    expect(results[0]?.stderr).toContain('the ranges hold 0x1000 bytes, the image 0x2000')
  })
})
