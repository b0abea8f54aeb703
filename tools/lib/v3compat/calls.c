// SPDX-License-Identifier: GPL-2.0
/*
 * v3compat_*(): one ioctl each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <v3compat/v3compat.h>

static __u64 to_u64(const void *pointer)
{
	return (uintptr_t)pointer;
}

/*
 * run_command() gives @result what the command @arg, whose own result is @from, has to say. A
 * refusal that has no reason of the interface leaves zeroes there.
 */
static int run_command(int fd, unsigned long request, void *arg,
		       const struct v3compat_result *from, struct v3compat_result *result)
{
	int ret = ioctl(fd, request, arg);

	if (result)
		*result = *from;
	return ret;
}

#define RUN(fd, command, arg, result) \
	run_command(fd, V3COMPAT_IOCTL_##command, &(arg), &(arg).result, result)

int v3compat_open(void)
{
	return open("/dev/v3compat", O_RDWR | O_CLOEXEC);
}

int v3compat_info(int fd, struct v3compat_info *info)
{
	struct v3compat_info arg = { .size = sizeof(arg) };

	if (ioctl(fd, V3COMPAT_IOCTL_INFO, &arg))
		return -1;
	*info = arg;
	return 0;
}

int v3compat_destroy(int fd, __u32 object, struct v3compat_result *result)
{
	struct v3compat_destroy arg = { .size = sizeof(arg), .object = object };

	return RUN(fd, DESTROY, arg, result);
}

int v3compat_domain_create(int fd, __u32 type, __u32 address_width,
			   const struct v3compat_region *regions, __u32 nr_regions, __u32 *domain,
			   struct v3compat_result *result)
{
	struct v3compat_domain_create arg = {
		.size = sizeof(arg),
		.type = type,
		.address_width = address_width,
		.regions = to_u64(regions),
		.nr_regions = nr_regions,
	};
	int ret = RUN(fd, DOMAIN_CREATE, arg, result);

	if (!ret)
		*domain = arg.out_domain;
	return ret;
}

int v3compat_domain_query(int fd, __u32 domain, struct v3compat_domain_query *query,
			  struct v3compat_result *result)
{
	struct v3compat_domain_query arg = {
		.size = sizeof(arg),
		.domain = domain,
		.ranges = query->ranges,
		.max_ranges = query->max_ranges,
	};
	int ret = RUN(fd, DOMAIN_QUERY, arg, result);

	if (!ret)
		*query = arg;
	return ret;
}

int v3compat_domain_configure(int fd, const struct v3compat_domain_configure *tables,
			      struct v3compat_result *result)
{
	struct v3compat_domain_configure arg = *tables;

	arg.size = sizeof(arg);
	arg.result = (struct v3compat_result) { .out_status = 0 };
	return RUN(fd, DOMAIN_CONFIGURE, arg, result);
}

int v3compat_domain_flush(int fd, __u32 domain, const __u64 *list, __u32 count,
			  struct v3compat_result *result)
{
	struct v3compat_domain_flush arg = {
		.size = sizeof(arg),
		.domain = domain,
		.list = to_u64(list),
		.count = count,
	};

	return RUN(fd, DOMAIN_FLUSH, arg, result);
}

/* fill_name() writes the name of a device; false with errno where it is too long for any. */
static int fill_name(struct v3compat_device_name *to, const char *bus, const char *name)
{
	if (strlen(bus) >= sizeof(to->bus) || strlen(name) >= sizeof(to->name)) {
		errno = ENODEV;
		return 0;
	}
	memcpy(to->bus, bus, strlen(bus));
	memcpy(to->name, name, strlen(name));
	return 1;
}

/* refuse_name() is what the kernel would say to a name that does not fit. */
static int refuse_name(struct v3compat_result *result)
{
	if (result)
		*result = (struct v3compat_result) {
			.out_status = 0xc00000efu, /* STATUS_INVALID_PARAMETER_1 */
			.out_reason = V3COMPAT_REASON_NO_SUCH_DEVICE,
			.out_parameter = V3COMPAT_PARAM_DEVICE,
		};
	return -1;
}

int v3compat_device_create(int fd, const char *bus, const char *name, __u32 flags, __u32 *device,
			   struct v3compat_result *result)
{
	struct v3compat_device_create arg = { .size = sizeof(arg), .flags = flags };
	int ret;

	if (!fill_name(&arg.name, bus, name))
		return refuse_name(result);
	ret = RUN(fd, DEVICE_CREATE, arg, result);
	if (!ret)
		*device = arg.out_device;
	return ret;
}

int v3compat_device_query(int fd, __u32 device, struct v3compat_device_query *query,
			  struct v3compat_result *result)
{
	struct v3compat_device_query arg = { .size = sizeof(arg), .device = device };
	int ret = RUN(fd, DEVICE_QUERY, arg, result);

	if (!ret)
		*query = arg;
	return ret;
}

int v3compat_device_query_name(int fd, const char *bus, const char *name,
			       struct v3compat_device_query *query, struct v3compat_result *result)
{
	struct v3compat_device_query arg = { .size = sizeof(arg) };
	int ret;

	if (!fill_name(&arg.name, bus, name))
		return refuse_name(result);
	ret = RUN(fd, DEVICE_QUERY, arg, result);
	if (!ret)
		*query = arg;
	return ret;
}

int v3compat_device_open(int fd, __u32 device, struct v3compat_result *result)
{
	struct v3compat_device_open arg = { .size = sizeof(arg), .device = device };

	return RUN(fd, DEVICE_OPEN, arg, result) ? -1 : arg.out_fd;
}

int v3compat_input_mappings(int fd, __u32 device, __u32 *ids, __u32 max_ids, __u32 *count,
			    struct v3compat_result *result)
{
	struct v3compat_input_mappings arg = {
		.size = sizeof(arg), .device = device, .ids = to_u64(ids), .max_ids = max_ids,
	};
	int ret = RUN(fd, INPUT_MAPPINGS, arg, result);

	if (!ret)
		*count = arg.out_ids;
	return ret;
}

int v3compat_pasid_create(int fd, __u32 device, __u32 flags, __u32 *pasid, __u32 *number,
			  struct v3compat_result *result)
{
	struct v3compat_pasid_create arg = {
		.size = sizeof(arg), .flags = flags, .device = device,
	};
	int ret = RUN(fd, PASID_CREATE, arg, result);

	if (!ret) {
		*pasid = arg.out_pasid;
		*number = arg.out_number;
	}
	return ret;
}

int v3compat_attach(int fd, __u32 domain, __u32 object, struct v3compat_result *result)
{
	struct v3compat_attach arg = { .size = sizeof(arg), .domain = domain, .object = object };

	return RUN(fd, ATTACH, arg, result);
}

int v3compat_detach(int fd, __u32 object, struct v3compat_result *result)
{
	struct v3compat_attach arg = { .size = sizeof(arg), .object = object };

	return RUN(fd, DETACH, arg, result);
}

int v3compat_memory_create(int fd, const struct v3compat_source *source, __u32 flags,
			   __u32 *memory, struct v3compat_result *result)
{
	struct v3compat_memory_create arg = {
		.size = sizeof(arg), .flags = flags, .source = *source,
	};
	int ret = RUN(fd, MEMORY_CREATE, arg, result);

	if (!ret)
		*memory = arg.out_memory;
	return ret;
}

int v3compat_map(int fd, __u32 object, __u32 flags, __u32 permissions,
		 const struct v3compat_source *source, __u64 *address, __u64 min, __u64 max,
		 struct v3compat_result *result)
{
	struct v3compat_map arg = {
		.size = sizeof(arg),
		.flags = flags,
		.object = object,
		.permissions = permissions,
		.source = *source,
		.address = *address,
		.min = min,
		.max = max,
	};
	int ret = RUN(fd, MAP, arg, result);

	if (!ret)
		*address = arg.address;
	return ret;
}

int v3compat_unmap(int fd, __u32 object, __u64 address, __u64 length,
		   struct v3compat_result *result)
{
	struct v3compat_unmap arg = {
		.size = sizeof(arg), .object = object, .address = address, .length = length,
	};

	return RUN(fd, UNMAP, arg, result);
}

int v3compat_reserve(int fd, __u32 domain, __u32 flags, __u64 length, __u64 *address, __u64 min,
		     __u64 max, __u32 *reservation, struct v3compat_result *result)
{
	struct v3compat_reserve arg = {
		.size = sizeof(arg),
		.flags = flags,
		.domain = domain,
		.length = length,
		.address = *address,
		.min = min,
		.max = max,
	};
	int ret = RUN(fd, RESERVE, arg, result);

	if (!ret) {
		*address = arg.address;
		*reservation = arg.out_reservation;
	}
	return ret;
}

static int run_identity(int fd, unsigned long request, __u32 domain, __u32 permissions,
			__u64 start, __u64 length, struct v3compat_result *result)
{
	struct v3compat_identity arg = {
		.size = sizeof(arg),
		.domain = domain,
		.permissions = permissions,
		.source = {
			.type = V3COMPAT_SOURCE_PHYSICAL, .start = start, .length = length,
		},
	};

	return run_command(fd, request, &arg, &arg.result, result);
}

int v3compat_map_identity(int fd, __u32 domain, __u32 permissions, __u64 start, __u64 length,
			  struct v3compat_result *result)
{
	return run_identity(fd, V3COMPAT_IOCTL_MAP_IDENTITY, domain, permissions, start, length,
			    result);
}

int v3compat_unmap_identity(int fd, __u32 domain, __u64 start, __u64 length,
			    struct v3compat_result *result)
{
	return run_identity(fd, V3COMPAT_IOCTL_UNMAP_IDENTITY, domain, 0, start, length, result);
}

int v3compat_batch(int fd, struct v3compat_batch_entry *entries, __u32 count,
		   struct v3compat_result *result)
{
	struct v3compat_batch arg = {
		.size = sizeof(arg),
		.entries = to_u64(entries),
		.count = count,
		.entry_size = sizeof(*entries),
	};

	return RUN(fd, BATCH, arg, result);
}

int v3compat_events_open(int fd, __u32 device, __u32 mask, __u32 capacity, __u32 answer_ms,
			 struct v3compat_result *result)
{
	struct v3compat_events_open arg = {
		.size = sizeof(arg),
		.device = device,
		.mask = mask,
		.capacity = capacity,
		.answer_ms = answer_ms,
	};

	return RUN(fd, EVENTS_OPEN, arg, result) ? -1 : arg.out_fd;
}

int v3compat_page_response(int fd, __u32 device, __u64 cookie, __u32 code,
			   struct v3compat_result *result)
{
	struct v3compat_page_response arg = {
		.size = sizeof(arg), .device = device, .cookie = cookie, .code = code,
	};

	return RUN(fd, PAGE_RESPONSE, arg, result);
}

int v3compat_guard_query(int fd, __u32 *policy, __u32 *locked, struct v3compat_result *result)
{
	struct v3compat_guard_state arg = { .size = sizeof(arg) };
	int ret = RUN(fd, GUARD_QUERY, arg, result);

	if (!ret) {
		*policy = arg.policy;
		*locked = arg.locked;
	}
	return ret;
}

int v3compat_guard_set(int fd, __u32 flags, __u32 policy, __u32 locked,
		       struct v3compat_result *result)
{
	struct v3compat_guard_state arg = {
		.size = sizeof(arg), .flags = flags, .policy = policy, .locked = locked,
	};

	return RUN(fd, GUARD_SET, arg, result);
}

int v3compat_region_query(int device_fd, __u32 index, struct v3compat_region_query *query,
			  struct v3compat_result *result)
{
	struct v3compat_region_query arg = { .size = sizeof(arg), .index = index };
	int ret = RUN(device_fd, REGION_QUERY, arg, result);

	if (!ret)
		*query = arg;
	return ret;
}

int v3compat_interrupt_query(int device_fd, __u32 type, __u32 *count, __u32 *flags,
			     struct v3compat_result *result)
{
	struct v3compat_interrupt_query arg = { .size = sizeof(arg), .type = type };
	int ret = RUN(device_fd, INTERRUPT_QUERY, arg, result);

	if (!ret) {
		*count = arg.out_count;
		*flags = arg.out_flags;
	}
	return ret;
}

int v3compat_interrupt_set(int device_fd, __u32 type, const __s32 *fds, __u32 count,
			   struct v3compat_result *result)
{
	struct v3compat_interrupt_set arg = {
		.size = sizeof(arg), .type = type, .count = count, .fds = to_u64(fds),
	};

	return RUN(device_fd, INTERRUPT_SET, arg, result);
}

int v3compat_interrupt_unmask(int device_fd, __u32 type, __u32 count,
			      struct v3compat_result *result)
{
	struct v3compat_interrupt_set arg = {
		.size = sizeof(arg),
		.flags = V3COMPAT_INTERRUPT_UNMASK,
		.type = type,
		.count = count,
	};

	return RUN(device_fd, INTERRUPT_SET, arg, result);
}

int v3compat_reset(int device_fd, struct v3compat_result *result)
{
	struct v3compat_reset arg = { .size = sizeof(arg) };

	return RUN(device_fd, RESET, arg, result);
}
