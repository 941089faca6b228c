// SPDX-License-Identifier: MIT
/*
 * luo hold OP...   performs the operations in order, says how each went, and stays in the background holding every session
 * luo take OP...   the same, and ends, which closes every session
 *
 *   create=NAME             a new session
 *   many=COUNT,PREFIX       COUNT new sessions, PREFIX0, PREFIX1 and so on; stops at the first that fails
 *   memfd=TOKEN,BYTES,SEED  a memfd filled with the pattern of SEED, preserved under TOKEN in the latest session
 *   retrieve=NAME           a session of the kernel before
 *   fetch=TOKEN,SEED        a memfd of the session retrieved last, compared with the pattern of SEED
 *   again=TOKEN             a memfd that was fetched, preserved once more, in the session created last
 *   finish                  LIVEUPDATE_SESSION_FINISH of the session that was retrieved last
 *
 * One line per operation on stdout: `OP ERRNO DETAIL`, where ERRNO is 0 for success. DETAIL of many is the number of
 * sessions made; of memfd the bytes; of fetch the bytes and the pages that hold what they should. An operation that fails
 * does not end the others. /dev/liveupdate is open only while operations run. Closing a session that was created gives up
 * what it preserves (luo_session_release(), 7.3), hence hold. Exit codes: 0; 2 usage; 3 /dev/liveupdate cannot be opened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"

#define PAGE 4096
#define NAME_LENGTH 64

/* include/uapi/linux/liveupdate.h, 7.3; written down here because the host that compiles this may have older headers. */
#define CREATE_SESSION	_IO(0xBA, 0x00)
#define RETRIEVE_SESSION _IO(0xBA, 0x01)
#define PRESERVE_FD	_IO(0xBA, 0x40)
#define RETRIEVE_FD	_IO(0xBA, 0x41)
#define FINISH		_IO(0xBA, 0x42)

struct session_arg {
	uint32_t size;
	int32_t fd;
	uint8_t name[NAME_LENGTH];
};
struct file_arg {
	uint32_t size;
	int32_t fd;
	uint64_t token;
};
struct finish_arg {
	uint32_t size;
	uint32_t reserved;
};

#define FETCHED_MAX 512

static int device, created = -1, retrieved = -1;
static struct {
	uint64_t token;
	int fd;
} fetched[FETCHED_MAX];
static int fetched_count;

static void say(const char *op, int error, const char *detail)
{
	printf("%s %d%s%s\n", op, error, *detail ? " " : "", detail);
}

/* Returns the fd or a negative errno. A name that does not fit is passed on without its end, for the kernel to refuse. */
static int session(unsigned long request, const char *name)
{
	struct session_arg arg = { .size = sizeof(arg) };
	size_t length = strlen(name);

	memcpy(arg.name, name, length < NAME_LENGTH ? length : NAME_LENGTH);
	return ioctl(device, request, &arg) ? -errno : arg.fd;
}

/* Word `index` of the file with this seed (the finalizer of MurmurHash3, which any host can repeat). */
static uint32_t pattern(uint32_t seed, uint32_t index)
{
	uint32_t x = seed ^ (index * 0x9e3779b9u);

	x = (x ^ (x >> 16)) * 0x85ebca6bu;
	x = (x ^ (x >> 13)) * 0xc2b2ae35u;
	return x ^ (x >> 16);
}

