// SPDX-License-Identifier: MIT
/*
 * kexec-load KERNEL INITRD CMDLINE
 * kexec-load KERNEL INITRD @FILE      the command line is the content of FILE, without a newline at its end
 *
 * Loads the next kernel with kexec_file_load(2), the only way of loading that takes part in kexec handover, with
 * KEXEC_FILE_DEBUG, so that the kernel log lists every segment. Exit codes: 0 loaded; 2 usage; 3 a file could not be
 * read; 4 the kernel refused, the reason is on stderr as text and number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools.h"

#define LOAD_DEBUG 0x8UL	/* KEXEC_FILE_DEBUG, include/uapi/linux/kexec.h */
#define CMDLINE_MAX 65536

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "kexec-load: %s: %s (%d)\n", path, strerror(errno), errno);
	return fd;
}

static int read_cmdline(const char *path, char *line)
{
	size_t length = 0;
	int fd = open_file(path);

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t got = read(fd, line + length, CMDLINE_MAX - 1 - length);

		if (got < 0) {
			fprintf(stderr, "kexec-load: %s: %s (%d)\n", path, strerror(errno), errno);
			close(fd);
			return -1;
		}
		if (got == 0)
			break;
		length += (size_t)got;
	}
	close(fd);
	while (length && line[length - 1] == '\n')
		length--;
	line[length] = 0;
	return 0;
}

int kexec_load(int argc, char **argv)
{
	static char from_file[CMDLINE_MAX];
	const char *cmdline;
	int kernel, initrd;

	if (argc != 4) {
		fprintf(stderr, "usage: kexec-load KERNEL INITRD CMDLINE|@FILE\n");
		return 2;
	}
	cmdline = argv[3];
	if (*cmdline == '@') {
		if (read_cmdline(cmdline + 1, from_file))
			return 3;
		cmdline = from_file;
	}
	kernel = open_file(argv[1]);
	initrd = open_file(argv[2]);
	if (kernel < 0 || initrd < 0)
		return 3;
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline, LOAD_DEBUG)) {
		fprintf(stderr, "kexec_file_load: %s (%d)\n", strerror(errno), errno);
		return 4;
	}
	return 0;
}
