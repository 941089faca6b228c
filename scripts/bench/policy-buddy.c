/*
 * A plain buddy allocator to measure the page model against: the same arena, the same sequence of operations, one zone and one
 * type, free lists per order in arrays. Prints operations a second of processor time for each of RUNS.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ORDERS = 11, TOP = 10, SLOTS = 65536 };

static uint8_t *state; /* 0 inside a block, 1 + order free, 32 + order allocated */
static int32_t *next, *prev;
static int32_t head[ORDERS];

static void push(int32_t frame, int order)
{
	next[frame] = head[order];
	prev[frame] = -1;
	if (head[order] >= 0)
		prev[head[order]] = frame;
	head[order] = frame;
	state[frame] = (uint8_t)(1 + order);
}

static void take(int32_t frame, int order)
{
	if (prev[frame] >= 0)
		next[prev[frame]] = next[frame];
	else
		head[order] = next[frame];
	if (next[frame] >= 0)
		prev[next[frame]] = prev[frame];
	state[frame] = 0;
}

static int32_t allocate(int order)
{
	for (int at = order; at < ORDERS; at++) {
		int32_t frame = head[at];

		if (frame < 0)
			continue;
		take(frame, at);
		while (at > order)
			push(frame + (1 << --at), at);
		state[frame] = (uint8_t)(32 + order);
		return frame;
	}
	return -1;
}

static void release(int32_t frame)
{
	int order = state[frame] - 32;

	state[frame] = 0;
	for (; order < TOP; order++) {
		int32_t buddy = frame ^ (1 << order);

		if (state[buddy] != 1 + order)
			break;
		take(buddy, order);
		if (buddy < frame)
			frame = buddy;
	}
	push(frame, order);
}

int main(int argc, char **argv)
{
	long frames = argc > 1 ? atol(argv[1]) : 1 << 20;
	long operations = argc > 2 ? atol(argv[2]) : 4000000;
	int runs = argc > 3 ? atoi(argv[3]) : 5;
	static int32_t live[SLOTS];
	uint64_t random = 1;

	state = calloc((size_t)frames, 1);
	next = malloc((size_t)frames * sizeof(*next));
	prev = malloc((size_t)frames * sizeof(*prev));
	if (!state || !next || !prev)
		return 1;
	for (int order = 0; order < ORDERS; order++)
		head[order] = -1;
	for (long frame = frames - (1 << TOP); frame >= 0; frame -= 1 << TOP)
		push((int32_t)frame, TOP);
	for (int slot = 0; slot < SLOTS; slot++)
		live[slot] = -1;
	for (int run = 0; run < runs; run++) {
		struct timespec from, to;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (long done = 0; done < operations; done++) {
			random = random * 48271 % 2147483647;
			int slot = (int)(random % SLOTS);

			if (live[slot] >= 0) {
				release(live[slot]);
				live[slot] = -1;
			} else {
				live[slot] = allocate((int)(random % 4));
			}
		}
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		printf("%.0f\n", operations / ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9));
	}
	return 0;
}
