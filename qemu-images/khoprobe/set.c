// SPDX-License-Identifier: GPL-2.0-only
/* Sets of pages: allocating and giving back. */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "khoprobe.h"

/* Left to the rest of the guest, so that no request drives it into the OOM killer. */
#define SPARE_PAGES (16UL << (20 - PAGE_SHIFT))
/* A page that is not to be had at once is refused, not waited for. */
#define PROBE_GFP (__GFP_NORETRY | __GFP_NOWARN)

LIST_HEAD(probe_sets);

struct probe_set *probe_find(const char *name)
{
	struct probe_set *set;

	list_for_each_entry(set, &probe_sets, list)
		if (!strcmp(set->record.name, name))
			return set;
	return NULL;
}

struct probe_set *probe_new_set(const char *name)
{
	struct probe_set *set = kzalloc_obj(*set);

	if (!set)
		return NULL;
	strscpy(set->record.name, name, sizeof(set->record.name));
	set->intact = -1;
	INIT_LIST_HEAD(&set->list);
	return set;
}

void probe_forget(struct probe_set *set)
{
	list_del(&set->list);
	vfree(set->entries);
	kfree(set);
}

/* Gives back the pages of the first `count` entries. */
void probe_release_pages(struct probe_set *set, u64 count)
{
	switch (set->record.kind) {
	case PROBE_FOLIO:
		for (u64 i = 0; i < count; i++) {
			folio_put(page_folio(PROBE_PAGE(set->entries[i])));
			cond_resched();
		}
		break;
	case PROBE_CONTIGUOUS:
		for (u64 i = 0; i < count; i++) {
			__free_page(PROBE_PAGE(set->entries[i]));
			cond_resched();
		}
		break;
	case PROBE_VMALLOC:
		vfree(set->area);
		set->area = NULL;
		break;
	}
}

static int allocate_folios(struct probe_set *set, const struct probe_request *request)
{
	gfp_t gfp = (request->movable ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL) | PROBE_GFP;
	u64 done = 0;

	if (request->node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	for (unsigned int order = request->min_order; order <= request->max_order; order++) {
		for (unsigned long i = 0; i < request->count; i++) {
			struct folio *folio = NULL;

			if (!fatal_signal_pending(current))
				folio = __folio_alloc_node(gfp, order,
							   request->node == NUMA_NO_NODE ?
							   numa_node_id() : request->node);
			if (!folio) {
				probe_release_pages(set, done);
				return -ENOMEM;
			}
			set->entries[done++] = PFN_PHYS(folio_pfn(folio)) | order;
			cond_resched();
		}
	}
	return 0;
}

/*
 * Whole page blocks of one zone, so that nothing beside them is looked at when they are
 * isolated.
 */
static bool blocks_of_one_zone(unsigned long start, unsigned long count)
{
	struct page *first = pfn_to_online_page(start);

	if (!IS_ALIGNED(start | count, pageblock_nr_pages) || !first)
		return false;
	for (unsigned long pfn = start; pfn < start + count; pfn += pageblock_nr_pages) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != page_zone(first) ||
		    !zone_spans_pfn(page_zone(first), pfn) ||
		    !zone_spans_pfn(page_zone(first), pfn + pageblock_nr_pages - 1))
			return false;
	}
	return true;
}

/*
 * Takes a range where it lies, also inside scratch, which is CMA and has only pages that can
 * be moved away.
 */
static struct page *claim_range(const struct probe_request *request)
{
	unsigned long start = PHYS_PFN(request->at);

	if (!PAGE_ALIGNED(request->at) || !blocks_of_one_zone(start, request->count))
		return NULL;
	if (alloc_contig_range(start, start + request->count, ACR_FLAGS_CMA,
			       GFP_KERNEL | __GFP_NOWARN))
		return NULL;
	return pfn_to_page(start);
}

static int allocate_range(struct probe_set *set, const struct probe_request *request)
{
	int node = request->node == NUMA_NO_NODE ? numa_node_id() : request->node;
	struct page *page;

	if (request->at == PROBE_ANYWHERE)
		page = alloc_contig_pages(request->count, GFP_KERNEL | __GFP_NOWARN, node, NULL);
	else
		page = claim_range(request);
	if (!page)
		return -ENOMEM;
	for (unsigned long i = 0; i < request->count; i++)
		set->entries[i] = page_to_phys(page + i);
	return 0;
}

static int allocate_area(struct probe_set *set, const struct probe_request *request)
{
	unsigned long size = request->count << PAGE_SHIFT;

	if (request->huge)
		set->area = vmalloc_huge(size, GFP_KERNEL | PROBE_GFP);
	else if (request->node != NUMA_NO_NODE)
		set->area = vmalloc_node(size, request->node);
	else
		set->area = vmalloc(size);
	if (!set->area)
		return -ENOMEM;
	for (unsigned long i = 0; i < request->count; i++)
		set->entries[i] = page_to_phys(vmalloc_to_page(set->area + (i << PAGE_SHIFT)));
	set->record.area_address = (unsigned long)set->area;
	return 0;
}

