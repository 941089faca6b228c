// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of a kernel build that decide what it reserves while it boots: sizes of structures, and constants that follow
 * from the configuration. Compiled in the build tree after the kernel, and neither linked nor run: the image builder
 * reads the values from section .kho_lab.facts of the object file.
 */
#include <linux/cma.h>
#include <linux/dcache.h>
#include <linux/hugetlb.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/list_bl.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/numa.h>
#include <linux/pageblock-flags.h>
#include <linux/percpu.h>
#include <asm/cpu_entry_area.h>
#include <asm/setup.h>
#include "kernel/printk/printk_ringbuffer.h"
#include "mm/percpu-internal.h"
#include "mm/sparse.h"
/* Structures that are private to these files. */
#include "drivers/firmware/memmap.c"
#undef pr_fmt
#include "kernel/dma/swiotlb.c"

struct fact {
	char name[56];
	u64 value;
};

#define FACT(id, number)                                                         \
	static const struct fact fact_##id __used __section(".kho_lab.facts") \
		__aligned(8) = { #id, (number) }

FACT(sizeofPglistData, sizeof(pg_data_t));
FACT(sizeofMemSection, sizeof(struct mem_section));
FACT(sizeofMemSectionUsage, sizeof(struct mem_section_usage));
FACT(pageblockFlagsBits, SECTION_BLOCKFLAGS_BITS);
FACT(pageblockOrder, pageblock_order);
FACT(sizeofPage, sizeof(struct page));
FACT(sizeofZone, sizeof(struct zone));
FACT(sizeofResource, sizeof(struct resource));
FACT(sizeofFirmwareMapEntry, sizeof(struct firmware_map_entry));
FACT(sizeofPcpuAllocInfo, sizeof(struct pcpu_alloc_info));
FACT(sizeofPcpuGroupInfo, sizeof(struct pcpu_group_info));
FACT(sizeofPcpuChunk, sizeof(struct pcpu_chunk));
FACT(sizeofPcpuBlockMd, sizeof(struct pcpu_block_md));
#ifdef NEED_PCPUOBJ_EXT
FACT(sizeofPcpuObjExt, sizeof(struct pcpuobj_ext));
#else
FACT(sizeofPcpuObjExt, 0);
#endif
FACT(percpuModuleReserve, PERCPU_MODULE_RESERVE);
FACT(percpuDynamicReserve, PERCPU_DYNAMIC_RESERVE);
FACT(percpuDynamicEarlySize, PERCPU_DYNAMIC_EARLY_SIZE);
FACT(pcpuMinUnitSize, PCPU_MIN_UNIT_SIZE);
FACT(pcpuMinAllocSize, PCPU_MIN_ALLOC_SIZE);
FACT(pcpuBitmapBlockSize, PCPU_BITMAP_BLOCK_SIZE);
FACT(sizeofDentryBucket, sizeof(struct hlist_bl_head));
FACT(sizeofInodeBucket, sizeof(struct hlist_head));
FACT(sizeofPrbDesc, sizeof(struct prb_desc));
FACT(sizeofPrintkInfo, sizeof(struct printk_info));
FACT(sizeofMemblockRegion, sizeof(struct memblock_region));
FACT(sizeofIoTlbSlot, sizeof(struct io_tlb_slot));
FACT(sizeofIoTlbArea, sizeof(struct io_tlb_area));
FACT(ioTlbDefaultSize, IO_TLB_DEFAULT_SIZE);
FACT(sizeofCpuEntryArea, sizeof(struct cpu_entry_area));
FACT(cpuEntryAreaStacksEnd, offsetofend(struct cpu_entry_area, estacks));
FACT(smpCacheBytes, SMP_CACHE_BYTES);
FACT(internodeCacheBytes, 1ULL << INTERNODE_CACHE_SHIFT);
FACT(commandLineSize, COMMAND_LINE_SIZE);
FACT(nrCpus, CONFIG_NR_CPUS);
FACT(maxNumnodes, MAX_NUMNODES);
FACT(sectionSizeBits, SECTION_SIZE_BITS);
FACT(sectionsPerRoot, SECTIONS_PER_ROOT);
FACT(logBufShift, CONFIG_LOG_BUF_SHIFT);
FACT(logCpuMaxBufShift, CONFIG_LOG_CPU_MAX_BUF_SHIFT);
FACT(maxPageOrder, MAX_PAGE_ORDER);
FACT(maxFolioOrder, MAX_FOLIO_ORDER);
FACT(physicalAlign, CONFIG_PHYSICAL_ALIGN);
FACT(physicalStart, CONFIG_PHYSICAL_START);
