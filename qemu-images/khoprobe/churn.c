// SPDX-License-Identifier: GPL-2.0-only
/* Time passes: folios come and go at random, and are written to, until all are given back. */
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>
#include "khoprobe.h"

struct churn_state {
	struct folio **held;
	unsigned long nr_held;
	unsigned long pages;
	u64 random;
	u64 allocated, freed, failed;
};

static u64 next_random(struct churn_state *state)
{
	return state->random = probe_mix(state->random);
}

static void free_one(struct churn_state *state)
{
	unsigned long victim = next_random(state) % state->nr_held;
	struct folio *folio = state->held[victim];

	state->pages -= folio_nr_pages(folio);
	folio_put(folio);
	state->held[victim] = state->held[--state->nr_held];
	state->freed++;
}

static void allocate_one(struct churn_state *state, const struct probe_churn *churn)
{
	unsigned int order = next_random(state) % (churn->max_order + 1);
	bool movable = next_random(state) & 1;
	gfp_t gfp = movable ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL;
	struct folio *folio = folio_alloc(gfp | __GFP_NORETRY | __GFP_NOWARN, order);

	if (!folio) {
		state->failed++;
		return;
	}
	for (unsigned long i = 0; i < folio_nr_pages(folio); i++)
		*(u64 *)page_address(folio_page(folio, i)) = state->random;
	state->held[state->nr_held++] = folio;
	state->pages += folio_nr_pages(folio);
	state->allocated++;
}

int probe_churn(const struct probe_churn *churn, struct probe_reply *reply)
{
	struct churn_state state = { .random = churn->seed };
	unsigned long done;

	state.held = vmalloc(churn->hold * sizeof(*state.held));
	if (!state.held)
		return probe_refuse(reply, -ENOMEM, "no memory to hold %lu folios", churn->hold);
	for (done = 0; done < churn->operations && !fatal_signal_pending(current); done++) {
		bool full = state.pages + (1UL << churn->max_order) > churn->hold;

		if (state.nr_held && (full || next_random(&state) % 2))
			free_one(&state);
		else if (!full)
			allocate_one(&state, churn);
		cond_resched();
	}
	while (state.nr_held)
		free_one(&state);
	vfree(state.held);
	probe_say(reply, "churned operations=%lu allocated=%llu freed=%llu failed=%llu\n", done,
		  state.allocated, state.freed, state.failed);
	return 0;
}