static int allocate_pages(struct probe_set *set, const struct probe_request *request)
{
	switch (request->kind) {
	case PROBE_FOLIO:
		return allocate_folios(set, request);
	case PROBE_CONTIGUOUS:
		return allocate_range(set, request);
	case PROBE_VMALLOC:
		return allocate_area(set, request);
	default:
		return -EINVAL;
	}
}

static int check_request(const struct probe_request *request, u64 *entries, u64 *pages,
			 struct probe_reply *reply)
{
	bool folios = request->kind == PROBE_FOLIO;
	unsigned int orders = request->max_order - request->min_order + 1;

	if (!request->count || request->count > PROBE_MAX_PAGES)
		return probe_refuse(reply, -E2BIG, "a set has 1 to %lu pages", PROBE_MAX_PAGES);
	/*
	 * alloc_contig_pages() would look for less in the page block of page 0, which is in no
	 * zone: with CONFIG_DEBUG_VM get_pfnblock_migratetype() takes that for a bug, and
	 * dump_page() calls itself until the stack is full (7.3).
	 */
	if (request->kind == PROBE_CONTIGUOUS && request->count < pageblock_nr_pages)
		return probe_refuse(reply, -EINVAL, "a contiguous range has %lu pages or more",
				    pageblock_nr_pages);
	/* Without its checks KHO would hand over what the next kernel is loaded on top of. */
	if (request->at != PROBE_ANYWHERE && !IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG))
		return probe_refuse(reply, -EOPNOTSUPP,
				    "without KEXEC_HANDOVER_DEBUG no place can be given");
	*entries = folios ? (u64)request->count * orders : request->count;
	*pages = 0;
	if (!folios)
		*pages = request->count;
	else
		for (unsigned int order = request->min_order; order <= request->max_order; order++)
			*pages += (u64)request->count << order;
	if (*entries > PROBE_MAX_ENTRIES || *pages > PROBE_MAX_PAGES)
		return probe_refuse(reply, -E2BIG,
				    "%llu entries of %llu pages are more than %lu of %lu", *entries,
				    *pages, PROBE_MAX_ENTRIES, PROBE_MAX_PAGES);
	if (*pages + SPARE_PAGES > (u64)max(si_mem_available(), 0L))
		return probe_refuse(reply, -ENOMEM,
				    "%llu pages would leave the guest less than %lu", *pages,
				    SPARE_PAGES);
	return 0;
}

static unsigned int count_sets(void)
{
	return list_count_nodes(&probe_sets);
}

int probe_allocate(const struct probe_request *request, struct probe_reply *reply)
{
	struct probe_set *set;
	u64 entries, pages;
	int err;

	if (probe_find(request->name))
		return probe_refuse(reply, -EEXIST, "there is a set %s", request->name);
	if (count_sets() >= PROBE_MAX_SETS)
		return probe_refuse(reply, -ENOSPC, "there are %d sets", PROBE_MAX_SETS);
	err = check_request(request, &entries, &pages, reply);
	if (err)
		return err;
	set = probe_new_set(request->name);
	if (!set)
		return probe_refuse(reply, -ENOMEM, "no memory for a set");
	set->record.kind = request->kind;
	set->record.huge = request->huge;
	set->record.seed = request->seed;
	set->record.count = entries;
	set->record.pages = pages;
	set->entries = vmalloc(entries * sizeof(*set->entries));
	err = set->entries ? allocate_pages(set, request) : -ENOMEM;
	if (err) {
		probe_forget(set);
		return probe_refuse(reply, err, "no %llu pages for %s", pages, request->name);
	}
	list_add_tail(&set->list, &probe_sets);
	err = probe_fill(set);
	if (err)
		return probe_refuse(reply, err, "%s is not filled: interrupted", request->name);
	probe_report_set(reply, set);
	return 0;
}

int probe_free(struct probe_set *set, struct probe_reply *reply)
{
	if (set->state == PROBE_PRESERVED)
		return probe_refuse(reply, -EBUSY, "%s is preserved: unpreserve it first",
				    set->record.name);
	if (set->state == PROBE_INHERITED)
		return probe_refuse(reply, -EBUSY, "%s is not restored yet", set->record.name);
	probe_release_pages(set, set->record.count);
	probe_say(reply, "freed %s pages=%llu\n", set->record.name, set->record.pages);
	probe_forget(set);
	return 0;
}

/*
 * Before the module goes away: what is preserved or not restored stays where it is, the rest
 * is given back.
 */
void probe_free_all(void)
{
	struct probe_set *set, *next;

	list_for_each_entry_safe(set, next, &probe_sets, list) {
		if (set->state == PROBE_ALLOCATED || set->state == PROBE_RESTORED)
			probe_release_pages(set, set->record.count);
		probe_forget(set);
	}
}
