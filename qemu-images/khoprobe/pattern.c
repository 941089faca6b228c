// SPDX-License-Identifier: GPL-2.0-only
/*
 * The content of a set: a function of its seed and of a page's place in the set, so that two
 * pages never look alike.
 */
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "khoprobe.h"

#define WORDS (PAGE_SIZE / sizeof(u64))

static u64 page_key(const struct probe_set *set, u64 index)
{
	return probe_mix(set->record.seed ^ probe_mix(index));
}

static void fill_page(struct page *page, u64 key)
{
	u64 *words = kmap_local_page(page);
	u64 step = key | 1;

	for (unsigned int i = 0; i < WORDS; i++, key += step)
		words[i] = key;
	kunmap_local(words);
}

static bool page_intact(struct page *page, u64 key)
{
	const u64 *words = kmap_local_page(page);
	u64 step = key | 1;
	u64 wrong = 0;

	for (unsigned int i = 0; i < WORDS; i++, key += step)
		wrong |= words[i] ^ key;
	kunmap_local(words);
	return !wrong;
}

static int each_page(struct probe_set *set, bool fill)
{
	u64 index = 0, intact = 0;

	for (u64 i = 0; i < set->record.count; i++) {
		struct page *page = PROBE_PAGE(set->entries[i]);
		unsigned long pages = 1UL << PROBE_ORDER(set->entries[i]);

		for (unsigned long j = 0; j < pages; j++, index++) {
			if (fill)
				fill_page(page + j, page_key(set, index));
			else
				intact += page_intact(page + j, page_key(set, index));
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	if (!fill)
		set->intact = intact;
	return 0;
}

int probe_fill(struct probe_set *set)
{
	return each_page(set, true);
}

int probe_verify(struct probe_set *set)
{
	return each_page(set, false);
}
