import type { Json } from '../json.ts'
import type { LuoOperation } from './luo-report.ts'
import type { ProbeTableView } from './workload/observed.ts'
import type { MapEntry, PreservedRecord, Range, ScratchRegion } from './common.ts'
import type { MemorySubjects } from './memory-subjects.ts'

/**
 * What is claimed, and in which exact shape: predicted, seen by the guest and seen by the host are all of the type below,
 * so that two of them are equal exactly when their canonical JSON is. Addresses and sizes of memory are {@link Hex};
 * counts and sizes of blobs are numbers. Lists of ranges and records ascend by start unless an order is named.
 * A claim's id is `hop<h>.<subject>`, or `hop<h>.<subject>.<part>` where
 * a subject is claimed of several things.
 */
export interface SubjectValues extends MemorySubjects {
  /** `uname -r`. Guest: release. Host: the banner text's third word. */
  'boot.release': string
  /** /proc/cmdline, without surrounding white space. Guest only. */
  'boot.cmdline': string
  /** Whether /sys/kernel/debug/kho exists: KHO is enabled and got its scratch. Guest only. */
  'boot.kho': boolean
  /**
   * Hops: how the boot that this kexec began went. `handover`: it came up and took the handover; `no-handover`: it came up without
   * one; `panic`: it did not come up, and `message` is what follows "Kernel panic - not syncing: "; `halted`: it stopped in
   * function `at`, without a panic. Guest: the kernel log; for a panic or a halt the console, which is all that is left.
   */
  'boot.outcome':
    | { readonly how: 'handover' }
    | { readonly how: 'no-handover' }
    | { readonly how: 'panic'; readonly message: string }
    | { readonly how: 'halted'; readonly at: string }

  /** Guest: /sys/firmware/memmap (the kexec e820 table). Ascending by start. */
  'firmware.map': readonly MapEntry[]
  /**
   * Guest RAM: one range from 0, and one from 4 GiB when there is any. Host: QMP's RAM map.
   * Guest: below 4 GiB the end of the Reserved entry that begins where the last System RAM entry ends, else that end itself.
   */
  'firmware.ram': readonly Range[]

  /**
   * Where the kernel's code begins: exactly, or with KASLR ranges of multiples of `align`. Guest: `Kernel code` in /proc/iomem; where
   * ranges are predicted, the predicted value itself when it lies in one of them, else its own place.
   */
  'loader.kernel': { readonly start: string } | { readonly align: string; readonly within: readonly Range[] }
  /** First boot. Guest: ramdisk_image and ramdisk_size of boot_params, with their upper halves. */
  'loader.initrd': { readonly start: string; readonly size: number }
  /** Guest: cmd_line_ptr of boot_params, with its upper half. */
  'loader.cmdline': { readonly address: string }
  /** Guest: setup_data of boot_params, and the types of /sys/kernel/boot_params/setup_data along the list. */
  'loader.setupData': { readonly head: string; readonly types: readonly number[] }

  /**
   * First boot: where the kernel's setup code has struct boot_params. Guest RAM: the predicted value itself when it lies in one of
   * the ranges, else its own place.
   */
  'loader.bootParams': { readonly start: string } | { readonly align: string; readonly within: readonly Range[] }

  'scratch.count': number
  /**
   * One per region in array order: its kind (`lowmem`, `global`, `node0`, …) and the ranges in which it must lie.
   * Observed: the predicted entry itself where region i has size 0 or lies in one of `within` of entry i;
   * else `{ kind: 'outside', within: [the region] }`.
   */
  'scratch.order': readonly { readonly kind: string; readonly within: readonly Range[] }[]
  /** Observed: regions whose start or size is no multiple of `align`. */
  'scratch.alignment': { readonly align: string; readonly misaligned: readonly ScratchRegion[] }
  /**
   * All memory that counts as scratch once kho_extend_scratch() is done, ranges that touch joined. Observed: from the ranges of the
   * log, which are cut where that changes, and the scratch regions; what neither tells is taken as predicted.
   */
  'scratch.extended': readonly Range[]
  /** Hex sizes in array order. */
  'scratch.sizes': readonly string[]
  /** Hex starts in array order. */
  'scratch.addresses': readonly string[]
  /** Hops: all regions in array order, equal to those of the boot before. */
  'scratch.unchanged': readonly ScratchRegion[]

