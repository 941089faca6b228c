import { describe, expect, test } from 'vitest'
import { meminfoBytes, parseBuddyinfo, parsePagetypeinfo } from './page-counts.ts'
import { parseZoneinfo } from './zoneinfo.ts'

/** Lines of a guest of 7.3.4 with two nodes, the second without low memory. */
const ZONEINFO = `Node 0, zone    DMA32
  per-node stats
      nr_free_cma  12
  pages free     505917
        boost    0
        min      5697
        spanned  1048575
        present  524158
        managed  506245
        cma      41984
        protection: (0, 0, 998)
      nr_free_pages 505917
  pagesets
    cpu: 0
              count:    63
  node_unreclaimable:  0
  start_pfn:           1
Node 1, zone    DMA32
  pages free     0
        spanned  0
        present  0
        managed  0
        cma      0
        protection: (0, 0, 0)
`

describe('/proc/zoneinfo', () => {
  test('counts of each zone; one without memory has no first page', () => {
    expect(parseZoneinfo(ZONEINFO)).toEqual({
      ok: true,
      value: [
        { node: 0, zone: 'DMA32', free: 505917, spanned: 1048575, present: 524158, managed: 506245, cma: 41984, startPfn: 1 },
        { node: 1, zone: 'DMA32', free: 0, spanned: 0, present: 0, managed: 0, cma: 0, startPfn: undefined },
      ],
    })
  })

  test.each([
    ['', '/proc/zoneinfo names no zone'],
    [ZONEINFO.replace('        managed  506245\n', ''), '/proc/zoneinfo: zone DMA32 of node 0 lacks "managed"'],
    [ZONEINFO.replace('pages free     505917', 'pages free     -1'), '/proc/zoneinfo: zone DMA32 of node 0 lacks "pages free"'],
  ])('%#', (text, error) => {
    expect(parseZoneinfo(text)).toEqual({ ok: false, error })
  })
})

test('/proc/buddyinfo: free blocks by order', () => {
  expect(parseBuddyinfo('Node 0, zone    DMA32      3      3      4 \nNode 1, zone   Normal      1      0      2 \n')).toEqual({
    ok: true,
    value: [
      { node: 0, zone: 'DMA32', freeByOrder: [3, 3, 4] },
      { node: 1, zone: 'Normal', freeByOrder: [1, 0, 2] },
    ],
  })
  expect(parseBuddyinfo('')).toEqual({ ok: false, error: '/proc/buddyinfo names no zone' })
  expect(parseBuddyinfo('Node 0, zone DMA32 many')).toEqual({
    ok: false,
    error: 'not a line of /proc/buddyinfo: Node 0, zone DMA32 many',
  })
})

/** Printed once per node. */
const PAGETYPEINFO = `Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1
Node    0, zone    DMA32, type    Unmovable      0      0

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate 
Node 0, zone    DMA32            1          941            0            0           82            0 
Node 0, zone   Normal           10          436            0            0           66            0 
Page block order: 9

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate 
Node 1, zone   Normal            6          420            0            0           86            0 
`

describe('/proc/pagetypeinfo', () => {
  test('page blocks of every node by migratetype', () => {
    const found = parsePagetypeinfo(PAGETYPEINFO)
    expect(found.ok && found.value.map(({ node, zone, blocks }) => [node, zone, blocks['Movable'], blocks['CMA']])).toEqual([
      [0, 'DMA32', 941, 82],
      [0, 'Normal', 436, 66],
      [1, 'Normal', 420, 86],
    ])
  })

  test('refuses what does not fit its heading', () => {
    expect(parsePagetypeinfo('')).toEqual({ ok: false, error: '/proc/pagetypeinfo has no "Number of blocks type"' })
    const short = parsePagetypeinfo(PAGETYPEINFO.replace('          436', ''))
    expect(short.ok ? '' : short.error).toMatch(/^\/proc\/pagetypeinfo: 6 migratetypes, 5 numbers: /)
  })
})

test('/proc/meminfo', () => {
  expect(meminfoBytes('MemTotal:        3901292 kB\nMemFree: 1 kB\n', 'MemTotal')).toEqual({ ok: true, value: 3901292 * 1024 })
  expect(meminfoBytes('MemTotal: lots\n', 'MemTotal')).toEqual({ ok: false, error: '/proc/meminfo has no MemTotal' })
})