static uint32_t *map(int fd, uint64_t bytes, int protection)
{
	void *at = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int preserve(int fd, uint64_t token)
{
	struct file_arg arg = { .size = sizeof(arg), .fd = fd, .token = token };

	return ioctl(created, PRESERVE_FD, &arg) ? errno : 0;
}

static int make_memfd(uint64_t token, uint64_t bytes, uint32_t seed)
{
	int error, fd = memfd_create("luo", MFD_CLOEXEC);
	uint32_t *words;

	if (fd < 0)
		return errno;
	if (ftruncate(fd, (off_t)bytes) || !(words = map(fd, bytes, PROT_READ | PROT_WRITE))) {
		error = errno;
		close(fd);
		return error;
	}
	for (uint64_t index = 0; index < bytes / 4; index++)
		words[index] = pattern(seed, (uint32_t)index);
	munmap(words, bytes);
	error = preserve(fd, token);
	close(fd);
	return error;
}

static int fetch(uint64_t token, uint32_t seed, char *detail, size_t room)
{
	struct file_arg arg = { .size = sizeof(arg), .token = token };
	uint64_t intact = 0, bytes;
	struct stat st;
	uint32_t *words;

	if (fetched_count == FETCHED_MAX)
		return ENFILE;
	if (ioctl(retrieved, RETRIEVE_FD, &arg))
		return errno;
	fetched[fetched_count].token = token;
	fetched[fetched_count++].fd = arg.fd;
	if (fstat(arg.fd, &st))
		return errno;
	bytes = (uint64_t)st.st_size;
	words = map(arg.fd, bytes, PROT_READ);
	if (!words)
		return errno;
	for (uint64_t page = 0; page < bytes / PAGE; page++) {
		uint64_t index = page * (PAGE / 4), end = index + PAGE / 4;

		while (index < end && words[index] == pattern(seed, (uint32_t)index))
			index++;
		intact += index == end;
	}
	munmap(words, bytes);
	snprintf(detail, room, "%" PRIu64 " %" PRIu64, bytes, intact);
	return 0;
}

static int preserve_again(uint64_t token)
{
	for (int i = 0; i < fetched_count; i++)
		if (fetched[i].token == token)
			return preserve(fetched[i].fd, token);
	return ENOENT;
}

static int create_many(uint64_t count, const char *prefix, char *detail, size_t room)
{
	uint64_t made;
	int fd = 0;

	for (made = 0; made < count; made++) {
		char name[2 * NAME_LENGTH];

		snprintf(name, sizeof(name), "%s%" PRIu64, prefix, made);
		fd = session(CREATE_SESSION, name);
		if (fd < 0)
			break;
		created = fd;
	}
	snprintf(detail, room, "%" PRIu64, made);
	return made < count ? -fd : 0;
}

/* Returns the errno of an operation, or -1 when it is none. */
static int perform(const char *op, char *detail, size_t room)
{
	struct finish_arg end = { .size = sizeof(end) };
	uint64_t token, bytes;
	uint32_t seed;
	char text[NAME_LENGTH];

	if (!strncmp(op, "create=", 7)) {
		int fd = session(CREATE_SESSION, op + 7);

		if (fd < 0)
			return -fd;
		created = fd;
		return 0;
	}
	if (!strncmp(op, "retrieve=", 9)) {
		int fd = session(RETRIEVE_SESSION, op + 9);

		if (fd < 0)
			return -fd;
		retrieved = fd;
		return 0;
	}
	if (sscanf(op, "many=%" SCNu64 ",%40[^,]", &bytes, text) == 2)
		return create_many(bytes, text, detail, room);
	if (sscanf(op, "memfd=%" SCNu64 ",%" SCNu64 ",%" SCNu32, &token, &bytes, &seed) == 3) {
		snprintf(detail, room, "%" PRIu64, bytes);
		return make_memfd(token, bytes, seed);
	}
	if (sscanf(op, "fetch=%" SCNu64 ",%" SCNu32, &token, &seed) == 2)
		return fetch(token, seed, detail, room);
	if (sscanf(op, "again=%" SCNu64, &token) == 1)
		return preserve_again(token);
	if (!strcmp(op, "finish"))
		return ioctl(retrieved, FINISH, &end) ? errno : 0;
	return -1;
}

static int usage(void)
{
	fprintf(stderr, "usage: luo hold|take OP...\n"
		"OP: create=NAME many=COUNT,PREFIX memfd=TOKEN,BYTES,SEED retrieve=NAME fetch=TOKEN,SEED again=TOKEN finish\n");
	return 2;
}

int luo(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	int hold = argc > 1 && !strcmp(argv[1], "hold");

	if (argc < 3 || (!hold && strcmp(argv[1], "take")))
		return usage();
	/* Some thousand sessions are some thousand open files. */
	if (setrlimit(RLIMIT_NOFILE, &files))
		fprintf(stderr, "luo: setrlimit: %s\n", strerror(errno));
	device = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		fprintf(stderr, "luo: /dev/liveupdate: %s (%d)\n", strerror(errno), errno);
		return 3;
	}
	for (int i = 2; i < argc; i++) {
		char detail[64] = "";
		int error = perform(argv[i], detail, sizeof(detail));

		if (error < 0) {
			fprintf(stderr, "luo: no operation: %s\n", argv[i]);
			return usage();
		}
		say(argv[i], error, detail);
	}
	close(device);
	fflush(stdout);
	if (hold && daemon(0, 0)) {
		perror("luo: daemon");
		return 4;
	}
	while (hold)
		pause();
	return 0;
}