  /**
   * The KHO root FDT this kernel built; sub nodes in blob order (newest first). Host: outRoot.
   * Guest: out/fdt, only when its length equals the totalsize of its own header (else unobserved: it is truncated or absent).
   */
  'tree.root': {
    readonly compatible: string
    readonly totalSize: number
    readonly subtrees: readonly { readonly name: string; readonly size: number }[]
  }
  /** The exact root FDT, all of `size` bytes as hexadecimal. Host: outRoot.blob. Guest: the next boot's in/fdt. */
  'tree.bytes': { readonly size: number; readonly hex: string }
  'tree.kexec-metadata': { readonly version: number; readonly previousRelease: string; readonly kexecCount: number }
  /** Regions in the order of the command line. */
  'tree.memblock': { readonly compatible: string; readonly regions: readonly { readonly name: string; readonly size: string }[] }
  /** Whether this boot hands its reserve_mem regions over. Host: the sub node memblock of the root FDT. Guest: out/sub_fdts. */
  'tree.regions': boolean
  'tree.LUO': { readonly compatible: string; readonly liveupdateNumber: number }

  /**
   * Guest only. `size`: bytes that out/fdt returns; `headerTotalSize`: the totalsize inside them.
   * Present is false only when the guest said that the file does not exist, never when reading failed otherwise.
   */
  'debugfs.outFdt':
    | { readonly present: false }
    | { readonly present: true; readonly size: number; readonly headerTotalSize: number }
  /** Guest only, hops: whether in/sub_fdts/LUO still begins with the LUO compatible string. Never predicted: the page is free. */
  'debugfs.inSubtrees.LUO': { readonly intact: boolean }

  /** All records of the tree, by start and then order; of more than 4096, neighbours joined. Host: outRadix.records, when complete. */
  'preserved.records': readonly PreservedRecord[]
  /**
   * Node pages of the radix tree without their addresses, level 5 first, level 0 last: of each level the slot list of every
   * node, each ascending (of more than 512 slots, the ranges), the lists of a level sorted by their canonical JSON text. Host: outRadix.nodes.
   */
  'preserved.radix': { readonly nodeCount: number; readonly levels: readonly (readonly (readonly number[] | string)[])[] }

  /** Records that overlap a scratch region. */
  'invariant.preserved-outside-scratch': { readonly violations: readonly PreservedRecord[] }
  /** Names of structures (`root`, `tree`, a subtree's name, `record 0x…`) that do not lie in RAM entirely. */
  'invariant.addresses-inside-ram': { readonly violations: readonly string[] }
  /**
   * Disagreements between lengths, one sentence each: totalsize and blob, blob-size and subtree, scratch_phys and scratch_len.
   * debugfs' out/fdt is not among them; it has a claim of its own.
   */
  'invariant.lengths-agree': { readonly violations: readonly string[] }

  /**
   * The handover tree that this kernel was given. Guest: address from setup_data's fdt_addr, size and hash of in/fdt.
   * Host: inRoot (blob of totalsize bytes).
   */
  'handover.inFdt': { readonly address: string; readonly size: number; readonly sha256: string }
  /** The dmesg line without `KHO: ` and time stamp. Guest only. */
  'handover.message': string
  /** Lines of the kernel log, without `KHO: `, by which kho_populate() says why it does not take what it was given. Guest only. */
  'handover.refused': readonly string[]
  /** Guest: ranges of the memblock=debug reservations made by kho_preserved_memory_reserve. */
  'handover.reserved': readonly Range[]
  /**
   * Hashes of preserved records whose content no kernel code changes during the hop. Host: preservedAfter,
   * reduced to the records that the prediction names.
   */
  'handover.content': readonly (PreservedRecord & { readonly digest: string })[]
  /**
   * Records of the boot before whose first page KHO has marked in page->private, with the order that the mark names, and marks on other
   * pages of them; before anything is taken back. Host: struct page in guest RAM.
   */
  'handover.marks': { readonly records: readonly PreservedRecord[]; readonly others: number }
  /** Guest: the setup_data of type 10. */
  'handover.setupData': { readonly fdtAddress: string; readonly fdtSize: number; readonly scratchSize: number }
  /** reserve_mem= regions, in command line order, where the boot before had them. Guest and host: this boot's out memblock subtree. */
  'handover.reserveMem': readonly { readonly name: string; readonly start: string; readonly size: string }[]

