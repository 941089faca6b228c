/**
 * What a real guest showed: Linux 7.3.4 (built for this lab), q35 with 1 GiB and one node under QEMU 7.2, `nokaslr kho=on
 * liveupdate=on reserve_mem=12M:4096:trace memblock=debug`, first boot and one kexec_file_load() hop into the same kernel.
 * All hexadecimal strings are files as the guest's own shell read them.
 */

/** in/fdt after the hop: what the first boot's root FDT had become when it was handed over. Its page lay at 0x5a2000. */
export const IN_FDT =
  'd00dfeed0000015900000038000001200000002800000011000000100000000000000039000000e80000000000000000000000000000000000000001' +
  '000000000000000300000007000000156b686f2d7634000000000003000000080000000000105a0000000000000000016d656d626c6f636b00000000' +
  '00000003000000080000002fd200000000000000000000030000000800000020009062000000000000000002000000014c554f000000000300000008' +
  '0000002f2000000000000000000000030000000800000020000062000000000000000002000000016b657865632d6d65746164617461000000000003' +
  '000000080000002f490000000000000000000003000000080000002000605e00000000000000000200000002000000097072657365727665642d6d65' +
  '6d6f72792d6d617000636f6d70617469626c65007072657365727665642d6461746100626c6f622d73697a6500'

/** out/sub_fdts of the first boot. */
export const MEMBLOCK =
  'd00dfeed000000d200000040000000bc00000030000000110000001000000000000000160000007c0000000000000000000000000000000000000000' +
  '000000000000000100000000000000030000000c0000000b6d656d626c6f636b2d763100000000017472616365000000000000030000000f0000000b' +
  '726573657276652d6d656d2d763100000000000300000008000000050000a03d000000000000000300000008000000000000c0000000000000000002' +
  '000000020000000973697a6500737461727400636f6d70617469626c6500'

export const LUO = '6c756f2d763500000100000000000000000000000000000000f0610000000000'

/** in/sub_fdts/LUO after the hop: the page was freed before debugfs showed it. */
export const LUO_DANGLING = 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'

export const KEXEC_METADATA =
  '01000000372e332e34000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '00000000000000000001000000'

/** /sys/kernel/boot_params/setup_data/N/data of type 10 after the hop. */
export const KHO_SETUP_DATA = '00205a0000000000001000000000000000007f3d000000003000000000000000'

/** /sys/kernel/boot_params/data after the hop: the bytes that are not 0, by offset. */
export const BOOT_PARAMS: readonly (readonly [number, string])[] = [
  [0x1, '0800fc0000005000001000000019'],
  [0x70, 'e0590f'],
  [0x1e0, '7ffb0f000000000009'],
  [
    0x1f1,
    '1f0100404e03000000ffff000055aaeb6a486472530f02000000000010c035d0000080000010000040153c00b66a0000000000c04e000000a07f3dffffff7f0000200001156300ff07',
  ],
  [0x248, 'c40200008eb93200d0a07f3d00000000000000010000000000d0f2000000000020c834'],
  [
    0x2d9,
    'fc0900000000000100000000fc09000000000000040000000000000200000000000f000000000000000100000000000200000000001000000000000000ee3f00000000010000000000fe3f00000000000002000000000002000000000000b00000000000000010000000000200000000c0d1fe000000000040000000000000020000000000fcff0000000000000400000000000200000000000000fd000000000000000300000002',
  ],
]

/** Kernel log of the first boot while it loaded the next kernel, and of the second while it took over. */
export const LOG = `[    1.520000] kexec-bzImage64: Loaded purgatory at 0x3d7fb000
[    1.520000] kexec-bzImage64: Loaded boot_param, command line and misc at 0x3d7f9000 bufsz=0x1170 memsz=0x2000
[    1.520000] kexec-bzImage64: Loaded 64bit kernel at 0x3c800000 bufsz=0x34e400 memsz=0xf2d000
[    1.520000] kexec-bzImage64: Loaded initrd at 0x3c154000 bufsz=0x6ab600 memsz=0x6ab600
[    1.520000] kexec_file: segment[0]: buf=0x00000000173b7c62 bufsz=0x30 mem=0x3d7f0000 memsz=0x1000
[    1.520000] kexec_file: segment[1]: buf=0x00000000bed935a5 bufsz=0x4000 mem=0x3d7fb000 memsz=0x5000
[    1.520000] kexec_file: segment[2]: buf=0x000000004b6b76f9 bufsz=0x1170 mem=0x3d7f9000 memsz=0x2000
[    1.520000] kexec_file: segment[3]: buf=0x00000000f08287b4 bufsz=0x34e400 mem=0x3c800000 memsz=0xf2d000
[    1.520000] kexec_file: segment[4]: buf=0x0000000038a9ea66 bufsz=0x6ab600 mem=0x3c154000 memsz=0x6ac000
[    0.000000] KHO: found kexec handover data.
[    0.000000] __memblock_reserve: [0x000000003dc00000-0x000000003dffffff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x000000003e000000-0x000000003e3fffff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x000000003da00000-0x000000003dbfffff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x000000003e400000-0x000000003e5fffff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x00000000005a2000-0x00000000005a2fff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x00000000005e6000-0x00000000005e6fff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x000000000061f000-0x000000000061ffff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x0000000000620000-0x0000000000620fff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] __memblock_reserve: [0x0000000000629000-0x0000000000629fff] nid=-1 flags=0 kho_preserved_memory_reserve+0x82/0xaf
[    0.000000] Revived memory reservation 'trace' from KHO
[    0.325158] luo: Retrieved live update data, liveupdate number: 1
[    1.154751] KHO: exec from: 7.3.4 (count 1)
`

export const unhex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
