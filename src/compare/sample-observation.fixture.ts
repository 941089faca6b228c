import { encodeKhoSetupData } from '../abi/setup-data.ts'
import { notSeen, seen, type HopObservation, type Observation, type RootFdtView } from '../shared/documents/index.ts'
import { fromHex, hex, physAddr } from '../shared/units.ts'
import {
  blobOf,
  CMDLINE,
  FIRMWARE_MAP,
  layoutOf,
  MAP_ADDRESS,
  recordsOf,
  REGIONS,
  RELEASE,
  ROOT_ADDRESS,
  rootBytes,
  sha256,
  subtreesOf,
} from './sample-facts.fixture.ts'

const LUO_MESSAGE = 'luo: Retrieved live update data, liveupdate number: 1'

const SETUP = { fdtAddress: physAddr(ROOT_ADDRESS[0]), fdtSize: 4096, scratchAddress: physAddr(0x3e7f0000), scratchSize: 48 }

function rootView(hop: 0 | 1): RootFdtView {
  return {
    address: hex(ROOT_ADDRESS[hop]),
    blob: blobOf(rootBytes(hop)),
    compatible: 'kho-v4',
    preservedMemoryMap: hex(MAP_ADDRESS[hop]),
    subtrees: subtreesOf(hop)
      .reverse()
      .map(({ name, address, bytes }) => ({ name, address: hex(address), size: bytes.length, blob: seen(blobOf(bytes)) })),
  }
}

function hostOf(hop: 0 | 1): HopObservation['host'] {
  const records = recordsOf(hop)
  const hashes = recordsOf(0).map((record) => ({ record, digest: sha256(record.start).slice(0, 32) }))
  return {
    ramMap: seen([{ start: '0x0', end: '0x40000000' }]),
    outRoot: seen(rootView(hop)),
    outRadix: seen({
      root: hex(MAP_ADDRESS[hop]),
      nodeCount: layoutOf(hop).length,
      recordCount: records.length,
      pageCount: 3077,
      complete: true,
      records,
      nodes: layoutOf(hop).map(({ level, slots }, index) => ({
        address: hex(MAP_ADDRESS[hop] - 0x1000 * index),
        level,
        slots: [...slots],
      })),
    }),
    ...(hop === 1 ? { inRoot: seen(rootView(0)) } : {}),
    scratchArray: seen({ address: hop === 0 ? '0x3ffd6000' : '0x3e7f0000', regions: REGIONS }),
    ...(hop === 0
      ? { preservedBefore: seen(hashes) }
      : { preservedAfter: seen(hashes), marks: seen({ records: [...recordsOf(0)], others: 0 }) }),
    banner: seen({ address: '0x1600120', text: `Linux version ${RELEASE} (lab@kho) (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC` }),
  }
}

function bootParams(hop: 0 | 1): Uint8Array {
  const bytes = new Uint8Array(4096)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x218, hop === 0 ? 0x3fc95000 : 0x3d6b5000, true)
  view.setUint32(0x228, hop === 0 ? 0x20000 : 0x3e7fa000, true)
  view.setUint32(0x21c, 3_452_212, true)
  return bytes
}

