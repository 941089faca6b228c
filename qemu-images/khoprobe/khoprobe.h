/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * khoprobe: a user of Kexec HandOver that does what it is told, line by line.
 *
 * Pages are allocated in named sets, filled with a pattern, handed over by the functions that
 * any driver would use, and taken back by the same module in the next kernel. docs/khoprobe.md
 * describes the commands and the table.
 */
#ifndef KHOPROBE_H
#define KHOPROBE_H

#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/mm.h>
#include <linux/types.h>

#define PROBE_NAME "khoprobe"
#define PROBE_COMPATIBLE "khoprobe-v1"
#define PROBE_NAME_SIZE 16
#define PROBE_MAX_SETS 31
#define PROBE_MAX_ENTRIES (4UL << 20)
#define PROBE_MAX_PAGES (16UL << 20)
#define PROBE_LINE 256
#define PROBE_SHOW_MAX 1024UL

enum probe_kind {
	PROBE_FOLIO,		/* count folios, each of an order of its own */
	PROBE_CONTIGUOUS,	/* one range of alloc_contig_pages() */
	PROBE_VMALLOC,		/* one area of vmalloc() or vmalloc_huge() */
	PROBE_KINDS
};

enum probe_state {
	PROBE_ALLOCATED,	/* this kernel's own */
	PROBE_PRESERVED,	/* in the table, goes to the next kernel */
	PROBE_INHERITED,	/* found in the table of the kernel before */
	PROBE_RESTORED,		/* taken back; may be preserved again */
};

/* An entry is the physical address of a page with the order of its folio in the low bits. */
#define PROBE_ORDER(entry) ((unsigned int)((entry) & ~PAGE_MASK))
#define PROBE_PHYS(entry) ((phys_addr_t)((entry) & PAGE_MASK))
#define PROBE_PAGE(entry) pfn_to_page(PHYS_PFN(PROBE_PHYS(entry)))

/* One set in the table that goes over; all fields in the byte order of the machine. */
struct probe_record {
	char name[PROBE_NAME_SIZE];
	u32 kind;
	u32 huge;
	u64 seed;
	u64 count;		/* entries */
	u64 pages;		/* pages of all entries */
	u64 direct_map;		/* where the writer had physical address 0 */
	u64 area_address;	/* of a vmalloc area in the writer's address space */
	struct kho_vmalloc entries;
	struct kho_vmalloc area;
	u64 reserved[4];
};

struct probe_table {
	char compatible[16];
	u64 nr_records;
	u64 reserved[13];
	struct probe_record records[PROBE_MAX_SETS];
};

static_assert(sizeof(struct probe_record) == 128);
static_assert(sizeof(struct probe_table) <= PAGE_SIZE);

/* What restoring a set showed. */
struct probe_outcome {
	u64 restored;
	u64 lost;		/* entries for which KHO had nothing */
	u64 order_differs;
	u64 refcount_differs;
	u64 compound_differs;
	u64 same_address;	/* entries whose kernel virtual address stayed */
	s64 managed_delta;	/* pages by which totalram grew */
};

struct probe_set {
	struct probe_record record;
	enum probe_state state;
	u64 *entries;
	void *area;
	struct probe_outcome outcome;
	s64 intact;		/* pages with the right pattern; -1 when not looked at */
	struct list_head list;
};

/* Text that a command answers with. */
struct probe_reply {
	char *text;
	size_t size;
	size_t length;
	loff_t position;	/* of the reader */
};

struct probe_request {
	const char *name;
	enum probe_kind kind;
	unsigned int min_order;
	unsigned int max_order;
	unsigned long count;	/* folios per order, or pages of a range */
	u64 seed;
	u64 at;			/* where a range has to lie; PROBE_ANYWHERE */
	int node;
	bool movable;
	bool huge;
};

#define PROBE_ANYWHERE U64_MAX

/* A function of KHO for one entry of a set. */
struct probe_call {
	const char *function;
	struct probe_set *set;
	u64 entry;
	unsigned int order;
};

struct probe_churn {
	unsigned long operations;
	unsigned int max_order;
	unsigned long hold;
	u64 seed;
};

/* command.c: carries out one line; the caller holds the lock of the module. */
int probe_command(char *line, struct probe_reply *reply);

/* set.c */
extern struct list_head probe_sets;
struct probe_set *probe_find(const char *name);
struct probe_set *probe_new_set(const char *name);
void probe_forget(struct probe_set *set);
int probe_allocate(const struct probe_request *request, struct probe_reply *reply);
int probe_free(struct probe_set *set, struct probe_reply *reply);
void probe_release_pages(struct probe_set *set, u64 count);
void probe_free_all(void);

/* pattern.c */
int probe_fill(struct probe_set *set);
int probe_verify(struct probe_set *set);

/* handover.c */
int probe_preserve(struct probe_set *set, struct probe_reply *reply);
int probe_unpreserve(struct probe_set *set, struct probe_reply *reply);
void probe_drop_table(void);
void probe_report_table(struct probe_reply *reply);

/* restore.c */
int probe_inherit(void);
int probe_restore(struct probe_set *set, struct probe_reply *reply);

/* call.c */
int probe_call_restore(const struct probe_call *call, struct probe_reply *reply);
int probe_call_preserve(const struct probe_call *call, struct probe_reply *reply);
int probe_call_unpreserve(const struct probe_call *call, struct probe_reply *reply);

/* churn.c */
int probe_churn(const struct probe_churn *churn, struct probe_reply *reply);

/* report.c */
__printf(2, 3) void probe_say(struct probe_reply *reply, const char *format, ...);
__printf(3, 4) int probe_refuse(struct probe_reply *reply, int error, const char *format, ...);
void probe_report_set(struct probe_reply *reply, const struct probe_set *set);
int probe_report_entries(struct probe_reply *reply, const struct probe_set *set, u64 from,
			 u64 count);
u64 probe_mix(u64 value);

#endif
