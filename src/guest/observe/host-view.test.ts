import { describe, expect, test } from 'vitest'
import { notSeen, seen, type Blob, type GuestView } from '../../shared/documents/index.ts'
import { hex, MiB, PAGE_SIZE, physAddr } from '../../shared/units.ts'
import { stringValue } from '../../abi/fdt.ts'
import { writeFdt } from '../../abi/fdt-write.ts'
import { encodeKhoSetupData } from '../../abi/setup-data.ts'
import type { GuestChannel } from '../types.ts'
import { observeHost } from './host-view.ts'
import { scratchArray, SyntheticMemory, writeHandover } from './synthetic-guest.fixture.ts'

const RAM = { start: 0, end: 64 * MiB }
const REGIONS = [
  { start: 0x3000000, size: 0x400000 },
  { start: 0, size: 0 },
]
const ARRAY_AT = 0x3ffe000

const keep = (bytes: Uint8Array): Blob => ({
  size: bytes.length,
  sha256: '0'.repeat(64),
  hex: Buffer.from(bytes).toString('hex'),
})
const raw = { put: (_name: string, bytes: Uint8Array) => keep(bytes) }

const guestView = (view: Partial<GuestView> = {}): GuestView => {
  const none = notSeen('not asked in this test')
  return {
    bootId: none,
    release: none,
    cmdline: none,
    khoDirectory: seen(true),
    outFdt: none,
    inFdt: none,
    outSubtrees: none,
    inSubtrees: none,
    firmwareMap: none,
    iomem: none,
    bootParams: none,
    dmesg: none,
    khoMessages: none,
    memblockReserved: none,
    setupData: seen([]),
    scratchPhys: seen(REGIONS.map(({ start }) => hex(start))),
    scratchLen: seen(REGIONS.map(({ size }) => hex(size))),
    ...view,
  }
}

/** The monitor's answers for 64 MiB in one backend; the vCPUs' state is kept to see that they run at the end. */
function channelOf(memory: SyntheticMemory): { readonly channel: GuestChannel; readonly running: () => boolean } {
  let running = true
  const channel: GuestChannel = {
    memory,
    exec: () => Promise.reject(new Error('the host asks the guest nothing')),
    pause: async () => {
      running = false
    },
    resume: async () => {
      running = true
    },
    qmp: async (command) =>
      command === 'query-memdev'
        ? [{ id: 'ram0' }]
        : 'FlatView #0\n AS "memory", root: system\n  0000000000000000-0000000003ffffff (prio 0, ram): ram0\n',
  }
  return { channel, running: () => running }
}

const handed = (fdtAddress: number): Partial<GuestView> => ({
  inFdt: seen(keep(new Uint8Array())),
  setupData: seen([
    {
      type: 10,
      data: keep(
        encodeKhoSetupData({
          fdtAddress: physAddr(fdtAddress),
          fdtSize: 4096,
          scratchAddress: physAddr(ARRAY_AT),
          scratchSize: 32,
        }),
      ),
    },
  ]),
})

const observe = async (memory: SyntheticMemory, hop: number, guest: GuestView) => {
  const { channel, running } = channelOf(memory)
  const view = await observeHost(channel, { hop, guest, raw, symbols: undefined, cpus: 1 })
  expect(running()).toBe(true)
  return view
}

