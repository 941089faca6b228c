import { z } from 'zod'
import { GuestMemory } from './guest-memory.ts'
import { LuoIncoming, LuoOperation } from './luo-report.ts'
import { ControlGroup, ProbeTableView, WorkloadObservation } from './workload/observed.ts'
import { SelftestRun } from './selftest.ts'
import { Blob, Hex, MapEntry, PageDigest, PreservedRecord, Range, ScratchRegion, Sha256, Slots, reading } from './common.ts'

/** One line of /proc/iomem; `end` is exclusive; depth 0 is a top-level resource. */
export const IomemEntry = z.object({ start: Hex, end: Hex, name: z.string(), depth: z.int().min(0) })
export type IomemEntry = z.infer<typeof IomemEntry>

/** A segment as kexec_file_load printed it under KEXEC_FILE_DEBUG, in the order of kexec_add_buffer. */
export const KexecSegment = z.object({ start: Hex, memsz: Hex, bufsz: Hex.optional(), name: z.string().optional() })
export type KexecSegment = z.infer<typeof KexecSegment>

/** A memblock_reserve() call that `memblock=debug` printed. */
export const MemblockReservation = z.object({ start: Hex, end: Hex, flags: z.string().optional(), caller: z.string() })
export type MemblockReservation = z.infer<typeof MemblockReservation>

/** Everything the guest itself says in one boot. */
export const GuestView = z.object({
  bootId: reading(z.string()),
  release: reading(z.string()),
  cmdline: reading(z.string()),
  /** /sys/kernel/debug/kho exists. */
  khoDirectory: reading(z.boolean()),
  scratchPhys: reading(z.array(Hex)),
  scratchLen: reading(z.array(Hex)),
  outFdt: reading(Blob),
  inFdt: reading(Blob),
  /** out/sub_fdts and in/sub_fdts by name. */
  outSubtrees: reading(z.record(z.string(), Blob)),
  inSubtrees: reading(z.record(z.string(), Blob)),
  firmwareMap: reading(z.array(MapEntry)),
  iomem: reading(z.array(IomemEntry)),
  /** /sys/kernel/boot_params/data: struct boot_params, 4096 bytes. */
  bootParams: reading(Blob),
  /** /sys/kernel/boot_params/setup_data/N, in chain order. */
  setupData: reading(z.array(z.object({ type: z.int(), data: Blob }))),
  dmesg: reading(Blob),
  /** `KHO:` lines and the others of the KHO vocabulary, without time stamps. */
  khoMessages: reading(z.array(z.string())),
  memblockReserved: reading(z.array(MemblockReservation)),
  /** Absent in observations of earlier releases of the lab. */
  memory: GuestMemory.optional(),
  /** Segments that this boot's kernel loaded for the next one; absent on the last boot. */
  kexecSegments: reading(z.array(KexecSegment)).optional(),
})
export type GuestView = z.infer<typeof GuestView>

/** One radix node page as read from guest RAM; `slots` are table indexes (levels 5 to 1) or bit numbers (level 0). */
export const RadixNode = z.object({ address: Hex, level: z.int().min(0).max(5), slots: Slots })
export type RadixNode = z.infer<typeof RadixNode>

export const RootFdtView = z.object({
  address: Hex,
  blob: Blob,
  compatible: z.string(),
  preservedMemoryMap: Hex,
  /** Sub nodes in the order of the blob. */
  subtrees: z.array(z.object({ name: z.string(), address: Hex, size: z.int(), blob: reading(Blob) })),
})
export type RootFdtView = z.infer<typeof RootFdtView>

export const RadixView = z.object({
  root: Hex,
  nodeCount: z.int(),
  recordCount: z.int(),
  pageCount: z.int(),
  /** Up to 4096. */
  nodes: z.array(RadixNode),
  /** All of them, neighbours joined where they are more than 4096; none where they are too scattered for 4096 entries. */
  records: z.array(PreservedRecord),
  complete: z.boolean(),
})
export type RadixView = z.infer<typeof RadixView>

/** The pages of one record, digested. Earlier releases of the lab wrote `sha256` where `digest` is now. */
const RecordDigest = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && 'sha256' in value && !('digest' in value)
      ? { ...value, digest: value.sha256 }
      : value,
  z.object({ record: PreservedRecord, digest: PageDigest }),
)