  /** The line of the kernel log about the state that LUO was handed, from "Retrieved" on. Guest only. */
  'luo.message': string
  /** What the guest's `luo` tool reports of the steps of this boot, in order. Guest only. */
  'luo.operations': readonly LuoOperation[]
  /** Records that the LUO steps of this boot add to the radix tree. Host: outRadix and handedOver. */
  'luo.records': { readonly order0: number; readonly other: number }
  /** Hops: sessions of the boot before, in the order of creation, with their files in the order of preservation. Host: luoIncoming. */
  'luo.sessions': readonly {
    readonly name: string
    readonly files: readonly {
      readonly token: number
      readonly compatible: string
      readonly size?: number
      readonly folios?: number
      readonly intactPages?: number
    }[]
  }[]

  /** A program of tools/testing/selftests: its exit code and the tests that its KTAP says failed. Guest only. */
  'selftest.program': { readonly exitCode: number; readonly failed: readonly string[] }
  /** What lib/test_kho.c says after a kexec. Guest only. */
  'selftest.kernel': string

  /** Whether kexec_file_load accepted the kernel of this hop: true once it runs, false when it failed with EADDRNOTAVAIL. */
  'kexec.load': { readonly accepted: boolean }
  /** Where the kernel segment was loaded. Guest: the KEXEC_FILE_DEBUG list of the boot before. */
  'kexec.kernel': { readonly start: string }
  /** Where the kernel's code runs; claimed only with nokaslr. Guest: `Kernel code` in /proc/iomem. */
  'kexec.running': { readonly start: string }
  /** Guest: ramdisk_image and ramdisk_size of boot_params, with their upper halves. */
  'kexec.initrd': { readonly start: string; readonly size: number }
  /** Guest: scratch_addr of the setup_data of type 10. Host: address where the array lies in RAM, when it is at that address. */
  'kexec.scratchArray': { readonly address: string }
  /** In the order of kexec_add_buffer. Guest: the KEXEC_FILE_DEBUG list of the boot before. */
  'kexec.segments': readonly { readonly start: string; readonly memsz: string }[]

  /** Answers of khoprobe, an errno's name or ok, for the steps that the prediction names. Guest. */
  'workload.steps': readonly { readonly index: number; readonly step: string; readonly result: string }[]
  /** Functions of KHO that were called for one entry of a set, and their answer: `NULL`, `folio`, `0`, `void`. Guest. */
  'workload.calls': readonly { readonly index: number; readonly function: string; readonly answer: string }[]
  /** Sets of the boot before, in the order of its table. Guest: what khoprobe found. Host: the table as that boot left it in RAM. */
  'workload.inherited': readonly SetShape[]
  /** Sets that this boot hands over. Guest: khoprobe's list after the last step. Host: the table in RAM. */
  'workload.preserved': readonly SetShape[]
  /** Per restore. `hash` is over address and order of every entry. Guest. */
  'workload.restored': readonly {
    readonly index: number
    readonly name: string
    readonly hash: string
    readonly restored: number
    readonly lost: number
    readonly orderDiffers: number
    readonly refcountDiffers: number
    readonly compoundDiffers: number
    readonly managed: number
  }[]
  /** Per restore, for sets of up to 4096 entries; of larger ones `entries` is empty. Guest. */
  'workload.entries': readonly {
    readonly index: number
    readonly name: string
    readonly entries: readonly {
      readonly start: string
      readonly order: number
      readonly compound: boolean
      readonly refcount: number
      readonly node: number
    }[]
  }[]
  /**
   * Sets that came over and are still held after the last step: entries that still have KHO's mark, and entries with one reference.
   * Host: struct page in guest RAM.
   */
  'workload.marks': readonly {
    readonly name: string
    readonly entries: number
    readonly marked: number
    readonly referencedOnce: number
  }[]
  /** Per restore: entries whose address in the direct map is the one they had in the boot before. Guest. */
  'workload.kva': readonly { readonly index: number; readonly name: string; readonly same: number }[]
  /** Per verify: pages that hold their pattern. Guest. */
  'workload.intact': readonly { readonly index: number; readonly name: string; readonly pages: number }[]
  /** Sets that the boot before had and did not preserve: whether any page of them changed. Host. */
  'workload.control': { readonly sets: readonly string[]; readonly overwritten: boolean }
}
type SetShape = {
  readonly name: string
  readonly kind: string
  readonly entries: number
  readonly pages: number
}
export type Subject = keyof SubjectValues

