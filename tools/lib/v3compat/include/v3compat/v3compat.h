/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The commands of /dev/v3compat as C calls. <linux/v3compat.h> describes each of them.
 *
 * Unless said otherwise a call returns 0, or -1 with errno. @result may be NULL; otherwise it is
 * filled with the reason of a refusal, or with zeroes. Outputs are written on success only. All
 * calls may be made by several threads at once.
 */
#ifndef V3COMPAT_V3COMPAT_H
#define V3COMPAT_V3COMPAT_H

#include <stddef.h>

#include <linux/v3compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens /dev/v3compat. Returns a descriptor that exec closes. */
int v3compat_open(void);

/*
 * Writes @result as a sentence, of at most @size bytes with the 0 at the end. Returns the length
 * that it has without that 0, as snprintf() does.
 */
int v3compat_result_sentence(const struct v3compat_result *result, char *text, size_t size);

/* Name of a reason and of a parameter, and what the reason means; NULL of a number not known. */
const char *v3compat_reason_name(__u32 reason);
const char *v3compat_reason_text(__u32 reason);
const char *v3compat_param_name(__u32 param);

int v3compat_info(int fd, struct v3compat_info *info);
int v3compat_destroy(int fd, __u32 object, struct v3compat_result *result);

int v3compat_domain_create(int fd, __u32 type, __u32 address_width,
			   const struct v3compat_region *regions, __u32 nr_regions, __u32 *domain,
			   struct v3compat_result *result);
/* @query->ranges and @query->max_ranges say where ranges go, all the rest of it is written. */
int v3compat_domain_query(int fd, __u32 domain, struct v3compat_domain_query *query,
			  struct v3compat_result *result);
/* @tables says all of it, but for its size and its result. */
int v3compat_domain_configure(int fd, const struct v3compat_domain_configure *tables,
			      struct v3compat_result *result);
int v3compat_domain_flush(int fd, __u32 domain, const __u64 *list, __u32 count,
			  struct v3compat_result *result);

int v3compat_device_create(int fd, const char *bus, const char *name, __u32 flags, __u32 *device,
			   struct v3compat_result *result);
int v3compat_device_query(int fd, __u32 device, struct v3compat_device_query *query,
			  struct v3compat_result *result);
/* Who is in the way of a v3compat_device_create(). */
int v3compat_device_query_name(int fd, const char *bus, const char *name,
			       struct v3compat_device_query *query, struct v3compat_result *result);
/* Returns the descriptor. */
int v3compat_device_open(int fd, __u32 device, struct v3compat_result *result);
/* @count is written with how many there are; @ids only where there is room for all. */
int v3compat_input_mappings(int fd, __u32 device, __u32 *ids, __u32 max_ids, __u32 *count,
			    struct v3compat_result *result);
int v3compat_pasid_create(int fd, __u32 device, __u32 flags, __u32 *pasid, __u32 *number,
			  struct v3compat_result *result);
int v3compat_attach(int fd, __u32 domain, __u32 object, struct v3compat_result *result);
int v3compat_detach(int fd, __u32 object, struct v3compat_result *result);

int v3compat_memory_create(int fd, const struct v3compat_source *source, __u32 flags,
			   __u32 *memory, struct v3compat_result *result);
/* @address: as of struct v3compat_map, read and written. */
int v3compat_map(int fd, __u32 object, __u32 flags, __u32 permissions,
		 const struct v3compat_source *source, __u64 *address, __u64 min, __u64 max,
		 struct v3compat_result *result);
int v3compat_unmap(int fd, __u32 object, __u64 address, __u64 length,
		   struct v3compat_result *result);
/* @address: as of struct v3compat_reserve, read and written. */
int v3compat_reserve(int fd, __u32 domain, __u32 flags, __u64 length, __u64 *address, __u64 min,
		     __u64 max, __u32 *reservation, struct v3compat_result *result);
int v3compat_map_identity(int fd, __u32 domain, __u32 permissions, __u64 start, __u64 length,
			  struct v3compat_result *result);
int v3compat_unmap_identity(int fd, __u32 domain, __u64 start, __u64 length,
			    struct v3compat_result *result);
/* Returns how many entries were done; where these are not all, @result says why. */
int v3compat_batch(int fd, struct v3compat_batch_entry *entries, __u32 count,
		   struct v3compat_result *result);

/* Returns the descriptor, for read() of struct v3compat_event. */
int v3compat_events_open(int fd, __u32 device, __u32 mask, __u32 capacity, __u32 answer_ms,
			 struct v3compat_result *result);
int v3compat_page_response(int fd, __u32 device, __u64 cookie, __u32 code,
			   struct v3compat_result *result);

int v3compat_guard_query(int fd, __u32 *policy, __u32 *locked, struct v3compat_result *result);
int v3compat_guard_set(int fd, __u32 flags, __u32 policy, __u32 locked,
		       struct v3compat_result *result);

/* Of the descriptor that v3compat_device_open() returns: */
int v3compat_region_query(int device_fd, __u32 index, struct v3compat_region_query *query,
			  struct v3compat_result *result);
int v3compat_interrupt_query(int device_fd, __u32 type, __u32 *count, __u32 *flags,
			     struct v3compat_result *result);
int v3compat_interrupt_set(int device_fd, __u32 type, const __s32 *fds, __u32 count,
			   struct v3compat_result *result);
int v3compat_interrupt_unmask(int device_fd, __u32 type, __u32 count,
			      struct v3compat_result *result);
int v3compat_reset(int device_fd, struct v3compat_result *result);

#ifdef __cplusplus
}
#endif

#endif /* V3COMPAT_V3COMPAT_H */
