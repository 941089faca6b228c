// SPDX-License-Identifier: MIT
/*
 * khoprobe LINE...   gives each LINE to the kernel module khoprobe, which is loaded first where it is not yet.
 *
 * Of each line on stdout: `> LINE`, what the module answers, and `= ERRNO MILLISECONDS`, where ERRNO is 0 for success. A
 * line that fails does not end the others. LINE `wait MILLISECONDS` is kept here. Exit codes: 0; 2 usage; 3 there is no
 * module for this kernel, or it refused to load.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tools.h"

#define DEVICE "/dev/khoprobe"
#define MODULE "/lib/khoprobe/khoprobe.ko"

static int open_device(void)
{
	int module, fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	module = open(MODULE, O_RDONLY | O_CLOEXEC);
	if (module < 0) {
		fprintf(stderr, "khoprobe: %s: %s\n", MODULE, strerror(errno));
		return -1;
	}
	if (syscall(SYS_finit_module, module, "", 0) && errno != EEXIST) {
		fprintf(stderr, "khoprobe: loading %s: %s\n", MODULE, strerror(errno));
		close(module);
		return -1;
	}
	close(module);
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

static long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static int wait_ms(const char *amount)
{
	long ms = strtol(amount, NULL, 10);
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left))
		if (errno != EINTR)
			return errno;
	return 0;
}

static int give(int fd, const char *line)
{
	static char answer[65536];
	ssize_t length;
	int error = 0;

	if (write(fd, line, strlen(line)) < 0)
		error = errno;
	while ((length = read(fd, answer, sizeof(answer))) > 0)
		fwrite(answer, 1, (size_t)length, stdout);
	return error;
}

int khoprobe(int argc, char **argv)
{
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: khoprobe LINE...\n");
		return 2;
	}
	fd = open_device();
	if (fd < 0) {
		fprintf(stderr, "khoprobe: %s: %s\n", DEVICE, strerror(errno));
		return 3;
	}
	for (int i = 1; i < argc; i++) {
		long started = now();
		int error;

		printf("> %s\n", argv[i]);
		error = strncmp(argv[i], "wait ", 5) ? give(fd, argv[i]) : wait_ms(argv[i] + 5);
		printf("= %d %ld\n", error, now() - started);
		fflush(stdout);
	}
	close(fd);
	return 0;
}
