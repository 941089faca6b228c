// SPDX-License-Identifier: GPL-2.0-only
/* The language: one line, one command. Words are separated by blanks; numbers are decimal. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/string.h>
#include "khoprobe.h"

#define MAX_WORDS 10
#define ALLOC_USAGE "alloc NAME folio ORDER COUNT, or alloc NAME contiguous|vmalloc PAGES"
#define CHURN_OPERATIONS_MAX 10000000UL

struct words {
	char *word[MAX_WORDS];
	unsigned int count;
};

static int split(char *line, struct words *words, struct probe_reply *reply)
{
	char *word;

	words->count = 0;
	for (char *c = line; *c; c++)
		if (!isascii(*c) || (!isprint(*c) && *c != '\t'))
			return probe_refuse(reply, -EINVAL, "a line is printable ASCII");
	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (words->count == MAX_WORDS)
			return probe_refuse(reply, -E2BIG, "a line has at most %d words",
					    MAX_WORDS);
		words->word[words->count++] = word;
	}
	if (!words->count)
		return probe_refuse(reply, -EINVAL, "the line is empty");
	return 0;
}

static bool name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= PROBE_NAME_SIZE || !islower(*name))
		return false;
	for (const char *c = name; *c; c++)
		if (!islower(*c) && !isdigit(*c) && *c != '-')
			return false;
	return true;
}

static int parse_number(const char *text, u64 max, u64 *value, struct probe_reply *reply)
{
	int err = kstrtou64(text, 10, value);

	if (err)
		return probe_refuse(reply, err, "not a number: %s", text);
	if (*value > max)
		return probe_refuse(reply, -ERANGE, "%s is more than %llu", text, max);
	return 0;
}

static int parse_address(const char *text, u64 *value, struct probe_reply *reply)
{
	int err = kstrtou64(text, 16, value);

	if (err)
		return probe_refuse(reply, err, "not an address: %s", text);
	if (*value >= 1ULL << MAX_PHYSMEM_BITS)
		return probe_refuse(reply, -ERANGE, "%s is no physical address", text);
	return 0;
}

static int parse_orders(char *text, struct probe_request *request, struct probe_reply *reply)
{
	char *last = strstr(text, "..");
	u64 from, to;
	int err;

	if (last) {
		*last = '\0';
		last += 2;
	}
	err = parse_number(text, MAX_PAGE_ORDER, &from, reply);
	if (!err)
		err = parse_number(last ?: text, MAX_PAGE_ORDER, &to, reply);
	if (err)
		return err;
	if (from > to)
		return probe_refuse(reply, -EINVAL, "orders go up");
	request->min_order = from;
	request->max_order = to;
	return 0;
}

static int parse_option(char *word, struct probe_request *request, struct probe_reply *reply)
{
	u64 value;
	int err;

	if (strstarts(word, "seed="))
		return parse_number(word + 5, U64_MAX, &request->seed, reply);
	if (strstarts(word, "node=")) {
		err = parse_number(word + 5, MAX_NUMNODES - 1, &value, reply);
		if (err)
			return err;
		if (!node_state(value, N_MEMORY))
			return probe_refuse(reply, -ENODEV, "there is no node %llu with memory",
					    value);
		request->node = value;
		return 0;
	}
	if (strstarts(word, "at=0x") && request->kind == PROBE_CONTIGUOUS)
		return parse_address(word + 3, &request->at, reply);
	if (!strcmp(word, "movable") && request->kind == PROBE_FOLIO)
		request->movable = true;
	else if (!strcmp(word, "huge") && request->kind == PROBE_VMALLOC)
		request->huge = true;
	else
		return probe_refuse(reply, -EINVAL, "unknown option %s", word);
	return 0;
}

/* alloc NAME folio ORDER[..ORDER] COUNT | alloc NAME contiguous|vmalloc PAGES; then options */
static int command_alloc(struct words *words, struct probe_reply *reply)
{
	struct probe_request request = { .node = NUMA_NO_NODE, .at = PROBE_ANYWHERE };
	unsigned int at = 3;
	u64 count;
	int err;

	if (words->count < 4)
		return probe_refuse(reply, -EINVAL, ALLOC_USAGE);
	request.name = words->word[1];
	if (!name_valid(request.name))
		return probe_refuse(reply, -EINVAL, "not a name: %s", request.name);
	if (!strcmp(words->word[2], "folio"))
		request.kind = PROBE_FOLIO;
	else if (!strcmp(words->word[2], "contiguous"))
		request.kind = PROBE_CONTIGUOUS;
	else if (!strcmp(words->word[2], "vmalloc"))
		request.kind = PROBE_VMALLOC;
	else
		return probe_refuse(reply, -EINVAL, "not a kind of set: %s", words->word[2]);
	if (request.kind == PROBE_FOLIO) {
		err = parse_orders(words->word[at++], &request, reply);
		if (err)
			return err;
		if (at == words->count)
			return probe_refuse(reply, -EINVAL, "how many folios of each order?");
	}
	err = parse_number(words->word[at++], PROBE_MAX_PAGES, &count, reply);
	while (!err && at < words->count)
		err = parse_option(words->word[at++], &request, reply);
	request.count = count;
	return err ?: probe_allocate(&request, reply);
}

