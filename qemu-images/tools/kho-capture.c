// SPDX-License-Identifier: MIT
/*
 * kho-capture PATH...: writes files, and directories with all that is below them, to stdout as frames, so that a whole
 * observation is one command.
 *
 *   F <errno> <length> <path>\n  followed by <length> bytes
 *   D 0 0 <path>\n               a directory; its entries follow, sorted by name
 *
 * A path that cannot be read is a frame with its errno (a read that fails half way keeps the bytes before it). The
 * length is counted while reading: st_size of proc, sysfs and debugfs says nothing. Below a directory, symbolic
 * links and devices are left out; a device or fifo named on the command line is EINVAL, a link is ELOOP.
 * Exit code: 0, also when paths could not be read; 1 when stdout could not be written; 2 for no PATH.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"

static char *buffer;
static size_t capacity;

static void frame(char kind, int error, size_t length, const char *path)
{
	printf("%c %d %zu %s\n", kind, error, length, path);
	if (length)
		fwrite(buffer, 1, length, stdout);
}

/* Reads to the end of the file; returns 0 or the errno that ended it, and how much there is in buffer. */
static int read_all(int fd, size_t *length)
{
	*length = 0;
	for (;;) {
		if (capacity - *length < 65536) {
			size_t wanted = capacity ? capacity * 2 : 1 << 20;
			char *grown = realloc(buffer, wanted);

			if (!grown)
				return ENOMEM;
			buffer = grown;
			capacity = wanted;
		}
		ssize_t got = read(fd, buffer + *length, capacity - *length);

		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		*length += (size_t)got;
	}
}

static void capture_file(const char *path)
{
	size_t length = 0;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		frame('F', errno, 0, path);
		return;
	}
	int error = read_all(fd, &length);

	frame('F', error, length, path);
	close(fd);
}

static void capture(const char *path, int named);

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void capture_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, no_dots, by_name);

	if (count < 0) {
		frame('F', errno, 0, path);
		return;
	}
	frame('D', 0, 0, path);
	for (int i = 0; i < count; i++) {
		char *child;

		if (asprintf(&child, "%s/%s", path, entries[i]->d_name) >= 0) {
			capture(child, 0);
			free(child);
		}
		free(entries[i]);
	}
	free(entries);
}

static void capture(const char *path, int named)
{
	struct stat st;

	if (lstat(path, &st))
		frame('F', errno, 0, path);
	else if (S_ISDIR(st.st_mode))
		capture_directory(path);
	else if (S_ISREG(st.st_mode))
		capture_file(path);
	else if (named)
		frame('F', S_ISLNK(st.st_mode) ? ELOOP : EINVAL, 0, path);
}

int kho_capture(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: kho-capture PATH...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		capture(argv[i], 1);
	if (fflush(stdout) || ferror(stdout)) {
		perror("kho-capture: stdout");
		return 1;
	}
	return 0;
}
