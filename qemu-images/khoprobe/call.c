// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of KHO, called for memory of a set as no careful driver would: a second time, or
 * with another order. What the kernel answers is the answer. Only what khoprobe itself owns is
 * named, so that no record of another user goes.
 */
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include "khoprobe.h"

static void say_answer(struct probe_reply *reply, const struct probe_call *call, const char *answer)
{
	probe_say(reply, "call %s phys=%#llx order=%u answer=%s\n", call->function,
		  PROBE_PHYS(call->set->entries[call->entry]), call->order, answer);
}

static int check_set(const struct probe_call *call, struct probe_reply *reply)
{
	const struct probe_set *set = call->set;

	if (call->entry >= set->record.count)
		return probe_refuse(reply, -ERANGE, "%s has %llu entries", set->record.name,
				    set->record.count);
	if (set->state == PROBE_INHERITED)
		return probe_refuse(reply, -EBUSY, "%s is not restored yet", set->record.name);
	return 0;
}

static int check_folios(const struct probe_call *call, struct probe_reply *reply)
{
	int err = check_set(call, reply);

	if (err)
		return err;
	if (!kho_is_enabled())
		return probe_refuse(reply, -EOPNOTSUPP, "KHO is off");
	if (call->set->record.kind != PROBE_FOLIO)
		return probe_refuse(reply, -EINVAL, "%s is no set of folios",
				    call->set->record.name);
	return 0;
}

/*
 * Asks for an entry that is this kernel's own. A folio in the answer would be one that exists
 * twice; it is left alone.
 */
int probe_call_restore(const struct probe_call *call, struct probe_reply *reply)
{
	struct folio *folio;
	int err = check_set(call, reply);

	if (err)
		return err;
	folio = kho_restore_folio(PROBE_PHYS(call->set->entries[call->entry]));
	say_answer(reply, call, folio ? "folio" : "NULL");
	return 0;
}

/* Preserves an entry, or the first pages of it, and tells neither the set nor the table. */
int probe_call_preserve(const struct probe_call *call, struct probe_reply *reply)
{
	u64 entry;
	int err = check_folios(call, reply);

	if (err)
		return err;
	entry = call->set->entries[call->entry];
	if (call->set->state == PROBE_PRESERVED)
		return probe_refuse(reply, -EBUSY, "%s is preserved", call->set->record.name);
	if (call->order > PROBE_ORDER(entry))
		return probe_refuse(reply, -EINVAL, "the folio has order %u", PROBE_ORDER(entry));
	err = kho_preserve_pages(PROBE_PAGE(entry), 1UL << call->order);
	if (err)
		return probe_refuse(reply, err, "KHO refuses the pages");
	say_answer(reply, call, "0");
	return 0;
}

/*
 * One record begins at a page and has one order; only where all pages have one node is it the
 * one that is meant.
 */
static bool one_record(u64 phys, unsigned int order)
{
	unsigned long first = PHYS_PFN(phys), last = first + (1UL << order) - 1;

	return IS_ALIGNED(first, 1UL << order) && pfn_to_online_page(last) &&
	       pfn_to_nid(first) == pfn_to_nid(last);
}

/* Takes a record back that the set does not have: the set's own stays where it is. */
int probe_call_unpreserve(const struct probe_call *call, struct probe_reply *reply)
{
	u64 entry;
	int err = check_folios(call, reply);

	if (err)
		return err;
	entry = call->set->entries[call->entry];
	if (call->set->state == PROBE_PRESERVED && call->order == PROBE_ORDER(entry))
		return probe_refuse(reply, -EBUSY, "that is the record of %s: unpreserve the set",
				    call->set->record.name);
	if (!one_record(PROBE_PHYS(entry), call->order))
		return probe_refuse(reply, -EINVAL, "no record of order %u begins there",
				    call->order);
	kho_unpreserve_pages(PROBE_PAGE(entry), 1UL << call->order);
	say_answer(reply, call, "void");
	return 0;
}
