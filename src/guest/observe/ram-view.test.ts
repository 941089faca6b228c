import { describe, expect, it } from 'vitest'
import { encodeKhoSetupData } from '../../abi/setup-data.ts'
import { notSeen, seen, type Blob } from '../../shared/documents/index.ts'
import { MiB, PAGE_SIZE, physAddr } from '../../shared/units.ts'
import { Capture } from './capture.ts'
import { decodeGuestView } from './guest-view.ts'
import { observeLiveRam, type LiveRam } from './ram-view.ts'
import { scratchArray, SyntheticMemory, writeHandover } from './synthetic-guest.fixture.ts'

const RAM = { start: 0, end: 64 * MiB }
const REGIONS = [
  { start: 0x3000000, size: 0x400000 },
  { start: 0x3400000, size: 0 },
  { start: 0x2000000, size: 0x800000 },
]
const ROOT = 0x100000
const ARRAY = 0x3ffe000
const keep = (bytes: Uint8Array): Blob => ({
  size: bytes.length,
  sha256: '0'.repeat(64),
  hex: Buffer.from(bytes).toString('hex'),
})
const raw = { put: (_name: string, bytes: Uint8Array) => keep(bytes) }
const guest = decodeGuestView(new Capture([], 'nobody was asked'), raw)

const live = (memory: SyntheticMemory, changes: Partial<LiveRam> = {}): LiveRam => ({
  memory,
  load: () => Promise.resolve(),
  settle: (read) => Promise.resolve(read()),
  refresh: () => undefined,
  ...changes,
})

const look = (ram: LiveRam, regionCount: number | undefined = 3) =>
  observeLiveRam(ram, { ramMap: notSeen('not asked in this test'), guest, regionCount, raw })

function firstBoot(): SyntheticMemory {
  const memory = new SyntheticMemory(RAM)
  writeHandover(memory, { address: ROOT, kexecCount: 1, records: [{ start: 0x800000, order: 3 }] })
  memory.write(ARRAY, scratchArray(REGIONS))
  memory.write(0x1e00080, Buffer.from('Linux version 7.3.4 (a@b) #1 SMP\n\0'))
  return memory
}

/** The root with count 1 is what the kernel was given, the one with count 2 what it hands on. */
function afterKexec(): SyntheticMemory {
  const memory = firstBoot()
  writeHandover(memory, { address: 0x900000, kexecCount: 2 })
  const data = { fdtAddress: physAddr(ROOT), fdtSize: PAGE_SIZE, scratchAddress: physAddr(0x3fff000), scratchSize: 48 }
  memory.write(0x3fff000, scratchArray(REGIONS))
  memory.write(
    0xa00ff0 - 0xa00,
    Buffer.concat([Buffer.alloc(8), Buffer.from(Uint32Array.of(10, 32).buffer), encodeKhoSetupData(data)]),
  )
  return memory
}

describe('observeLiveRam, with nobody to ask in the guest', () => {
  it('finds root, tree, scratch regions and release of a first boot', async () => {
    const view = await look(live(firstBoot()))
    expect(view.outRoot).toMatchObject({ ok: true, value: { address: '0x100000', compatible: 'kho-v4' } })
    expect(view.outRadix).toMatchObject({ ok: true, value: { recordCount: 3 } })
    expect(view.scratchArray).toEqual(
      seen({
        address: '0x3ffe000',
        regions: REGIONS.map(({ start, size }) => ({ start: `0x${start.toString(16)}`, size: `0x${size.toString(16)}` })),
      }),
    )
    expect(view.banner).toMatchObject({ ok: true, value: { text: 'Linux version 7.3.4 (a@b) #1 SMP' } })
    expect(view).not.toHaveProperty('inRoot')
  })

  it('tells what was given from what is handed on after a kexec', async () => {
    const view = await look(live(afterKexec()))
    expect(view.outRoot).toMatchObject({ ok: true, value: { address: '0x900000' } })
    expect(view.inRoot).toMatchObject({ ok: true, value: { address: '0x100000' } })
    expect(view.scratchArray).toMatchObject({ ok: true, value: { address: '0x3fff000' } })
  })

  it('does not take an array of another length, or two, for the scratch regions', async () => {
    const memory = firstBoot()
    expect((await look(live(memory), 5)).scratchArray).toMatchObject({ ok: false })
    memory.write(0x500000, scratchArray(REGIONS))
    expect((await look(live(memory))).scratchArray).toEqual(
      notSeen('several pages of guest RAM look like the array of scratch regions: 0x3ffe000, 0x500000'),
    )
  })

  it('does not choose between two kernels that were in RAM', async () => {
    const memory = firstBoot()
    memory.write(0x700000, Buffer.from('Linux version 6.18.0 (a@b) #1\n\0'))
    expect((await look(live(memory))).banner).toMatchObject({ ok: false })
  })

  it('says so when the tree changes faster than it can be read', async () => {
    const memory = firstBoot()
    let count = 0
    const ram = live(memory, {
      refresh: () =>
        void writeHandover(memory, {
          address: ROOT,
          kexecCount: 1,
          records: [{ start: 0x800000 + PAGE_SIZE * count++, order: 0 }],
        }),
    })
    expect((await look(ram)).outRoot).toEqual(
      notSeen('the tree behind the KHO root at 0x100000 changed between any two of 8 readings'),
    )
  })

  it('finds nothing in RAM without KHO, and says so', async () => {
    const view = await look(live(new SyntheticMemory(RAM)))
    expect(view.outRoot).toEqual(notSeen('no page of guest RAM is a KHO root FDT'))
    expect(view.scratchArray).toMatchObject({ ok: false })
    expect(view.banner).toMatchObject({ ok: false })
  })

  it('stays within bounds in RAM that is full of everything it looks for', async () => {
    const memory = new SyntheticMemory(RAM)
    const page = new Uint8Array(PAGE_SIZE)
    page.set(scratchArray(REGIONS))
    for (let at = 256; at + 64 < PAGE_SIZE; at += 64) {
      page.set(Buffer.from('Linux version 9\n\0'), at)
      page.set(Buffer.from(Uint32Array.of(10, 32).buffer), at + 24)
    }
    for (let at = 0; at < RAM.end; at += PAGE_SIZE) memory.write(at, page)
    const view = await look(live(memory))
    expect(view.outRoot.ok).toBe(false)
    expect(view.scratchArray.ok).toBe(false)
  })
})
