import { expect, it } from 'vitest'
import { parseFreeByType } from './free-by-type.ts'

/** Of a guest of 4 GiB on two nodes, Linux 7.3.4, shortened. */
const REAL = `Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 
Node    0, zone    DMA32, type    Unmovable      0      0      0      0      0      0      0      0      1      0      0 
Node    0, zone    DMA32, type      Movable      1      1      2      2      2      2      1      0      1      2    449 
Node    0, zone    DMA32, type          CMA      0      0      0      0      0      0      0      0      0      1     38 

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate 
Node 0, zone    DMA32            1          941            0            0           82            0 
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 
Node    1, zone   Normal, type    Unmovable      0      5      3      5      1      1      1      0      1      0      0 

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate 
Node 1, zone   Normal            6          420            0            0           86            0 
`

it('reads the free lists of every zone and type, and not the pageblocks below them', () => {
  const parsed = parseFreeByType(REAL)
  expect(
    parsed.ok && parsed.value.map(({ node, zone, type, freeByOrder }) => `${node} ${zone} ${type} ${freeByOrder.join(',')}`),
  ).toEqual([
    '0 DMA32 Unmovable 0,0,0,0,0,0,0,0,1,0,0',
    '0 DMA32 Movable 1,1,2,2,2,2,1,0,1,2,449',
    '0 DMA32 CMA 0,0,0,0,0,0,0,0,0,1,38',
    '1 Normal Unmovable 0,5,3,5,1,1,1,0,1,0,0',
  ])
})

it('says what it cannot read', () => {
  const line = 'Node    0, zone   Normal, type      Movable >100000      1 '
  const heading = 'Free pages count per migrate type at order       0      1 '
  expect(['', `${heading}\nhello\n`, `${heading}\n${line}\n`].map((text) => parseFreeByType(text))).toMatchInlineSnapshot(`
    [
      {
        "error": "/proc/pagetypeinfo has no "Free pages count"",
        "ok": false,
      },
      {
        "error": "/proc/pagetypeinfo: not a line of free pages: hello",
        "ok": false,
      },
      {
        "error": "/proc/pagetypeinfo: a list too long to count: Node    0, zone   Normal, type      Movable >100000      1 ",
        "ok": false,
      },
    ]
  `)
})