function guestOf(hop: 0 | 1): HopObservation['guest'] {
  const first = hop === 0
  const absent = notSeen('ENOENT: /sys/kernel/debug/kho/out/fdt')
  const ranges = recordsOf(0).map(({ start, order }) => ({
    start,
    end: hex(fromHex(start) + 4096 * 2 ** order),
    caller: 'kho_preserved_memory_reserve+0x5c/0x90',
  }))
  return {
    bootId: seen(first ? 'a2b9b1e4-6c52-4b0e-9b29-0f5a4de8c001' : '7d3a1f60-11a8-4f3e-8a31-2f44c1b2a002'),
    release: seen(RELEASE),
    cmdline: seen(`${CMDLINE}\n`),
    khoDirectory: seen(true),
    scratchPhys: seen(REGIONS.map(({ start }) => start)),
    scratchLen: seen(REGIONS.map(({ size }) => size)),
    outFdt: first ? seen(blobOf(rootBytes(0).subarray(0, 233))) : absent,
    inFdt: first ? notSeen('ENOENT: /sys/kernel/debug/kho/in/fdt') : seen(blobOf(rootBytes(0))),
    outSubtrees: seen(Object.fromEntries(subtreesOf(hop).map(({ name, bytes }) => [name, blobOf(bytes)]))),
    inSubtrees: first ? seen({}) : seen(Object.fromEntries(subtreesOf(0).map(({ name, bytes }) => [name, blobOf(bytes)]))),
    firmwareMap: seen(FIRMWARE_MAP),
    iomem: seen([
      { start: '0x100000', end: '0x3ffe0000', name: 'System RAM', depth: 0 },
      { start: first ? '0x1000000' : '0x3da00000', end: first ? '0x1600000' : '0x3e000000', name: 'Kernel code', depth: 1 },
      { start: first ? '0x1800000' : '0x3e200000', end: first ? '0x19e5fff' : '0x3e3e6000', name: 'Kernel data', depth: 1 },
    ]),
    bootParams: seen(blobOf(bootParams(hop))),
    setupData: first ? seen([]) : seen([{ type: 10, data: blobOf(encodeKhoSetupData(SETUP)) }]),
    dmesg: seen({ size: 81_234, sha256: sha256('dmesg'), file: `raw/hop${hop}/dmesg.txt` }),
    khoMessages: seen(
      first
        ? []
        : [
            'KHO: found kexec handover data.',
            `KHO: exec from: ${RELEASE} (count 1)`,
            LUO_MESSAGE,
            'test_kho: KHO restore succeeded',
          ],
    ),
    memblockReserved: seen(first ? [{ start: '0x1000', end: '0x2000', caller: 'setup_arch+0x10/0x20' }] : ranges),
    ...(first
      ? {
          kexecSegments: seen([
            { start: '0x3e7f0000', memsz: '0x1000', name: 'scratch' },
            { start: '0x3e7fb000', memsz: '0x5000', name: 'purgatory' },
            { start: '0x3e7f9000', memsz: '0x2000', name: 'boot_params' },
            { start: '0x3da00000', memsz: '0xcbb000', name: 'kernel' },
            { start: '0x3d6b5000', memsz: '0x34b000', name: 'initrd' },
          ]),
        }
      : {}),
  }
}

const hopOf = (hop: 0 | 1): HopObservation => ({
  hop,
  phases: [
    { phase: 'kernel', ms: 412 },
    { phase: 'init', ms: 1644 },
    { phase: 'ssh', ms: 1990 },
    { phase: 'debugfs', ms: 2105 },
  ],
  guest: guestOf(hop),
  host: withSession(hop, hostOf(hop)),
  ...(hop === 0
    ? {
        luo: seen([{ op: 'create=vm', error: 0 }]),
        selftest: seen({ command: 'x', exitCode: 0, passed: 1, failed: [], output: 'ok 1 a' }),
      }
    : {}),
})

/** One empty LUO session is created in the first boot: one page more, which the next boot finds. */
function withSession(hop: 0 | 1, view: HopObservation['host']): HopObservation['host'] {
  if (hop === 1) return { ...view, luoIncoming: seen({ sessions: [{ name: 'vm', files: [] }], pageCount: 1 }) }
  const { outRadix } = view
  if (!outRadix.ok) return view
  const { recordCount, pageCount } = outRadix.value
  return { ...view, handedOver: seen({ ...outRadix.value, recordCount: recordCount + 1, pageCount: pageCount + 1 }) }
}

/** A fresh one each time: tests change it. */
export const sampleObservation = (): Observation => structuredClone(observationOf())

function observationOf(): Observation {
  const kept = [blobOf(rootBytes(0)), blobOf(rootBytes(0).subarray(0, 233)), blobOf(subtreesOf(0)[0]?.bytes ?? new Uint8Array())]
  return {
    document: 'kho-lab/observation',
    version: 1,
    environment: {
      startedAt: '2026-11-22T10:00:02.000Z',
      endedAt: '2026-11-22T10:00:09.400Z',
      lab: { version: '0.1.0', node: '24.21.0' },
      host: { kernel: '6.1.0-42-amd64', cpuModel: 'AMD EPYC 7B13', cpus: 2, memory: 8_000_000_000 },
      qemu: {
        version: '7.2.22',
        binary: '/usr/bin/qemu-system-x86_64',
        argv: [
          '-nodefaults',
          '-display',
          'none',
          '-machine',
          'q35,memory-backend=ram0',
          '-accel',
          'tcg',
          '-cpu',
          'max',
          '-m',
          '1024M',
          '-append',
          'console=ttyS0 kho=on liveupdate=on',
        ],
      },
      accelerator: { used: 'tcg', why: 'KVM opened, but no guest spoke under it within 8 s' },
      image: {
        id: '0123456789abcdef',
        kernelPackage: 'linux-source-7.3 7.3.4-1~bpo13+1',
        kernelVersion: RELEASE,
        manifestSha256: sha256('manifest'),
      },
    },
    hops: [hopOf(0), hopOf(1)],
    raw: kept.map(({ size, sha256: digest }, index) => ({ file: `raw/hop0/${index}.bin`, size, sha256: digest })),
  }
}
