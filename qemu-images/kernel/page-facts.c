// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the fields of struct page lie that KHO writes. Compiled against the build tree together with khoprobe, and neither
 * linked nor run: the image builder reads the values from section .kho_lab.facts of the object file.
 */
#include <linux/mm_types.h>
#include <linux/pgtable.h>

struct fact {
	char name[56];
	u64 value;
};

#define FACT(id, number)                                                         \
	static const struct fact fact_##id __used __section(".kho_lab.facts") \
		__aligned(8) = { #id, (number) }

FACT(sizeofPage, sizeof(struct page));
FACT(offsetPrivate, offsetof(struct page, private));
FACT(offsetRefcount, offsetof(struct page, _refcount));
FACT(pagetableLevels, CONFIG_PGTABLE_LEVELS);
