// SPDX-License-Identifier: MIT
/* Runs operations read from standard input on the kernel's own mm/memblock.c and prints the region lists after each. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/common.h"

/* Region arrays that outgrow their static place are copied to their physical address, so that address must exist. */
#define LOWEST 0x10000ul
#define HIGHEST (64ul << 30)

static void print_list(const struct memblock_type *type)
{
	for (unsigned long i = 0; i < type->cnt; i++)
		printf(" %llx+%llx/%x/%d", (unsigned long long)type->regions[i].base,
		       (unsigned long long)type->regions[i].size, (unsigned int)type->regions[i].flags,
		       memblock_get_region_node(&type->regions[i]));
}

static struct memblock_type *list_of(const char *name)
{
	return name[0] == 'm' ? &memblock.memory : &memblock.reserved;
}

int main(void)
{
	char op[32], list[16];
	unsigned long long a, b, c, d;
	long e, f;

	if (mmap((void *)LOWEST, HIGHEST - LOWEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != (void *)LOWEST)
		return 2;
	memblock_allow_resize();
	while (scanf("%31s %15s %llx %llx %llx %llx %ld %ld", op, list, &a, &b, &c, &d, &e, &f) == 8) {
		unsigned long long result = 0;

		if (!strcmp(op, "add"))
			result = memblock_add_node(a, b, e, c);
		else if (!strcmp(op, "reserve"))
			result = __memblock_reserve(a, b, e, c);
		else if (!strcmp(op, "remove"))
			result = memblock_remove(a, b);
		else if (!strcmp(op, "free"))
			result = memblock_phys_free(a, b);
		else if (!strcmp(op, "alloc"))
			result = memblock_alloc_range_nid(a, b, c, d, e, f);
		else if (!strcmp(op, "node"))
			result = memblock_set_node(a, b, list_of(list), e);
		else if (!strcmp(op, "noinit"))
			result = memblock_reserved_mark_noinit(a, b);
		else if (!strcmp(op, "nomap"))
			result = memblock_mark_nomap(a, b);
		else if (!strcmp(op, "hotplug"))
			result = memblock_mark_hotplug(a, b);
		else if (!strcmp(op, "scratch"))
			result = e ? memblock_mark_kho_scratch(a, b) : memblock_clear_kho_scratch(a, b);
		else if (!strcmp(op, "scratchonly"))
			e ? memblock_set_kho_scratch_only() : memblock_clear_kho_scratch_only();
		else if (!strcmp(op, "bottomup"))
			memblock_set_bottom_up(e);
		else if (!strcmp(op, "limit"))
			memblock_set_current_limit(a);
		else if (!strcmp(op, "kernsize"))
			result = memblock_reserved_kern_size(a, e);
		else
			return 3;
		printf("%llx %lu %lu m", result, memblock.memory.max, memblock.reserved.max);
		print_list(&memblock.memory);
		printf(" r");
		print_list(&memblock.reserved);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
