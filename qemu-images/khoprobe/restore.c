// SPDX-License-Identifier: GPL-2.0-only
/* from_kho(): what the kernel before left, taken back. */
#include <linux/io.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "khoprobe.h"

/*
 * Whether KHO still holds a page of this order for us here; anything else in a table is not
 * followed.
 */
static bool held_by_kho(u64 phys, unsigned int order)
{
	struct page *page = PAGE_ALIGNED(phys) ? pfn_to_online_page(PHYS_PFN(phys)) : NULL;

	/* union kho_page_info, kernel/liveupdate/kexec_handover.c */
	return page && page->private == (0x4b484f50UL << 32 | order);
}

static bool record_plausible(const struct probe_record *record)
{
	return strnlen(record->name, PROBE_NAME_SIZE) < PROBE_NAME_SIZE && record->name[0] &&
	       record->kind < PROBE_KINDS && record->count && record->count <= PROBE_MAX_ENTRIES &&
	       record->pages && record->pages <= PROBE_MAX_PAGES &&
	       record->entries.total_pages ==
			DIV_ROUND_UP(record->count * sizeof(u64), PAGE_SIZE) &&
	       held_by_kho(record->entries.first.phys, 0) &&
	       (record->kind != PROBE_VMALLOC || held_by_kho(record->area.first.phys, 0)) &&
	       !probe_find(record->name);
}

/* An entry decides which struct page is looked at, so it must name memory. */
static bool entries_plausible(const struct probe_set *set)
{
	u64 pages = 0;

	for (u64 i = 0; i < set->record.count; i++) {
		if (PROBE_ORDER(set->entries[i]) > MAX_PAGE_ORDER ||
		    !pfn_to_online_page(PHYS_PFN(PROBE_PHYS(set->entries[i]))))
			return false;
		pages += 1UL << PROBE_ORDER(set->entries[i]);
	}
	return pages == set->record.pages;
}

static int inherit_record(const struct probe_record *record)
{
	struct probe_set *set;

	if (!record_plausible(record)) {
		pr_warn(PROBE_NAME ": a record of the table is not as it should be\n");
		return 0;
	}
	set = probe_new_set(record->name);
	if (!set)
		return -ENOMEM;
	set->record = *record;
	set->state = PROBE_INHERITED;
	list_add_tail(&set->list, &probe_sets);
	set->entries = kho_restore_vmalloc(&record->entries);
	if (!set->entries || !entries_plausible(set)) {
		pr_warn(PROBE_NAME ": the list of %s did not come over\n", record->name);
		probe_forget(set);
	}
	return 0;
}

/* Reads the table of the kernel before, if there is one, and frees its page. */
int probe_inherit(void)
{
	struct probe_table *table;
	phys_addr_t phys;
	size_t size;
	int err = kho_retrieve_subtree(PROBE_NAME, &phys, &size);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (size != sizeof(*table) || !held_by_kho(phys, get_order(sizeof(*table))))
		return 0;
	table = phys_to_virt(phys);
	if (!strncmp(table->compatible, PROBE_COMPATIBLE, sizeof(table->compatible)))
		for (u64 i = 0; i < min_t(u64, table->nr_records, PROBE_MAX_SETS) && !err; i++)
			err = inherit_record(&table->records[i]);
	else
		err = 0;
	kho_restore_free(table);
	return err;
}

static void judge_page(struct probe_set *set, struct page *page, u64 entry)
{
	unsigned int order = PROBE_ORDER(entry);
	struct probe_outcome *outcome = &set->outcome;

	outcome->restored++;
	outcome->order_differs += compound_order(page) != order;
	outcome->refcount_differs += page_ref_count(page) != 1;
	outcome->compound_differs += PageHead(page) != (order > 0);
	outcome->same_address += (unsigned long)page_address(page) ==
				 set->record.direct_map + PROBE_PHYS(entry);
}

static void restore_folios(struct probe_set *set)
{
	for (u64 i = 0; i < set->record.count; i++) {
		u64 entry = set->entries[i];
		struct folio *folio = kho_restore_folio(PROBE_PHYS(entry));

		if (folio)
			judge_page(set, &folio->page, entry);
		else
			set->outcome.lost++;
		cond_resched();
	}
}

static void judge_pages(struct probe_set *set, bool found)
{
	for (u64 i = 0; i < set->record.count; i++) {
		if (found)
			judge_page(set, PROBE_PAGE(set->entries[i]), set->entries[i]);
		else
			set->outcome.lost++;
	}
}

static void restore_entries(struct probe_set *set)
{
	switch (set->record.kind) {
	case PROBE_FOLIO:
		restore_folios(set);
		break;
	case PROBE_CONTIGUOUS:
		judge_pages(set, kho_restore_pages(PROBE_PHYS(set->entries[0]), set->record.pages));
		break;
	case PROBE_VMALLOC:
		set->area = kho_restore_vmalloc(&set->record.area);
		judge_pages(set, set->area);
		break;
	}
}

int probe_restore(struct probe_set *set, struct probe_reply *reply)
{
	long managed = totalram_pages();

	if (set->state != PROBE_INHERITED)
		return probe_refuse(reply, set->state == PROBE_RESTORED ? -EALREADY : -EINVAL,
				    "%s is not waiting to be restored", set->record.name);
	memset(&set->outcome, 0, sizeof(set->outcome));
	restore_entries(set);
	set->outcome.managed_delta = totalram_pages() - managed;
	set->state = PROBE_RESTORED;
	probe_report_set(reply, set);
	if (set->record.kind == PROBE_VMALLOC && set->area)
		set->record.area_address = (unsigned long)set->area;
	if (set->outcome.lost) {
		/*
		 * Without all its pages a set is of no use, and must never be freed as if it
		 * had them.
		 */
		probe_forget(set);
		return -EIO;
	}
	return 0;
}
