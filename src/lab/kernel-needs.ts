/** An option of a kernel's configuration that the lab has a use for. */
export interface KernelNeed {
  /** Without CONFIG_. */
  readonly option: string
  readonly wanted: 'y' | 'n'
  /** What is lost without it: `missing` keeps an experiment from running at all. */
  readonly state: 'missing' | 'warning'
  readonly why: string
  /** First and last series that have the option, or this need of it; any, where absent. */
  readonly from?: Series
  readonly to?: Series
}

export type Series = readonly [major: number, minor: number]

/** The first series with KHO. */
export const KHO_SINCE: Series = [6, 16]

/** kernel/Kconfig.kexec (6.16 to 6.18), kernel/liveupdate/Kconfig (6.19 to 7.3). */
const HANDOVER: readonly KernelNeed[] = [
  { option: 'KEXEC_HANDOVER', wanted: 'y', state: 'missing', why: 'without it the kernel hands nothing over and takes nothing' },
  {
    option: 'DEFERRED_STRUCT_PAGE_INIT',
    wanted: 'n',
    state: 'missing',
    why: 'up to 7.1 KEXEC_HANDOVER depends on its absence',
    to: [7, 1],
  },
  { option: 'KEXEC_FILE', wanted: 'y', state: 'missing', why: 'the next kernel is loaded by kexec_file_load()' },
  { option: 'CMA', wanted: 'y', state: 'missing', why: 'KEXEC_HANDOVER selects it: scratch becomes page blocks of CMA' },
  {
    option: 'KEXEC_HANDOVER_DEBUGFS',
    wanted: 'y',
    state: 'warning',
    why: 'without it the guest shows nothing of the tree, and RAM alone is read',
    from: [6, 19],
  },
  {
    option: 'KEXEC_HANDOVER_DEBUG',
    wanted: 'y',
    state: 'warning',
    why: "the kernel's own checks, for instance of what is preserved inside scratch",
    from: [6, 18],
  },
  { option: 'LIVEUPDATE', wanted: 'y', state: 'warning', why: 'no LUO sessions without it', from: [6, 19] },
  { option: 'LIVEUPDATE_MEMFD', wanted: 'y', state: 'warning', why: 'no memfd through LUO without it', from: [7, 1] },
]

/** kexec -e of an unsigned image (kernel/Kconfig.kexec, security/lockdown/Kconfig). */
const UNSIGNED: readonly KernelNeed[] = [
  { option: 'KEXEC_SIG_FORCE', wanted: 'n', state: 'missing', why: 'kexec_file_load() would refuse a kernel without signature' },
  {
    option: 'LOCK_DOWN_KERNEL_FORCE_INTEGRITY',
    wanted: 'n',
    state: 'missing',
    why: 'a kernel that is locked down loads no unsigned kernel',
  },
  {
    option: 'LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY',
    wanted: 'n',
    state: 'missing',
    why: 'a kernel that is locked down loads no unsigned kernel and shows no debugfs',
  },
]

/** Built in: the lab's initramfs holds no modules of a kernel that it did not build. */
const GUEST: readonly KernelNeed[] = [
  ...['64BIT', 'BLK_DEV_INITRD', 'RD_GZIP', 'BINFMT_ELF', 'BINFMT_SCRIPT', 'PROC_FS', 'DEVTMPFS'].map(toBoot),
  ...['SERIAL_8250', 'SERIAL_8250_CONSOLE'].map(toSpeak),
  ...['INET', 'VIRTIO_PCI', 'VIRTIO_NET', 'UNIX98_PTYS', 'MULTIUSER'].map(toLetIn),
  { option: 'SYSFS', wanted: 'y', state: 'warning', why: 'the firmware map and setup_data are read there' },
  { option: 'DEBUG_FS', wanted: 'y', state: 'warning', why: 'the guest shows what it hands over there' },
  { option: 'FIRMWARE_MEMMAP', wanted: 'y', state: 'warning', why: '/sys/firmware/memmap is how the guest shows its memory map' },
  { option: 'HW_RANDOM_VIRTIO', wanted: 'y', state: 'warning', why: 'without it ssh may wait long for entropy' },
  { option: 'NUMA', wanted: 'y', state: 'warning', why: 'scratch of a machine with several nodes is of all of them' },
  { option: 'ACPI_NUMA', wanted: 'y', state: 'warning', why: 'without it the kernel sees one node' },
]

function toBoot(option: string): KernelNeed {
  return { option, wanted: 'y', state: 'missing', why: "the lab's initramfs does not start without it" }
}
function toSpeak(option: string): KernelNeed {
  return { option, wanted: 'y', state: 'missing', why: 'the lab follows the boot on the serial console' }
}
function toLetIn(option: string): KernelNeed {
  return { option, wanted: 'y', state: 'missing', why: 'the lab asks the guest by ssh, over a virtio network card' }
}

export const KERNEL_NEEDS: readonly KernelNeed[] = [...HANDOVER, ...UNSIGNED, ...GUEST]