/**
 * Values that rules start from, by the part of the given's name after `hop<h>.`.
 * A given is absent from Givens when it was not observed; it never holds a placeholder.
 */
export interface GivenValues {
  /** Physical address of the running kernel's _text: where `Kernel code` begins in /proc/iomem. */
  'kernel.base': string
  /**
   * What KASLR drew while the kernel came up: page_offset_base, vmemmap_base, and of each CPU the place of its entry area, counted
   * in areas. Host: variables of the kernel in guest RAM.
   */
  'kernel.addressSpace': { readonly pageOffsetBase: string; readonly vmemmapBase: string; readonly entryAreas: readonly number[] }
  /** struct kho_scratch[] in array order, as this boot shows it (guest debugfs, else host). */
  'scratch.regions': readonly ScratchRegion[]
  /** Physical address of the root FDT page. */
  'tree.address': string
  /** The preserved-memory-map property: physical address of the radix root. */
  'tree.memoryMap': string
  /** preserved-data of each sub node, by name. */
  'tree.addresses': { readonly [name: string]: string }
  /** Start and size of each reserve_mem region as the memblock subtree has them, in its order. */
  'tree.memblockRegions': readonly { readonly name: string; readonly start: string; readonly size: string }[]
  /** flbs_pa of struct luo_ser: physical address of the FLB page. */
  'tree.luoFlb': string
  /** The root FDT as read last before the kexec. `size` and `sha256` are of its totalsize bytes. */
  'tree.blob': { readonly address: string; readonly size: number; readonly sha256: string }
  /** khoprobe's table as it lies in guest RAM when the workload of the boot is done. */
  'workload.table': ProbeTableView
  /** What calls of functions of KHO were about, by the index of their step. */
  'workload.calls': readonly { readonly index: number; readonly start: string; readonly order: number }[]
  /**
   * Where the sets lie that this boot allocated or took back, as khoprobe said last; ranges that touch joined, absent where there are
   * too many entries to be listed.
   */
  'workload.places': readonly { readonly name: string; readonly pages?: readonly Range[] | undefined }[]
  /** What memory the table has: its own page, and of each set the lists, the chunks of a vmalloc area, and the pages; ranges that touch joined. */
  'workload.memory': {
    readonly address: string
    readonly sets: readonly {
      readonly name: string
      readonly listPages: readonly Range[]
      readonly areaChunks: readonly Range[]
      readonly pages: readonly Range[]
    }[]
  }
  /** All records of the radix tree, by start and then order; only when the walk was complete. */
  'preserved.records': readonly PreservedRecord[]
  /** The same with neighbours of one order joined, for rules that only ask which memory they are. */
  'preserved.runs': readonly PreservedRecord[]
  /** Addresses of the node pages of the radix tree, ascending; only when the walk was complete. */
  'preserved.nodes': readonly string[]
  /** Segments that this boot's kernel loaded for the next one, as it printed them. */
  'kexec.segments': readonly { readonly name: string; readonly start: string }[]
  /** Content hashes taken last before the kexec, by start and then order. */
  'preserved.hashes': readonly (PreservedRecord & { readonly digest: string })[]
}

/** Givens of the host, known before the guest starts and without a hop. */
export interface HostGivenValues {
  /** What the guest runs under, and the host processor's model name: environment.accelerator.used and environment.host.cpuModel. */
  'host.accelerator': { readonly used: 'tcg' | 'kvm'; readonly cpuModel: string }
}

export type Givens = { readonly [name: string]: Json }