/* churn OPERATIONS MAX-ORDER HOLD-PAGES SEED */
static int command_churn(struct words *words, struct probe_reply *reply)
{
	u64 value[4];
	const u64 limit[4] = { CHURN_OPERATIONS_MAX, MAX_PAGE_ORDER, PROBE_MAX_PAGES, U64_MAX };
	struct probe_churn churn;

	if (words->count != 5)
		return probe_refuse(reply, -EINVAL, "churn OPERATIONS MAX-ORDER HOLD-PAGES SEED");
	for (unsigned int i = 0; i < 4; i++) {
		int err = parse_number(words->word[i + 1], limit[i], &value[i], reply);

		if (err)
			return err;
	}
	churn = (struct probe_churn){
		.operations = value[0], .max_order = value[1], .hold = value[2], .seed = value[3],
	};
	if (churn.hold < 1UL << churn.max_order)
		return probe_refuse(reply, -EINVAL, "what is held must have room for one folio");
	if (churn.hold > (unsigned long)max(si_mem_available(), 0L) / 2)
		return probe_refuse(reply, -ENOMEM, "at most half of the free memory can be held");
	return probe_churn(&churn, reply);
}

static int command_show(struct probe_set *set, struct words *words, struct probe_reply *reply)
{
	u64 from = 0, count = PROBE_SHOW_MAX;
	int err = 0;

	if (words->count > 4)
		return probe_refuse(reply, -EINVAL, "show NAME [FROM [COUNT]]");
	if (words->count > 2)
		err = parse_number(words->word[2], PROBE_MAX_ENTRIES, &from, reply);
	if (!err && words->count > 3)
		err = parse_number(words->word[3], PROBE_SHOW_MAX, &count, reply);
	return err ?: probe_report_entries(reply, set, from, count);
}

static int command_verify(struct probe_set *set, struct probe_reply *reply)
{
	int err;

	if (set->state == PROBE_INHERITED)
		return probe_refuse(reply, -EBUSY, "%s is not restored yet", set->record.name);
	err = probe_verify(set);
	if (err)
		return probe_refuse(reply, err, "interrupted");
	probe_report_set(reply, set);
	return 0;
}

static int command_put(struct probe_set *set, struct probe_reply *reply)
{
	if (set->state != PROBE_RESTORED)
		return probe_refuse(reply, -EINVAL, "%s is not restored", set->record.name);
	return probe_free(set, reply);
}

/* kho_restore_folio NAME ENTRY | kho_preserve_pages or kho_unpreserve_pages NAME ENTRY ORDER */
static int command_call(struct probe_set *set, struct words *words, struct probe_reply *reply)
{
	struct probe_call call = { .function = words->word[0], .set = set };
	bool restore = !strcmp(call.function, "kho_restore_folio");
	u64 order = 0;
	int err;

	if (words->count != (restore ? 3 : 4))
		return probe_refuse(reply, -EINVAL, "%s NAME ENTRY%s", call.function,
				    restore ? "" : " ORDER");
	err = parse_number(words->word[2], PROBE_MAX_ENTRIES, &call.entry, reply);
	if (!err && !restore)
		err = parse_number(words->word[3], MAX_PAGE_ORDER, &order, reply);
	if (err)
		return err;
	call.order = order;
	if (restore)
		return probe_call_restore(&call, reply);
	if (!strcmp(call.function, "kho_preserve_pages"))
		return probe_call_preserve(&call, reply);
	return probe_call_unpreserve(&call, reply);
}

static bool is_call(const char *verb)
{
	return !strcmp(verb, "kho_restore_folio") || !strcmp(verb, "kho_preserve_pages") ||
	       !strcmp(verb, "kho_unpreserve_pages");
}

static int on_set(struct words *words, struct probe_reply *reply)
{
	const char *verb = words->word[0];
	struct probe_set *set;

	if (words->count < 2 || !name_valid(words->word[1]))
		return probe_refuse(reply, -EINVAL, "unknown command, or no name of a set: %s",
				    verb);
	set = probe_find(words->word[1]);
	if (!set)
		return probe_refuse(reply, -ENOENT, "there is no set %s", words->word[1]);
	if (!strcmp(verb, "show"))
		return command_show(set, words, reply);
	if (is_call(verb))
		return command_call(set, words, reply);
	if (words->count != 2)
		return probe_refuse(reply, -EINVAL, "%s takes one name", verb);
	if (!strcmp(verb, "preserve"))
		return probe_preserve(set, reply);
	if (!strcmp(verb, "unpreserve"))
		return probe_unpreserve(set, reply);
	if (!strcmp(verb, "free"))
		return probe_free(set, reply);
	if (!strcmp(verb, "restore"))
		return probe_restore(set, reply);
	if (!strcmp(verb, "verify"))
		return command_verify(set, reply);
	if (!strcmp(verb, "put"))
		return command_put(set, reply);
	return probe_refuse(reply, -EINVAL, "unknown command %s", verb);
}

static int command_list(struct probe_reply *reply)
{
	struct probe_set *set;

	probe_report_table(reply);
	list_for_each_entry(set, &probe_sets, list)
		probe_report_set(reply, set);
	return 0;
}

int probe_command(char *line, struct probe_reply *reply)
{
	struct words words;
	int err = split(line, &words, reply);

	if (err)
		return err;
	if (!strcmp(words.word[0], "alloc"))
		return command_alloc(&words, reply);
	if (!strcmp(words.word[0], "churn"))
		return command_churn(&words, reply);
	if (!strcmp(words.word[0], "list") && words.count == 1)
		return command_list(reply);
	return on_set(&words, reply);
}
