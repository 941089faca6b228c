// SPDX-License-Identifier: GPL-2.0-only
/* What khoprobe answers: lines of words and key=value pairs. */
#include <linux/io.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include "khoprobe.h"

static const char *const kinds[] = { "folio", "contiguous", "vmalloc" };
static const char *const states[] = { "allocated", "preserved", "inherited", "restored" };

static __printf(2, 0) void say(struct probe_reply *reply, const char *format, va_list args)
{
	size_t room = reply->size - reply->length;

	reply->length += vscnprintf(reply->text + reply->length, room, format, args);
}

void probe_say(struct probe_reply *reply, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(reply, format, args);
	va_end(args);
}

/* Replaces whatever was said by one line, and returns the error. */
int probe_refuse(struct probe_reply *reply, int error, const char *format, ...)
{
	va_list args;

	reply->length = 0;
	probe_say(reply, "error %d ", -error);
	va_start(args, format);
	say(reply, format, args);
	va_end(args);
	probe_say(reply, "\n");
	return error;
}

/* The finalizer of splitmix64: equal input, equal output, and no pattern in between. */
u64 probe_mix(u64 value)
{
	value += 0x9e3779b97f4a7c15ULL;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
	return value ^ (value >> 31);
}

static u32 stir(u32 hash, u32 word, u32 factor)
{
	hash = (hash ^ word) * factor;
	return hash ^ hash >> 15;
}

/*
 * One number for all entries in their order, so that a list of a million can be compared without
 * being printed. Two chains of 32 bits, which whoever reads the list from outside may have to do
 * without 64-bit arithmetic.
 */
static u64 entries_hash(const struct probe_set *set)
{
	u32 first = 0, second = 0;

	for (u64 i = 0; i < set->record.count; i++) {
		u32 low = lower_32_bits(set->entries[i]), high = upper_32_bits(set->entries[i]);

		first = stir(stir(first, low, 0x85ebca6b), high, 0xc2b2ae35);
		second = stir(stir(second, high, 0x27d4eb2f), low, 0x165667b1);
	}
	return (u64)first << 32 | second;
}

void probe_report_set(struct probe_reply *reply, const struct probe_set *set)
{
	const struct probe_record *record = &set->record;
	const struct probe_outcome *outcome = &set->outcome;

	probe_say(reply, "set %s kind=%s state=%s entries=%llu pages=%llu seed=%llu hash=%#llx",
		  record->name, kinds[record->kind], states[set->state], record->count,
		  record->pages, record->seed, entries_hash(set));
	if (set->intact >= 0)
		probe_say(reply, " intact=%lld", set->intact);
	if (set->area)
		probe_say(reply, " area=%#lx area-before=%#llx", (unsigned long)set->area,
			  record->area_address);
	if (outcome->restored || outcome->lost)
		probe_say(reply,
			  " restored=%llu lost=%llu order-differs=%llu refcount-differs=%llu compound-differs=%llu same-kva=%llu managed=%lld",
			  outcome->restored, outcome->lost, outcome->order_differs,
			  outcome->refcount_differs, outcome->compound_differs,
			  outcome->same_address, outcome->managed_delta);
	probe_say(reply, "\n");
}

/*
 * What struct page says of each entry. An inherited page is not this kernel's yet, so only its
 * address is told.
 */
int probe_report_entries(struct probe_reply *reply, const struct probe_set *set, u64 from,
			 u64 count)
{
	u64 end = min(from + min_t(u64, count, PROBE_SHOW_MAX), set->record.count);

	if (from >= set->record.count)
		return probe_refuse(reply, -ERANGE, "%s has %llu entries", set->record.name,
				    set->record.count);
	for (u64 i = from; i < end; i++) {
		u64 entry = set->entries[i];
		struct page *page = PROBE_PAGE(entry);

		probe_say(reply, "entry %llu phys=%#llx order=%u", i, PROBE_PHYS(entry),
			  PROBE_ORDER(entry));
		if (set->state != PROBE_INHERITED)
			probe_say(reply, " kva=%#lx has-order=%u compound=%d refcount=%d node=%d",
				  (unsigned long)page_address(page), compound_order(page),
				  PageCompound(page) ? 1 : 0, page_ref_count(page),
				  page_to_nid(page));
		probe_say(reply, "\n");
	}
	return 0;
}