describe('a first boot', () => {
  test('root, tree and scratch array are found in RAM', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x5eb000, kexecCount: 1, records: [{ start: 0x1000000, order: 10 }] })
    memory.write(ARRAY_AT, scratchArray(REGIONS))
    const view = await observe(memory, 0, guestView())
    expect(
      view.outRoot.ok && { address: view.outRoot.value.address, names: view.outRoot.value.subtrees.map(({ name }) => name) },
    ).toEqual({
      address: '0x5eb000',
      names: ['kexec-metadata'],
    })
    expect(view.outRadix.ok && view.outRadix.value.records).toEqual([
      { start: '0x5eb000', order: 0 },
      { start: '0x5ec000', order: 0 },
      { start: '0x1000000', order: 10 },
    ])
    expect(view.scratchArray).toEqual(
      seen({ address: hex(ARRAY_AT), regions: REGIONS.map(({ start, size }) => ({ start: hex(start), size: hex(size) })) }),
    )
    expect(view.ramMap).toEqual(seen([{ start: '0x0', end: '0x4000000' }]))
    expect(view.inRoot).toBeUndefined()
  })

  test('without any root, and without the array, the readings say so', async () => {
    const view = await observe(new SyntheticMemory(RAM), 0, guestView())
    expect(view.outRoot).toEqual(notSeen('no page of guest RAM is a KHO root FDT'))
    expect(view.outRadix).toEqual(notSeen('no page of guest RAM is a KHO root FDT'))
    expect(view.scratchArray).toEqual(notSeen('no page of guest RAM begins with the scratch regions that debugfs shows'))
  })

  test('a root of another format is named and kept raw', async () => {
    const memory = new SyntheticMemory(RAM)
    memory.write(
      0x400000,
      writeFdt({ name: '', properties: [{ name: 'compatible', value: stringValue('kho-v1') }], children: [] }),
    )
    expect((await observe(memory, 0, guestView())).outRoot).toEqual(
      notSeen(
        "the KHO root FDTs in guest RAM are of formats that this lab does not decode: 'kho-v1' at 0x400000; they are kept raw",
      ),
    )
  })

  test('a copy of the root in a buffer is not taken for it', async () => {
    const memory = new SyntheticMemory(RAM)
    const blob = writeHandover(memory, { address: 0x2345000, kexecCount: 1 })
    memory.write(0x1000, blob)
    expect((await observe(memory, 0, guestView())).outRoot).toMatchObject({ ok: true, value: { address: '0x2345000' } })
  })
})

describe('after a kexec', () => {
  test('the incoming root is read at its address, the outgoing one is the one with the higher count', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x100000, kexecCount: 1 })
    writeHandover(memory, { address: 0x200000, kexecCount: 2 })
    writeHandover(memory, { address: 0x300000, kexecCount: 3 })
    memory.write(ARRAY_AT, scratchArray(REGIONS))
    const view = await observe(memory, 2, guestView(handed(0x200000)))
    expect(view.inRoot).toMatchObject({ ok: true, value: { address: '0x200000' } })
    expect(view.outRoot).toMatchObject({ ok: true, value: { address: '0x300000' } })
    expect(view.scratchArray).toMatchObject({ ok: true, value: { address: hex(ARRAY_AT) } })
  })

  test('only roots of earlier kernels: not seen, with where they are', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x100000, kexecCount: 1 })
    writeHandover(memory, { address: 0x200000, kexecCount: 2 })
    expect((await observe(memory, 2, guestView(handed(0x200000)))).outRoot).toEqual(
      notSeen('the KHO root FDTs in guest RAM (0x100000 (count 1)) are all of earlier kernels'),
    )
  })

  test('a root that is not in its own map is no live root', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x100000, kexecCount: 1 })
    writeHandover(memory, { address: 0x300000, kexecCount: 2, withoutItself: true })
    expect((await observe(memory, 1, guestView(handed(0x100000)))).outRoot).toEqual(
      notSeen('guest RAM has KHO root FDTs at 0x300000 (count 2), but none is in its own preserved memory map'),
    )
  })

  test('after a refused handover the count begins anew: what debugfs shows decides', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x100000, kexecCount: 7 })
    const own = writeHandover(memory, { address: 0x300000, kexecCount: 1 })
    const view = await observe(memory, 1, guestView({ outFdt: seen(keep(own.subarray(0, 152))) }))
    expect(view.outRoot).toMatchObject({ ok: true, value: { address: '0x300000' } })
  })

  test('two that look alike cannot be told apart', async () => {
    const memory = new SyntheticMemory(RAM)
    writeHandover(memory, { address: 0x200000, kexecCount: 2 })
    writeHandover(memory, { address: 0x300000, kexecCount: 2 })
    const { outRoot } = await observe(memory, 1, guestView())
    expect(outRoot.ok ? '' : outRoot.reason).toMatch(/^several KHO root FDTs in guest RAM look live: /)
  })

  test('an incoming address outside RAM is a reading that failed', async () => {
    const view = await observe(new SyntheticMemory(RAM), 1, guestView(handed(RAM.end + PAGE_SIZE)))
    expect(view.inRoot).toEqual(notSeen('there is no KHO root at 0x4001000, where setup_data says it is'))
  })
})
