// SPDX-License-Identifier: MIT
/*
 * lab-idle: what process 1 becomes when the guest is up. Reaps orphans, and turns the machine off when the power button
 * is pressed (QMP system_powerdown) or when busybox's poweroff, reboot or halt signal it. The button is heard on the
 * kernel's "acpi_event" generic netlink family, which needs no input device support in the kernel.
 */
#define _GNU_SOURCE
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools.h"

/* drivers/acpi/event.c */
#define ACPI_FAMILY "acpi_event"
#define ACPI_EVENT_ATTR 1
#define POWER_BUTTON "button/power"

static void on_signal(int signal)
{
	sync();
	reboot(signal == SIGTERM ? RB_AUTOBOOT : signal == SIGUSR1 ? RB_HALT_SYSTEM : RB_POWER_OFF);
}

/* Finds attribute `type` in a run of attributes. */
static const struct nlattr *attribute(const void *start, size_t length, int type)
{
	const char *at = start;

	while (length >= NLA_HDRLEN) {
		const struct nlattr *attr = (const void *)at;
		size_t step = NLA_ALIGN(attr->nla_len);

		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > length)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		if (step >= length)
			return NULL;
		at += step;
		length -= step;
	}
	return NULL;
}

#define PAYLOAD(attr) ((const char *)(attr) + NLA_HDRLEN)
#define PAYLOAD_LENGTH(attr) ((size_t)(attr)->nla_len - NLA_HDRLEN)

/* The attributes of a generic netlink message in `buffer`. */
static const struct nlattr *find(const char *buffer, ssize_t got, int type)
{
	const struct nlmsghdr *header = (const void *)buffer;

	if (got < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN) || header->nlmsg_len > (size_t)got || header->nlmsg_type == NLMSG_ERROR)
		return NULL;
	return attribute(buffer + NLMSG_HDRLEN + GENL_HDRLEN, header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, type);
}

/* Asks for the family's first multicast group; returns its number or -1. */
static int acpi_group(int fd, char *buffer, size_t size)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[12];
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_len = NLA_HDRLEN + sizeof(ACPI_FAMILY), .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = ACPI_FAMILY,
	};
	const struct nlattr *groups, *group, *id;

	if (send(fd, &request, sizeof(request), 0) < 0)
		return -1;
	groups = find(buffer, recv(fd, buffer, size, 0), CTRL_ATTR_MCAST_GROUPS);
	group = groups ? attribute(PAYLOAD(groups), PAYLOAD_LENGTH(groups), 1) : NULL;
	id = group ? attribute(PAYLOAD(group), PAYLOAD_LENGTH(group), CTRL_ATTR_MCAST_GRP_ID) : NULL;
	if (!id || PAYLOAD_LENGTH(id) != sizeof(int))
		return -1;
	int number;

	memcpy(&number, PAYLOAD(id), sizeof(number));
	return number;
}

static int listen_for_button(char *buffer, size_t size)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	int group = acpi_group(fd, buffer, size);

	if (group < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return -1;
	return fd;
}

int lab_idle(int argc, char **argv)
{
	static char buffer[8192] __attribute__((aligned(8)));
	const struct nlattr *event;

	(void)argc;
	(void)argv;
	signal(SIGCHLD, SIG_IGN);	/* the kernel then reaps every child, adopted ones too */
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGTERM, on_signal);
	int fd = listen_for_button(buffer, sizeof(buffer));

	while (fd >= 0) {
		event = find(buffer, recv(fd, buffer, sizeof(buffer), 0), ACPI_EVENT_ATTR);
		if (event && PAYLOAD_LENGTH(event) >= sizeof(POWER_BUTTON) && !memcmp(PAYLOAD(event), POWER_BUTTON, sizeof(POWER_BUTTON) - 1))
			on_signal(SIGUSR2);
	}
	for (;;)
		pause();
}
