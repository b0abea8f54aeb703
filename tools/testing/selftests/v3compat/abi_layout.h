/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ABI of /dev/v3compat as it was published: what stands here may be added to, and never
 * changes, because programs that were built before go on. What includes this does not compile
 * otherwise, be it for 64 or for 32 bits.
 */
#ifndef V3COMPAT_SELFTEST_ABI_LAYOUT_H
#define V3COMPAT_SELFTEST_ABI_LAYOUT_H

#include <stddef.h>

#include <linux/v3compat.h>

#define SIZE(type, size_) \
	_Static_assert(sizeof(struct type) == (size_), "size of " #type)
#define FIELD(type, member, offset, size_) \
	_Static_assert(offsetof(struct type, member) == (offset) && \
		       sizeof(((struct type *)0)->member) == (size_), \
		       "place of " #type "." #member)
#define NUMBER(name, value) \
	_Static_assert((name) == (value), "value of " #name)

SIZE(v3compat_result, 40);
FIELD(v3compat_result, out_status, 0, 4);
FIELD(v3compat_result, out_reason, 4, 4);
FIELD(v3compat_result, out_parameter, 8, 4);
FIELD(v3compat_result, out_object, 12, 4);
FIELD(v3compat_result, out_first, 16, 8);
FIELD(v3compat_result, out_last, 24, 8);
FIELD(v3compat_result, __reserved, 32, 8);

SIZE(v3compat_source, 40);
FIELD(v3compat_source, type, 0, 4);
FIELD(v3compat_source, object, 4, 4);
FIELD(v3compat_source, start, 8, 8);
FIELD(v3compat_source, length, 16, 8);
FIELD(v3compat_source, __reserved, 24, 16);

SIZE(v3compat_limit, 16);
FIELD(v3compat_limit, max, 0, 8);
FIELD(v3compat_limit, used, 8, 8);

SIZE(v3compat_info, 168);
FIELD(v3compat_info, size, 0, 4);
FIELD(v3compat_info, flags, 4, 4);
FIELD(v3compat_info, out_version, 8, 4);
FIELD(v3compat_info, out_max_entries, 12, 4);
FIELD(v3compat_info, out_max_regions, 16, 4);
FIELD(v3compat_info, out_max_flush, 20, 4);
FIELD(v3compat_info, out_objects, 24, 16);
FIELD(v3compat_info, out_pasids, 40, 16);
FIELD(v3compat_info, out_mapped, 56, 16);
FIELD(v3compat_info, out_reservation, 72, 16);
FIELD(v3compat_info, out_reserved, 88, 16);
FIELD(v3compat_info, out_events, 104, 16);
FIELD(v3compat_info, out_user_objects, 120, 16);
FIELD(v3compat_info, out_user_reserved, 136, 16);
FIELD(v3compat_info, out_pinned, 152, 16);

SIZE(v3compat_destroy, 48);
FIELD(v3compat_destroy, size, 0, 4);
FIELD(v3compat_destroy, object, 4, 4);
FIELD(v3compat_destroy, result, 8, 40);

SIZE(v3compat_region, 24);
FIELD(v3compat_region, base, 0, 8);
FIELD(v3compat_region, length, 8, 8);
FIELD(v3compat_region, flags, 16, 4);
FIELD(v3compat_region, __reserved, 20, 4);

SIZE(v3compat_domain_create, 72);
FIELD(v3compat_domain_create, size, 0, 4);
FIELD(v3compat_domain_create, flags, 4, 4);
FIELD(v3compat_domain_create, type, 8, 4);
FIELD(v3compat_domain_create, address_width, 12, 4);
FIELD(v3compat_domain_create, regions, 16, 8);
FIELD(v3compat_domain_create, nr_regions, 24, 4);
FIELD(v3compat_domain_create, out_domain, 28, 4);
FIELD(v3compat_domain_create, result, 32, 40);

SIZE(v3compat_domain_query, 96);
FIELD(v3compat_domain_query, size, 0, 4);
FIELD(v3compat_domain_query, domain, 4, 4);
FIELD(v3compat_domain_query, out_type, 8, 4);
FIELD(v3compat_domain_query, out_flags, 12, 4);
FIELD(v3compat_domain_query, out_last, 16, 8);
FIELD(v3compat_domain_query, out_page_sizes, 24, 8);
FIELD(v3compat_domain_query, out_alignment, 32, 8);
FIELD(v3compat_domain_query, ranges, 40, 8);
FIELD(v3compat_domain_query, max_ranges, 48, 4);
FIELD(v3compat_domain_query, out_ranges, 52, 4);
FIELD(v3compat_domain_query, result, 56, 40);

SIZE(v3compat_domain_configure, 80);
FIELD(v3compat_domain_configure, size, 0, 4);
FIELD(v3compat_domain_configure, domain, 4, 4);
FIELD(v3compat_domain_configure, memory, 8, 4);
FIELD(v3compat_domain_configure, format, 12, 4);
FIELD(v3compat_domain_configure, root, 16, 8);
FIELD(v3compat_domain_configure, root_high, 24, 8);
FIELD(v3compat_domain_configure, width, 32, 4);
FIELD(v3compat_domain_configure, width_high, 36, 4);
FIELD(v3compat_domain_configure, result, 40, 40);

SIZE(v3compat_domain_flush, 64);
FIELD(v3compat_domain_flush, size, 0, 4);
FIELD(v3compat_domain_flush, domain, 4, 4);
FIELD(v3compat_domain_flush, list, 8, 8);
FIELD(v3compat_domain_flush, count, 16, 4);
FIELD(v3compat_domain_flush, __reserved, 20, 4);
FIELD(v3compat_domain_flush, result, 24, 40);

SIZE(v3compat_memory_create, 96);
FIELD(v3compat_memory_create, size, 0, 4);
FIELD(v3compat_memory_create, flags, 4, 4);
FIELD(v3compat_memory_create, source, 8, 40);
FIELD(v3compat_memory_create, out_memory, 48, 4);
FIELD(v3compat_memory_create, __reserved, 52, 4);
FIELD(v3compat_memory_create, result, 56, 40);

SIZE(v3compat_map, 120);
FIELD(v3compat_map, size, 0, 4);
FIELD(v3compat_map, flags, 4, 4);
FIELD(v3compat_map, object, 8, 4);
FIELD(v3compat_map, permissions, 12, 4);
FIELD(v3compat_map, source, 16, 40);
FIELD(v3compat_map, address, 56, 8);
FIELD(v3compat_map, min, 64, 8);
FIELD(v3compat_map, max, 72, 8);
FIELD(v3compat_map, result, 80, 40);

SIZE(v3compat_unmap, 72);
FIELD(v3compat_unmap, size, 0, 4);
FIELD(v3compat_unmap, flags, 4, 4);
FIELD(v3compat_unmap, object, 8, 4);
FIELD(v3compat_unmap, __reserved, 12, 4);
FIELD(v3compat_unmap, address, 16, 8);
FIELD(v3compat_unmap, length, 24, 8);
FIELD(v3compat_unmap, result, 32, 40);

SIZE(v3compat_reserve, 88);
FIELD(v3compat_reserve, size, 0, 4);
FIELD(v3compat_reserve, flags, 4, 4);
FIELD(v3compat_reserve, domain, 8, 4);
FIELD(v3compat_reserve, out_reservation, 12, 4);
FIELD(v3compat_reserve, length, 16, 8);
FIELD(v3compat_reserve, address, 24, 8);
FIELD(v3compat_reserve, min, 32, 8);
FIELD(v3compat_reserve, max, 40, 8);
FIELD(v3compat_reserve, result, 48, 40);

SIZE(v3compat_identity, 96);
FIELD(v3compat_identity, size, 0, 4);
FIELD(v3compat_identity, flags, 4, 4);
FIELD(v3compat_identity, domain, 8, 4);
FIELD(v3compat_identity, permissions, 12, 4);
FIELD(v3compat_identity, source, 16, 40);
FIELD(v3compat_identity, result, 56, 40);

SIZE(v3compat_batch_entry, 128);
FIELD(v3compat_batch_entry, command, 0, 4);
FIELD(v3compat_batch_entry, __reserved, 4, 4);
FIELD(v3compat_batch_entry, map, 8, 120);
FIELD(v3compat_batch_entry, unmap, 8, 72);

SIZE(v3compat_batch, 64);
FIELD(v3compat_batch, size, 0, 4);
FIELD(v3compat_batch, flags, 4, 4);
FIELD(v3compat_batch, entries, 8, 8);
FIELD(v3compat_batch, count, 16, 4);
FIELD(v3compat_batch, entry_size, 20, 4);
FIELD(v3compat_batch, result, 24, 40);

SIZE(v3compat_device_name, 80);
FIELD(v3compat_device_name, bus, 0, 16);
FIELD(v3compat_device_name, name, 16, 64);

SIZE(v3compat_device_create, 136);
FIELD(v3compat_device_create, size, 0, 4);
FIELD(v3compat_device_create, flags, 4, 4);
FIELD(v3compat_device_create, name, 8, 80);
FIELD(v3compat_device_create, out_device, 88, 4);
FIELD(v3compat_device_create, __reserved, 92, 4);
FIELD(v3compat_device_create, result, 96, 40);

SIZE(v3compat_device_query, 256);
FIELD(v3compat_device_query, size, 0, 4);
FIELD(v3compat_device_query, device, 4, 4);
FIELD(v3compat_device_query, name, 8, 80);
FIELD(v3compat_device_query, out_flags, 88, 4);
FIELD(v3compat_device_query, out_types, 92, 4);
FIELD(v3compat_device_query, out_pasid_types, 96, 4);
FIELD(v3compat_device_query, out_max_pasids, 100, 4);
FIELD(v3compat_device_query, out_input_mapping, 104, 4);
FIELD(v3compat_device_query, out_blocker_reason, 108, 4);
FIELD(v3compat_device_query, out_faults_lost, 112, 8);
FIELD(v3compat_device_query, out_iommu, 120, 32);
FIELD(v3compat_device_query, out_blocker, 152, 64);
FIELD(v3compat_device_query, result, 216, 40);

SIZE(v3compat_input_mappings, 64);
FIELD(v3compat_input_mappings, size, 0, 4);
FIELD(v3compat_input_mappings, device, 4, 4);
FIELD(v3compat_input_mappings, ids, 8, 8);
FIELD(v3compat_input_mappings, max_ids, 16, 4);
FIELD(v3compat_input_mappings, out_ids, 20, 4);
FIELD(v3compat_input_mappings, result, 24, 40);

SIZE(v3compat_pasid_create, 64);
FIELD(v3compat_pasid_create, size, 0, 4);
FIELD(v3compat_pasid_create, flags, 4, 4);
FIELD(v3compat_pasid_create, device, 8, 4);
FIELD(v3compat_pasid_create, out_pasid, 12, 4);
FIELD(v3compat_pasid_create, out_number, 16, 4);
FIELD(v3compat_pasid_create, __reserved, 20, 4);
FIELD(v3compat_pasid_create, result, 24, 40);

SIZE(v3compat_attach, 56);
FIELD(v3compat_attach, size, 0, 4);
FIELD(v3compat_attach, flags, 4, 4);
FIELD(v3compat_attach, domain, 8, 4);
FIELD(v3compat_attach, object, 12, 4);
FIELD(v3compat_attach, result, 16, 40);

SIZE(v3compat_device_open, 56);
FIELD(v3compat_device_open, size, 0, 4);
FIELD(v3compat_device_open, flags, 4, 4);
FIELD(v3compat_device_open, device, 8, 4);
FIELD(v3compat_device_open, out_fd, 12, 4);
FIELD(v3compat_device_open, result, 16, 40);

SIZE(v3compat_region_query, 88);
FIELD(v3compat_region_query, size, 0, 4);
FIELD(v3compat_region_query, index, 4, 4);
FIELD(v3compat_region_query, out_flags, 8, 4);
FIELD(v3compat_region_query, out_regions, 12, 4);
FIELD(v3compat_region_query, out_length, 16, 8);
FIELD(v3compat_region_query, out_offset, 24, 8);
FIELD(v3compat_region_query, out_hole, 32, 8);
FIELD(v3compat_region_query, out_hole_length, 40, 8);
FIELD(v3compat_region_query, result, 48, 40);

SIZE(v3compat_interrupt_query, 56);
FIELD(v3compat_interrupt_query, size, 0, 4);
FIELD(v3compat_interrupt_query, type, 4, 4);
FIELD(v3compat_interrupt_query, out_count, 8, 4);
FIELD(v3compat_interrupt_query, out_flags, 12, 4);
FIELD(v3compat_interrupt_query, result, 16, 40);

SIZE(v3compat_interrupt_set, 64);
FIELD(v3compat_interrupt_set, size, 0, 4);
FIELD(v3compat_interrupt_set, flags, 4, 4);
FIELD(v3compat_interrupt_set, type, 8, 4);
FIELD(v3compat_interrupt_set, count, 12, 4);
FIELD(v3compat_interrupt_set, fds, 16, 8);
FIELD(v3compat_interrupt_set, result, 24, 40);

SIZE(v3compat_reset, 48);
FIELD(v3compat_reset, size, 0, 4);
FIELD(v3compat_reset, flags, 4, 4);
FIELD(v3compat_reset, result, 8, 40);

SIZE(v3compat_events_open, 72);
FIELD(v3compat_events_open, size, 0, 4);
FIELD(v3compat_events_open, flags, 4, 4);
FIELD(v3compat_events_open, device, 8, 4);
FIELD(v3compat_events_open, mask, 12, 4);
FIELD(v3compat_events_open, capacity, 16, 4);
FIELD(v3compat_events_open, answer_ms, 20, 4);
FIELD(v3compat_events_open, out_fd, 24, 4);
FIELD(v3compat_events_open, __reserved, 28, 4);
FIELD(v3compat_events_open, result, 32, 40);

SIZE(v3compat_event, 64);
FIELD(v3compat_event, type, 0, 4);
FIELD(v3compat_event, device, 4, 4);
FIELD(v3compat_event, domain, 8, 4);
FIELD(v3compat_event, pasid, 12, 4);
FIELD(v3compat_event, reason, 16, 4);
FIELD(v3compat_event, permissions, 20, 4);
FIELD(v3compat_event, address, 24, 8);
FIELD(v3compat_event, time_ns, 32, 8);
FIELD(v3compat_event, value, 40, 8);
FIELD(v3compat_event, cookie, 48, 8);
FIELD(v3compat_event, flags, 56, 4);
FIELD(v3compat_event, __reserved, 60, 4);

SIZE(v3compat_page_response, 64);
FIELD(v3compat_page_response, size, 0, 4);
FIELD(v3compat_page_response, device, 4, 4);
FIELD(v3compat_page_response, cookie, 8, 8);
FIELD(v3compat_page_response, code, 16, 4);
FIELD(v3compat_page_response, __reserved, 20, 4);
FIELD(v3compat_page_response, result, 24, 40);

SIZE(v3compat_guard_state, 56);
FIELD(v3compat_guard_state, size, 0, 4);
FIELD(v3compat_guard_state, flags, 4, 4);
FIELD(v3compat_guard_state, policy, 8, 4);
FIELD(v3compat_guard_state, locked, 12, 4);
FIELD(v3compat_guard_state, result, 16, 40);

NUMBER(V3COMPAT_CMD_INFO, 0x0);
NUMBER(V3COMPAT_CMD_DESTROY, 0x1);
NUMBER(V3COMPAT_CMD_DOMAIN_CREATE, 0x2);
NUMBER(V3COMPAT_CMD_DOMAIN_QUERY, 0x3);
NUMBER(V3COMPAT_CMD_DOMAIN_CONFIGURE, 0x4);
NUMBER(V3COMPAT_CMD_DOMAIN_FLUSH, 0x5);
NUMBER(V3COMPAT_CMD_DEVICE_CREATE, 0x6);
NUMBER(V3COMPAT_CMD_DEVICE_QUERY, 0x7);
NUMBER(V3COMPAT_CMD_DEVICE_OPEN, 0x8);
NUMBER(V3COMPAT_CMD_INPUT_MAPPINGS, 0x9);
NUMBER(V3COMPAT_CMD_PASID_CREATE, 0xa);
NUMBER(V3COMPAT_CMD_ATTACH, 0xb);
NUMBER(V3COMPAT_CMD_DETACH, 0xc);
NUMBER(V3COMPAT_CMD_MEMORY_CREATE, 0xd);
NUMBER(V3COMPAT_CMD_MAP, 0xe);
NUMBER(V3COMPAT_CMD_UNMAP, 0xf);
NUMBER(V3COMPAT_CMD_RESERVE, 0x10);
NUMBER(V3COMPAT_CMD_MAP_IDENTITY, 0x11);
NUMBER(V3COMPAT_CMD_UNMAP_IDENTITY, 0x12);
NUMBER(V3COMPAT_CMD_BATCH, 0x13);
NUMBER(V3COMPAT_CMD_EVENTS_OPEN, 0x14);
NUMBER(V3COMPAT_CMD_PAGE_RESPONSE, 0x15);
NUMBER(V3COMPAT_CMD_GUARD_QUERY, 0x16);
NUMBER(V3COMPAT_CMD_GUARD_SET, 0x17);
NUMBER(V3COMPAT_CMD_REGION_QUERY, 0x80);
NUMBER(V3COMPAT_CMD_INTERRUPT_QUERY, 0x81);
NUMBER(V3COMPAT_CMD_INTERRUPT_SET, 0x82);
NUMBER(V3COMPAT_CMD_RESET, 0x83);
NUMBER(V3COMPAT_SOURCE_USER, 0x0);
NUMBER(V3COMPAT_SOURCE_MEMORY, 0x1);
NUMBER(V3COMPAT_SOURCE_MEMFD, 0x2);
NUMBER(V3COMPAT_SOURCE_PHYSICAL, 0x3);
NUMBER(V3COMPAT_SOURCE_IOAS, 0x4);
NUMBER(V3COMPAT_SOURCE_DMABUF, 0x5);
NUMBER(V3COMPAT_DOMAIN_TRANSLATE, 0x0);
NUMBER(V3COMPAT_DOMAIN_PASSTHROUGH, 0x1);
NUMBER(V3COMPAT_DOMAIN_UNMANAGED, 0x2);
NUMBER(V3COMPAT_DOMAIN_TRANSLATE_S1, 0x3);
NUMBER(V3COMPAT_TABLES_X64, 0x0);
NUMBER(V3COMPAT_TABLES_ARM64, 0x1);
NUMBER(V3COMPAT_TABLES_IDENTITY, 0x2);
NUMBER(V3COMPAT_INTERRUPT_INTX, 0x0);
NUMBER(V3COMPAT_INTERRUPT_MSI, 0x1);
NUMBER(V3COMPAT_INTERRUPT_MSIX, 0x2);
NUMBER(V3COMPAT_INTERRUPT_WIRED, 0x3);
NUMBER(V3COMPAT_EVENT_LOST, 0x0);
NUMBER(V3COMPAT_EVENT_STATE, 0x1);
NUMBER(V3COMPAT_EVENT_FAULT, 0x2);
NUMBER(V3COMPAT_EVENT_PAGE_REQUEST, 0x3);
NUMBER(V3COMPAT_EVENT_APERTURE, 0x4);
NUMBER(V3COMPAT_EVENT_DEVICE_GONE, 0x5);
NUMBER(V3COMPAT_EVENT_REVOKED, 0x6);
NUMBER(V3COMPAT_PAGE_RETRY, 0x0);
NUMBER(V3COMPAT_PAGE_REFUSE, 0x1);
NUMBER(V3COMPAT_GUARD_POLICY_OFF, 0x0);
NUMBER(V3COMPAT_GUARD_POLICY_EXTERNAL, 0x1);
NUMBER(V3COMPAT_GUARD_POLICY_ALL, 0x2);
NUMBER(V3COMPAT_READ, 0x1);
NUMBER(V3COMPAT_WRITE, 0x2);
NUMBER(V3COMPAT_REGION_MAP, 0x1);
NUMBER(V3COMPAT_DOMAIN_SETTLED, 0x1);
NUMBER(V3COMPAT_MEMORY_READ_ONLY, 0x1);
NUMBER(V3COMPAT_MAP_FIXED, 0x1);
NUMBER(V3COMPAT_MAP_MIN, 0x2);
NUMBER(V3COMPAT_MAP_MAX, 0x4);
NUMBER(V3COMPAT_DEVICE_TAGGED, 0x1);
NUMBER(V3COMPAT_DEVICE_SUPPRESS_FAULTS, 0x2);
NUMBER(V3COMPAT_DEVICE_GONE, 0x1);
NUMBER(V3COMPAT_DEVICE_ATTACHED, 0x2);
NUMBER(V3COMPAT_DEVICE_SVA, 0x4);
NUMBER(V3COMPAT_DEVICE_PAGE_REQUESTS, 0x8);
NUMBER(V3COMPAT_DEVICE_FAULTS, 0x10);
NUMBER(V3COMPAT_PASID_SVA, 0x1);
NUMBER(V3COMPAT_REGION_MMAP, 0x1);
NUMBER(V3COMPAT_INTERRUPT_AUTOMASKED, 0x1);
NUMBER(V3COMPAT_INTERRUPT_UNMASK, 0x1);
NUMBER(V3COMPAT_NO_PASID_NUMBER, 0xffffffff);
NUMBER(V3COMPAT_EVENT_MORE, 0x1);
NUMBER(V3COMPAT_GUARD_SET_POLICY, 0x1);
NUMBER(V3COMPAT_GUARD_SET_LOCKED, 0x2);
NUMBER(V3COMPAT_IOCTL_INFO, 0xe800);
NUMBER(V3COMPAT_IOCTL_DESTROY, 0xe801);
NUMBER(V3COMPAT_IOCTL_DOMAIN_CREATE, 0xe802);
NUMBER(V3COMPAT_IOCTL_DOMAIN_QUERY, 0xe803);
NUMBER(V3COMPAT_IOCTL_DOMAIN_CONFIGURE, 0xe804);
NUMBER(V3COMPAT_IOCTL_DOMAIN_FLUSH, 0xe805);
NUMBER(V3COMPAT_IOCTL_MEMORY_CREATE, 0xe80d);
NUMBER(V3COMPAT_IOCTL_MAP, 0xe80e);
NUMBER(V3COMPAT_IOCTL_UNMAP, 0xe80f);
NUMBER(V3COMPAT_IOCTL_RESERVE, 0xe810);
NUMBER(V3COMPAT_IOCTL_MAP_IDENTITY, 0xe811);
NUMBER(V3COMPAT_IOCTL_UNMAP_IDENTITY, 0xe812);
NUMBER(V3COMPAT_IOCTL_BATCH, 0xe813);
NUMBER(V3COMPAT_IOCTL_DEVICE_CREATE, 0xe806);
NUMBER(V3COMPAT_IOCTL_DEVICE_QUERY, 0xe807);
NUMBER(V3COMPAT_IOCTL_INPUT_MAPPINGS, 0xe809);
NUMBER(V3COMPAT_IOCTL_PASID_CREATE, 0xe80a);
NUMBER(V3COMPAT_IOCTL_ATTACH, 0xe80b);
NUMBER(V3COMPAT_IOCTL_DETACH, 0xe80c);
NUMBER(V3COMPAT_IOCTL_DEVICE_OPEN, 0xe808);
NUMBER(V3COMPAT_IOCTL_REGION_QUERY, 0xe880);
NUMBER(V3COMPAT_IOCTL_INTERRUPT_QUERY, 0xe881);
NUMBER(V3COMPAT_IOCTL_INTERRUPT_SET, 0xe882);
NUMBER(V3COMPAT_IOCTL_RESET, 0xe883);
NUMBER(V3COMPAT_IOCTL_EVENTS_OPEN, 0xe814);
NUMBER(V3COMPAT_IOCTL_PAGE_RESPONSE, 0xe815);
NUMBER(V3COMPAT_IOCTL_GUARD_QUERY, 0xe816);
NUMBER(V3COMPAT_IOCTL_GUARD_SET, 0xe817);

NUMBER(V3COMPAT_REASON_NULL_POINTER, 1);
NUMBER(V3COMPAT_REASON_BAD_HANDLE, 2);
NUMBER(V3COMPAT_REASON_DEVICE_GONE, 3);
NUMBER(V3COMPAT_REASON_BAD_ENUM, 4);
NUMBER(V3COMPAT_REASON_RESERVED_BITS, 5);
NUMBER(V3COMPAT_REASON_NO_PERMISSION, 6);
NUMBER(V3COMPAT_REASON_MISALIGNED, 7);
NUMBER(V3COMPAT_REASON_EMPTY, 8);
NUMBER(V3COMPAT_REASON_WRAPS, 9);
NUMBER(V3COMPAT_REASON_LIST_OVERLAP, 10);
NUMBER(V3COMPAT_REASON_WRONG_TYPE, 11);
NUMBER(V3COMPAT_REASON_ALLOCATOR_RULE, 12);
NUMBER(V3COMPAT_REASON_BEYOND_APERTURE, 13);
NUMBER(V3COMPAT_REASON_BOUNDS, 14);
NUMBER(V3COMPAT_REASON_NO_SPACE, 15);
NUMBER(V3COMPAT_REASON_NO_PASID, 16);
NUMBER(V3COMPAT_REASON_NO_MEMORY, 17);
NUMBER(V3COMPAT_REASON_OVERLAP, 18);
NUMBER(V3COMPAT_REASON_NOT_MAPPED, 19);
NUMBER(V3COMPAT_REASON_CUT_LARGE_PAGE, 20);
NUMBER(V3COMPAT_REASON_HARDWARE, 21);
NUMBER(V3COMPAT_REASON_SHORT_UNMAP, 22);
NUMBER(V3COMPAT_REASON_NO_IOMMU, 23);
NUMBER(V3COMPAT_REASON_NOT_AVAILABLE, 24);
NUMBER(V3COMPAT_REASON_ATTACHED, 25);
NUMBER(V3COMPAT_REASON_NOT_ATTACHED, 26);
NUMBER(V3COMPAT_REASON_IN_USE, 27);
NUMBER(V3COMPAT_REASON_GROUP_BUSY, 28);
NUMBER(V3COMPAT_REASON_MSI, 29);
NUMBER(V3COMPAT_REASON_REGION_CONFLICT, 30);
NUMBER(V3COMPAT_REASON_TOO_MANY_TABLES, 31);
NUMBER(V3COMPAT_REASON_TABLES_TOO_LARGE, 32);
NUMBER(V3COMPAT_REASON_KILLED, 33);
NUMBER(V3COMPAT_REASON_BAD_CONFIG, 34);
NUMBER(V3COMPAT_REASON_NO_FAULTS, 35);
NUMBER(V3COMPAT_REASON_NOT_ENABLED, 36);
NUMBER(V3COMPAT_REASON_REGISTERED, 37);
NUMBER(V3COMPAT_REASON_NO_DEVICE, 38);
NUMBER(V3COMPAT_REASON_QUOTA, 39);
NUMBER(V3COMPAT_REASON_MEMLOCK, 40);
NUMBER(V3COMPAT_REASON_NOT_PINNABLE, 41);
NUMBER(V3COMPAT_REASON_DEVICE_MEMORY, 42);
NUMBER(V3COMPAT_REASON_PRIVILEGE, 43);
NUMBER(V3COMPAT_REASON_LOCKED_DOWN, 44);
NUMBER(V3COMPAT_REASON_NO_SUCH_DEVICE, 45);
NUMBER(V3COMPAT_REASON_NOT_BOUND, 46);
NUMBER(V3COMPAT_REASON_HELD_BY_VFIO, 47);
NUMBER(V3COMPAT_REASON_CLAIMED, 48);
NUMBER(V3COMPAT_REASON_GROUP_CLAIMED, 49);
NUMBER(V3COMPAT_REASON_MSI_NOT_ISOLATED, 50);
NUMBER(V3COMPAT_REASON_NOT_COHERENT, 51);
NUMBER(V3COMPAT_REASON_NOT_OFFERED, 52);
NUMBER(V3COMPAT_REASON_BAD_FILE, 53);
NUMBER(V3COMPAT_REASON_BEYOND_MEMORY, 54);
NUMBER(V3COMPAT_REASON_READ_ONLY, 55);
NUMBER(V3COMPAT_REASON_OTHER_PROCESS, 56);
NUMBER(V3COMPAT_REASON_BAD_POINTER, 57);
NUMBER(V3COMPAT_REASON_TOO_MANY, 58);
NUMBER(V3COMPAT_REASON_NOT_QUIET, 59);
NUMBER(V3COMPAT_REASON_CLOSED, 60);
NUMBER(V3COMPAT_REASON_UNKNOWN_FLAG, 61);
NUMBER(V3COMPAT_REASON_NO_RESET, 62);

NUMBER(V3COMPAT_PARAM_DOMAIN, 1);
NUMBER(V3COMPAT_PARAM_DEVICE, 2);
NUMBER(V3COMPAT_PARAM_PASID, 3);
NUMBER(V3COMPAT_PARAM_TOKEN, 4);
NUMBER(V3COMPAT_PARAM_TYPE, 5);
NUMBER(V3COMPAT_PARAM_FLAGS, 6);
NUMBER(V3COMPAT_PARAM_ALLOCATOR, 7);
NUMBER(V3COMPAT_PARAM_REGIONS, 8);
NUMBER(V3COMPAT_PARAM_CONFIG, 9);
NUMBER(V3COMPAT_PARAM_PERMISSIONS, 10);
NUMBER(V3COMPAT_PARAM_PHYS, 11);
NUMBER(V3COMPAT_PARAM_ADDRESS, 12);
NUMBER(V3COMPAT_PARAM_SIZE, 13);
NUMBER(V3COMPAT_PARAM_OFFSET, 14);
NUMBER(V3COMPAT_PARAM_LIST, 15);
NUMBER(V3COMPAT_PARAM_MAPPING, 16);
NUMBER(V3COMPAT_PARAM_CALLBACK, 17);
NUMBER(V3COMPAT_PARAM_FIELDS, 18);
NUMBER(V3COMPAT_PARAM_PROCESS, 19);
NUMBER(V3COMPAT_PARAM_OUT, 20);
NUMBER(V3COMPAT_PARAM_NUMBER, 21);
NUMBER(V3COMPAT_PARAM_BUFFER, 22);
NUMBER(V3COMPAT_PARAM_LENGTH, 23);
NUMBER(V3COMPAT_PARAM_VERSION, 24);
NUMBER(V3COMPAT_PARAM_COOKIE, 25);
NUMBER(V3COMPAT_PARAM_SOURCE, 26);
NUMBER(V3COMPAT_PARAM_MEMORY, 27);
NUMBER(V3COMPAT_PARAM_EVENTS, 28);
NUMBER(V3COMPAT_PARAM_ENTRIES, 29);
NUMBER(V3COMPAT_PARAM_OBJECT, 30);
NUMBER(V3COMPAT_PARAM_RESERVED, 31);
NUMBER(V3COMPAT_PARAM_GUARD, 32);
NUMBER(V3COMPAT_PARAM_BOUNDS, 33);
NUMBER(V3COMPAT_PARAM_SIZE_OF_STRUCT, 34);

#undef NUMBER
#undef FIELD
#undef SIZE

#endif
