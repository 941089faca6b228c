// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "tools.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} tools[] = {
	{ "kho-capture", kho_capture },
	{ "kexec-load", kexec_load },
	{ "lab-idle", lab_idle },
	{ "khoprobe", khoprobe },
	{ "luo", luo },
};

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!strcmp(name, tools[i].name))
			return tools[i].run(argc, argv);
	fprintf(stderr, "%s: no such tool\n", name);
	return 127;
}