/** Everything the host sees from outside in one boot: guest RAM and QMP. */
export const HostView = z.object({
  /** RAM blocks in guest physical address space, from QMP. */
  ramMap: reading(z.array(Range)),
  /** The handover tree this kernel will pass on, found in guest RAM. */
  outRoot: reading(RootFdtView),
  outRadix: reading(RadixView),
  /** The handover tree this kernel was given; not on a first boot. */
  inRoot: reading(RootFdtView).optional(),
  /** The radix tree as read last before the kexec; absent when nothing was done since outRadix was read. */
  handedOver: reading(RadixView).optional(),
  /** Read first of all in a boot that follows LUO steps. */
  luoIncoming: LuoIncoming.optional(),
  /** struct kho_scratch[] in guest RAM. */
  scratchArray: reading(z.object({ address: Hex, regions: z.array(ScratchRegion) })),
  /** Digest of each record of outRadix, read in guest RAM as the last thing before this kernel's kexec. */
  preservedBefore: reading(z.array(RecordDigest)).optional(),
  /** The same records of the previous boot, read again as the first thing in this one. */
  preservedAfter: reading(z.array(RecordDigest)).optional(),
  /** khoprobe's table, where this boot has preserved something by it. */
  probeTable: reading(ProbeTableView).optional(),
  /**
   * KHO's marks in page->private, read in guest RAM before anything takes back what the boot before handed over: records of it whose
   * first page is marked, with the order that the mark names, and how many other pages of them are marked.
   */
  marks: reading(z.object({ records: z.array(PreservedRecord), others: z.int().min(0) })).optional(),
  /** Sets of khoprobe that came over and that it still holds: entries whose first page has a mark, and a reference count of 1. */
  takenBack: reading(
    z.array(z.object({ name: z.string(), entries: z.int(), marked: z.int(), referencedOnce: z.int() })),
  ).optional(),
  /** What became of sets that the boot before did not preserve: the same check, on pages that nothing protects. */
  control: reading(z.array(ControlGroup)).optional(),
  /** Physical address of the running kernel's linux_banner string, and its text. */
  banner: reading(z.object({ address: Hex, text: z.string() })),
  /** First boot: where QEMU put the kernel's setup code, and where that has struct boot_params. */
  setupCode: reading(z.object({ address: Hex, bootParams: Hex })).optional(),
  /** _totalram_pages of the running kernel, in bytes. */
  totalRam: reading(Hex).optional(),
  /** What KASLR drew: page_offset_base, vmemmap_base and the place of each CPU's entry area, counted in areas. */
  addressSpace: reading(z.object({ pageOffsetBase: Hex, vmemmapBase: Hex, entryAreas: z.array(z.int().min(0)) })).optional(),
})
export type HostView = z.infer<typeof HostView>

export const PhaseName = z.enum(['firmware', 'kernel', 'init', 'ssh', 'debugfs'])
export type PhaseName = z.infer<typeof PhaseName>

/** Parts of a kexec, in order; src/guest/hop-times.ts says how each is seen. */
export const HopPhaseName = z.enum(['load', 'shutdown', 'relocation', 'kernel start', 'handover restore', 'init', 'ready'])
export type HopPhaseName = z.infer<typeof HopPhaseName>
export const HopPhase = z.object({ phase: HopPhaseName, ms: z.number() })
export type HopPhase = z.infer<typeof HopPhase>

/** Bytes of guest RAM that the lab changed for a fault, as hexadecimal. */
export const InjectedFault = z.object({ what: z.string(), address: Hex, before: z.string(), after: z.string() })
export type InjectedFault = z.infer<typeof InjectedFault>

export const HopObservation = z.object({
  hop: z.int().min(0),
  /** Milliseconds from the spawn of QEMU (hop 0) or from `kexec -e` to the end of each phase. */
  phases: z.array(z.object({ phase: PhaseName, ms: z.number() })),
  /** How long each part of the kexec took that began this boot, as far as it was seen; absent on a first boot. */
  hopPhases: z.array(HopPhase).optional(),
  guest: GuestView,
  host: HostView,
  /** What the guest's `luo` tool said of the steps of this boot; absent without such steps. */
  luo: reading(z.array(LuoOperation)).optional(),
  /** What the guest did with memory, before anything else of this boot was read; absent without a workload. */
  workload: WorkloadObservation.optional(),
  /** What the program of a selftest did in this boot; absent where none ran. */
  selftest: reading(SelftestRun).optional(),
  /** What the lab did to the handover before this kernel's kexec, after everything else of this boot was read. */
  injected: InjectedFault.optional(),
})
export type HopObservation = z.infer<typeof HopObservation>

/** How a machine was reached that the lab did not start: there was no run, only a look. */
export const Attached = z.object({
  pid: z.int().optional(),
  /** The name that its owner gave it (-name). */
  name: z.string().optional(),
  /** How its RAM was read, a sentence per memory backend. */
  ram: z.array(z.string()),
  /** The QMP monitor that was asked, or why none was. */
  monitor: z.string(),
  /** How the guest was asked, or that it was not. */
  guest: z.string(),
})
export type Attached = z.infer<typeof Attached>

/** Where the run took place; everything needed to repeat it. */
export const RunEnvironment = z.object({
  attached: Attached.optional(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  lab: z.object({ version: z.string(), node: z.string() }),
  host: z.object({ kernel: z.string(), cpuModel: z.string(), cpus: z.int(), memory: z.int() }),
  qemu: z.object({ version: z.string(), binary: z.string(), argv: z.array(z.string()) }),
  accelerator: z.object({ used: z.enum(['kvm', 'tcg']), why: z.string() }),
  image: z.object({
    id: z.string(),
    kernelPackage: z.string().optional(),
    kernelVersion: z.string(),
    manifestSha256: Sha256.optional(),
  }),
})
export type RunEnvironment = z.infer<typeof RunEnvironment>

export const Observation = z
  .object({
    document: z.literal('kho-lab/observation'),
    version: z.literal(1),
    environment: RunEnvironment,
    /** Boots that were observed, in order. A lost run has those it reached. */
    hops: z.array(HopObservation),
    /** Why the run ended early; absent when it went to its end. */
    lost: z
      .object({
        code: z.string(),
        message: z.string(),
        hop: z.int(),
        phase: PhaseName.optional(),
        evidence: z.array(z.string()),
        /** Steps that the last boot had carried out by then. */ workload: WorkloadObservation.optional(),
      })
      .optional(),
    /** Every raw capture of the run: file below raw/, size, hash. */
    raw: z.array(z.object({ file: z.string(), size: z.int(), sha256: Sha256 })),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/observation.json', title: 'kho-lab observation' })
export type Observation = z.infer<typeof Observation>
