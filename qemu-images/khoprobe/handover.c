// SPDX-License-Identifier: GPL-2.0-only
/* to_kho(): preserving sets, and the table by which the next kernel finds them. */
#include <linux/io.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "khoprobe.h"

/* One page, allocated and added to the KHO tree with the first set that is preserved. */
static struct probe_table *table;

static int need_table(void)
{
	int err;

	if (table)
		return 0;
	table = kho_alloc_preserve(sizeof(*table));
	if (IS_ERR(table)) {
		err = PTR_ERR(table);
		table = NULL;
		return err;
	}
	strscpy(table->compatible, PROBE_COMPATIBLE, sizeof(table->compatible));
	err = kho_add_subtree(PROBE_NAME, table, sizeof(*table));
	if (err) {
		kho_unpreserve_free(table);
		table = NULL;
	}
	return err;
}

void probe_drop_table(void)
{
	if (!table)
		return;
	kho_remove_subtree(table);
	kho_unpreserve_free(table);
	table = NULL;
}

static void unpreserve_entries(struct probe_set *set, u64 count)
{
	switch (set->record.kind) {
	case PROBE_FOLIO:
		for (u64 i = 0; i < count; i++)
			kho_unpreserve_folio(page_folio(PROBE_PAGE(set->entries[i])));
		break;
	case PROBE_CONTIGUOUS:
		if (count)
			kho_unpreserve_pages(PROBE_PAGE(set->entries[0]), set->record.pages);
		break;
	case PROBE_VMALLOC:
		if (count)
			kho_unpreserve_vmalloc(&set->record.area);
		break;
	}
}

static int preserve_folios(struct probe_set *set)
{
	for (u64 i = 0; i < set->record.count; i++) {
		int err = kho_preserve_folio(page_folio(PROBE_PAGE(set->entries[i])));

		if (err) {
			unpreserve_entries(set, i);
			return err;
		}
		cond_resched();
	}
	return 0;
}

static int preserve_entries(struct probe_set *set)
{
	switch (set->record.kind) {
	case PROBE_FOLIO:
		return preserve_folios(set);
	case PROBE_CONTIGUOUS:
		return kho_preserve_pages(PROBE_PAGE(set->entries[0]), set->record.pages);
	case PROBE_VMALLOC:
		return kho_preserve_vmalloc(set->area, &set->record.area);
	default:
		return -EINVAL;
	}
}

/* Preserved sets in the order of the list, which is the order of the table. */
static void write_table(void)
{
	struct probe_set *set;
	u64 count = 0;

	list_for_each_entry(set, &probe_sets, list)
		if (set->state == PROBE_PRESERVED && count < PROBE_MAX_SETS)
			table->records[count++] = set->record;
	memset(&table->records[count], 0, (PROBE_MAX_SETS - count) * sizeof(*table->records));
	table->nr_records = count;
}

int probe_preserve(struct probe_set *set, struct probe_reply *reply)
{
	struct probe_record *record = &set->record;
	int err;

	if (!kho_is_enabled())
		return probe_refuse(reply, -EOPNOTSUPP, "KHO is off");
	if (set->state == PROBE_PRESERVED)
		return probe_refuse(reply, -EALREADY, "%s is preserved already", record->name);
	if (set->state == PROBE_INHERITED)
		return probe_refuse(reply, -EBUSY, "%s is not restored yet", record->name);
	err = need_table();
	if (err)
		return probe_refuse(reply, err, "KHO takes no table");
	err = preserve_entries(set);
	if (err)
		return probe_refuse(reply, err, "KHO refuses %s; nothing of it is preserved",
				    record->name);
	err = kho_preserve_vmalloc(set->entries, &record->entries);
	if (err) {
		unpreserve_entries(set, record->count);
		return probe_refuse(reply, err, "KHO refuses the list of %s", record->name);
	}
	record->direct_map = (unsigned long)phys_to_virt(0);
	set->state = PROBE_PRESERVED;
	write_table();
	probe_report_set(reply, set);
	return 0;
}

int probe_unpreserve(struct probe_set *set, struct probe_reply *reply)
{
	if (set->state != PROBE_PRESERVED)
		return probe_refuse(reply, -EINVAL, "%s is not preserved", set->record.name);
	unpreserve_entries(set, set->record.count);
	kho_unpreserve_vmalloc(&set->record.entries);
	set->state = PROBE_ALLOCATED;
	write_table();
	probe_report_set(reply, set);
	return 0;
}

void probe_report_table(struct probe_reply *reply)
{
	if (table)
		probe_say(reply, "table phys=%#llx records=%llu\n", (u64)virt_to_phys(table),
			  table->nr_records);
	else
		probe_say(reply, "table none\n");
}
