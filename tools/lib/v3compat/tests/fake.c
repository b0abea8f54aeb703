// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fake.h"

char fake_log[8192];
unsigned int fake_refuse_map;
__u32 fake_types = 1 << V3COMPAT_DOMAIN_TRANSLATE;
int fake_untagged;
int fake_events = -1;
__u32 fake_mask;

static unsigned int maps;
static __u32 handles;

static __printf(1, 2) void write_down(const char *format, ...)
{
	size_t length = strlen(fake_log);
	va_list args;

	va_start(args, format);
	vsnprintf(fake_log + length, sizeof(fake_log) - length, format, args);
	va_end(args);
}

/* Handles begin with 1 again, so that a test can say which ones it expects. */
void fake_reset(void)
{
	fake_log[0] = '\0';
	fake_refuse_map = 0;
	maps = 0;
	handles = 0;
}

void fake_push(const struct v3compat_event *event)
{
	if (write(fake_events, event, sizeof(*event)) != sizeof(*event))
		perror("fake_push");
}

static int refuse(struct v3compat_result *result, __u32 reason, __u32 param, int err)
{
	*result = (struct v3compat_result) {
		.out_status = 0xc0000708, .out_reason = reason, .out_parameter = param,
	};
	errno = err;
	return -1;
}

static int run_map(struct v3compat_map *arg, struct v3compat_result *result)
{
	maps++;
	if (maps == fake_refuse_map)
		return refuse(result, V3COMPAT_REASON_OVERLAP, V3COMPAT_PARAM_ADDRESS, EEXIST);
	if (arg->source.type == V3COMPAT_SOURCE_USER)
		write_down("map:%u@%llx+%llx=user ", arg->object,
			   (unsigned long long)arg->address,
			   (unsigned long long)arg->source.length);
	else
		write_down("map:%u@%llx+%llx=%u:%u:%llx ", arg->object,
			   (unsigned long long)arg->address,
			   (unsigned long long)arg->source.length, arg->source.type,
			   arg->source.object, (unsigned long long)arg->source.start);
	return 0;
}

static int run_unmap(struct v3compat_unmap *arg)
{
	write_down("unmap:%u@%llx+%llx ", arg->object, (unsigned long long)arg->address,
		   (unsigned long long)arg->length);
	return 0;
}

static int run_batch(struct v3compat_batch *arg)
{
	struct v3compat_batch_entry *entry = (void *)(unsigned long)arg->entries;
	__u32 i;

	for (i = 0; i < arg->count; i++, entry++) {
		int ret = entry->command == V3COMPAT_CMD_MAP ? run_map(&entry->map, &arg->result) :
							       run_unmap(&entry->unmap);

		if (ret)
			return i ? (int)i : -1;
	}
	return arg->count;
}

static int create_device(struct v3compat_device_create *arg)
{
	if (fake_untagged && arg->flags & V3COMPAT_DEVICE_TAGGED)
		return refuse(&arg->result, V3COMPAT_REASON_BAD_CONFIG, V3COMPAT_PARAM_CONFIG,
			      EINVAL);
	arg->out_device = ++handles;
	write_down("device:%u:%s ", arg->flags, (const char *)arg->name.name);
	return 0;
}

static int open_events(struct v3compat_events_open *arg)
{
	struct v3compat_event event = { .type = V3COMPAT_EVENT_STATE, .value = fake_types };
	int ends[2];

	if (pipe(ends))
		return -1;
	if (fake_events >= 0)
		close(fake_events);
	fake_events = ends[1];
	fake_mask = arg->mask;
	arg->out_fd = ends[0];
	if (arg->mask & 1 << V3COMPAT_EVENT_STATE)
		fake_push(&event);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	(void)fd;
	switch (request) {
	case V3COMPAT_IOCTL_DOMAIN_CREATE:
		((struct v3compat_domain_create *)arg)->out_domain = ++handles;
		write_down("domain:%u ", handles);
		return 0;
	case V3COMPAT_IOCTL_DOMAIN_CONFIGURE:
		write_down("configure:%u:%u:%llx ",
			   ((struct v3compat_domain_configure *)arg)->memory,
			   ((struct v3compat_domain_configure *)arg)->format,
			   (unsigned long long)((struct v3compat_domain_configure *)arg)->root);
		return 0;
	case V3COMPAT_IOCTL_DOMAIN_FLUSH:
		write_down("flush:%u ", ((struct v3compat_domain_flush *)arg)->count);
		return 0;
	case V3COMPAT_IOCTL_DEVICE_CREATE:
		return create_device(arg);
	case V3COMPAT_IOCTL_DEVICE_QUERY:
		((struct v3compat_device_query *)arg)->out_types = fake_types;
		return 0;
	case V3COMPAT_IOCTL_PASID_CREATE:
		((struct v3compat_pasid_create *)arg)->out_pasid = ++handles;
		((struct v3compat_pasid_create *)arg)->out_number = 5;
		write_down("pasid:%u ", handles);
		return 0;
	case V3COMPAT_IOCTL_MEMORY_CREATE:
		((struct v3compat_memory_create *)arg)->out_memory = ++handles;
		write_down("memory:%u:%u ", handles, ((struct v3compat_memory_create *)arg)->flags);
		return 0;
	case V3COMPAT_IOCTL_RESERVE:
		((struct v3compat_reserve *)arg)->out_reservation = ++handles;
		((struct v3compat_reserve *)arg)->address = 0x100000;
		write_down("reserve:%u+%llx ", handles,
			   (unsigned long long)((struct v3compat_reserve *)arg)->length);
		return 0;
	case V3COMPAT_IOCTL_DESTROY:
		write_down("destroy:%u ", ((struct v3compat_destroy *)arg)->object);
		return 0;
	case V3COMPAT_IOCTL_ATTACH:
		write_down("attach:%u:%u ", ((struct v3compat_attach *)arg)->domain,
			   ((struct v3compat_attach *)arg)->object);
		return 0;
	case V3COMPAT_IOCTL_DETACH:
		write_down("detach:%u ", ((struct v3compat_attach *)arg)->object);
		return 0;
	case V3COMPAT_IOCTL_MAP:
		if (run_map(arg, &((struct v3compat_map *)arg)->result))
			return -1;
		if (!(((struct v3compat_map *)arg)->flags & V3COMPAT_MAP_FIXED))
			((struct v3compat_map *)arg)->address = 0x200000;
		return 0;
	case V3COMPAT_IOCTL_UNMAP:
		return run_unmap(arg);
	case V3COMPAT_IOCTL_MAP_IDENTITY:
		write_down("identity ");
		return 0;
	case V3COMPAT_IOCTL_BATCH:
		return run_batch(arg);
	case V3COMPAT_IOCTL_EVENTS_OPEN:
		return open_events(arg);
	case V3COMPAT_IOCTL_PAGE_RESPONSE:
		write_down("answer:%llu:%u ",
			   (unsigned long long)((struct v3compat_page_response *)arg)->cookie,
			   ((struct v3compat_page_response *)arg)->code);
		return 0;
	}
	errno = ENOTTY;
	return -1;
}
