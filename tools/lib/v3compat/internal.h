/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the library share: objects behind the handles of <wdm.h>.
 */
#ifndef V3COMPAT_INTERNAL_H
#define V3COMPAT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <v3compat/program.h>

#define container_of(pointer, type, member) CONTAINING_RECORD(pointer, type, member)

enum v3l_kind {
	V3L_PDO,
	V3L_DOMAIN,
	V3L_DEVICE,
	V3L_PASID,
	V3L_TOKEN,
};

/**
 * struct v3l_object - what is behind a pointer that the program has
 * @kind: constant
 * @handle: of the kernel; constant
 * @key: the pointer; constant
 * @refs: the program's, while the pointer is good, and those of calls under way
 * @next: in the table
 */
struct v3l_object {
	enum v3l_kind kind;
	__u32 handle;
	const void *key;
	atomic_uint refs;
	struct v3l_object *next;
};

void v3l_object_add(struct v3l_object *object, enum v3l_kind kind, __u32 handle, const void *key);
bool v3l_object_remove(struct v3l_object *object);
void *v3l_object_get(const void *key, enum v3l_kind kind);
void *v3l_object_find(__u32 handle, enum v3l_kind kind);
void v3l_object_put(struct v3l_object *object);

/**
 * struct v3l_pieces - a mapping that is several of the kernel's, because its memory is in pieces
 * @next: in its list
 * @at: where it begins: address in its domain, or offset in its token
 * @length: of all pieces
 * @reservation: of a mapping in a domain, what holds the pieces
 * @count: how many pieces
 * @lengths: of the pieces
 */
struct v3l_pieces {
	struct v3l_pieces *next;
	__u64 at;
	__u64 length;
	__u32 reservation;
	__u32 count;
	__u64 lengths[];
};

/* struct v3l_list: such mappings. */
struct v3l_list {
	pthread_mutex_t lock;
	struct v3l_pieces *first;
};

void v3l_list_add(struct v3l_list *list, struct v3l_pieces *pieces);
struct v3l_pieces *v3l_list_take(struct v3l_list *list, __u64 at, __u64 length);
struct v3l_pieces *v3l_list_take_any(struct v3l_list *list);
void v3l_list_free(struct v3l_list *list);

/**
 * struct _IOMMU_DMA_DOMAIN - a domain
 * @object: first
 * @users: attachments and tokens
 * @gathered: mappings of several pieces at addresses that the kernel chose
 */
struct _IOMMU_DMA_DOMAIN {
	struct v3l_object object;
	atomic_uint users;
	struct v3l_list gathered;
};

/**
 * struct v3l_watch - events of a device, and who is told
 * @lock: protects all of it; not held while a callback runs
 * @changed: broadcast when @polling, @parked, @calling or @stop changed
 * @thread: reads @events
 * @started: there is one
 * @stop: it ends
 * @polling: it sleeps in poll(), on @events
 * @parked: how many want it to stay out of there
 * @calling: @caller runs a callback
 * @caller: that thread
 * @wake: eventfd that ends a poll()
 * @events: descriptor, or -1
 * @mask: of @events
 * @state: who is told of the state, or NULL
 * @state_context: passed to it
 * @state_owner: the DMA device that it was registered for
 * @told: the types that it was told last
 * @fault: who is told of faults, or NULL
 * @fault_context: passed to it
 * @fault_owner: the DMA device it was set for, or the PDO
 */
struct v3l_watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started;
	bool stop;
	bool polling;
	unsigned int parked;
	bool calling;
	pthread_t caller;
	int wake;
	int events;
	__u32 mask;
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK state;
	PVOID state_context;
	const void *state_owner;
	__u32 told;
	PIOMMU_DEVICE_FAULT_HANDLER fault;
	PVOID fault_context;
	const void *fault_owner;
};

/**
 * struct _DEVICE_OBJECT - a device of the file
 * @object: first
 * @tagged: it was made for tagged DMA
 * @adopted: it stays with the file when this is closed
 * @segment: of PCI
 * @users: DMA devices
 * @lock: protects what follows
 * @domain: that AttachDevice attached it to, or NULL
 * @watch: its events; has a lock of its own
 */
struct _DEVICE_OBJECT {
	struct v3l_object object;
	bool tagged;
	bool adopted;
	__u32 segment;
	atomic_uint users;
	pthread_mutex_t lock;
	PIOMMU_DMA_DOMAIN domain;
	struct v3l_watch watch;
};

/**
 * struct _IOMMU_DMA_DEVICE - a DMA device. Its handle is that of its device object
 * @object: first
 * @pdo: of which it holds a reference
 * @pasid_config: it was created with a configuration of PASIDs
 * @tagged: for tagged DMA
 * @suppress: faults of tagged DMA are not told
 * @users: sub-devices
 * @lock: protects @domain
 * @domain: that it is attached to, of which it holds a reference, or NULL
 */
struct _IOMMU_DMA_DEVICE {
	struct v3l_object object;
	PDEVICE_OBJECT pdo;
	bool pasid_config;
	bool tagged;
	bool suppress;
	atomic_uint users;
	pthread_mutex_t lock;
	PIOMMU_DMA_DOMAIN domain;
};

/**
 * struct _IOMMU_DMA_PASID_DEVICE - a sub-device
 * @object: first
 * @device: of which it holds a reference
 * @lock: protects @domain
 * @domain: as of a DMA device
 */
struct _IOMMU_DMA_PASID_DEVICE {
	struct v3l_object object;
	PIOMMU_DMA_DEVICE device;
	pthread_mutex_t lock;
	PIOMMU_DMA_DOMAIN domain;
};

/**
 * struct v3l_token - a reservation
 * @object: first
 * @token: what the program sees
 * @domain: of which it holds a reference
 * @mapped: segments of several pieces
 */
struct v3l_token {
	struct v3l_object object;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN domain;
	struct v3l_list mapped;
};

/* The statuses of parameters follow each other. */
#define V3L_ORDINAL(ordinal) (STATUS_INVALID_PARAMETER_1 + (ordinal) - 1)

/* V3L_REFUSE() is a refusal by the library itself: the status, and what is to be said about it. */
#define V3L_REFUSE(status, reason, param, first, last) \
	v3l_refuse(status, V3COMPAT_REASON_##reason, V3COMPAT_PARAM_##param, first, last)
/* These paste by themselves, because OUT is a macro of Windows' that is empty. */
#define V3L_REFUSE_NULL(ordinal, param)							\
	v3l_refuse(V3L_ORDINAL(ordinal), V3COMPAT_REASON_NULL_POINTER,			\
		   V3COMPAT_PARAM_##param, 0, 0)
#define V3L_REFUSE_HANDLE(ordinal, param)						\
	v3l_refuse(V3L_ORDINAL(ordinal), V3COMPAT_REASON_BAD_HANDLE,			\
		   V3COMPAT_PARAM_##param, 0, 0)

NTSTATUS v3l_refuse(NTSTATUS status, __u32 reason, enum v3compat_param param, __u64 first,
		    __u64 last);
NTSTATUS v3l_answer(int ret, const struct v3compat_result *result);
NTSTATUS v3l_no_memory(void);

/**
 * struct v3l_pool - the program's physical memory
 * @base: its first byte; constant once @handle is set
 * @length: in bytes
 * @handle: of the registered memory, or 0 without a pool
 */
struct v3l_pool {
	UCHAR *base;
	size_t length;
	atomic_uint handle;
};

extern struct v3l_pool v3l_pool;

bool v3l_pool_has(const void *va, __u64 length);
PFN_NUMBER v3l_frame_of(const void *va);

/* What stands in the PFN array of an MDL where the frame is not known. */
#define V3L_NO_FRAME ((PFN_NUMBER)~0ULL >> 12)

/**
 * struct v3l_locked - pages that an MDL keeps in memory
 * @base: first byte of the first page
 * @handle: of the registered memory
 */
struct v3l_locked {
	UCHAR *base;
	__u32 handle;
};

/**
 * struct v3l_memory - what a program describes as memory, in pieces
 * @pieces: of which no one goes on where the one before it ends
 * @count: how many
 * @room: of @pieces
 * @length: of all, in bytes
 * @few: room for a few
 */
struct v3l_memory {
	struct v3compat_source *pieces;
	__u32 count;
	__u32 room;
	__u64 length;
	struct v3compat_source few[4];
};

NTSTATUS v3l_memory_read(struct v3l_memory *memory, const IOMMU_MAP_PHYSICAL_ADDRESS *from,
			 unsigned int ordinal, bool frames);
void v3l_memory_free(struct v3l_memory *memory);

NTSTATUS v3l_check_permissions(ULONG permissions, unsigned int ordinal);
NTSTATUS v3l_map_pieces(__u32 object, __u32 flags, ULONG permissions,
			const struct v3l_memory *memory, __u64 at);
NTSTATUS v3l_unmap_pieces(__u32 object, __u64 at, const struct v3l_pieces *pieces);
struct v3l_pieces *v3l_pieces_new(const struct v3l_memory *memory);
NTSTATUS v3l_release_gathered(PIOMMU_DMA_DOMAIN domain, struct v3l_pieces *pieces);

int v3l_watch_init(struct v3l_watch *watch);
void v3l_watch_exit(struct v3l_watch *watch);
bool v3l_watch_busy(struct v3l_watch *watch, const void *owner);
void v3l_watch_drop_fault(struct v3l_watch *watch, const void *owner);
NTSTATUS v3l_watch_fault(PDEVICE_OBJECT pdo, const void *owner, BOOLEAN enable,
			 const DEVICE_FAULT_CONFIGURATION *config);

/* Members of the tables, named as there. */
IOMMU_DOMAIN_CREATE_EX v3l_create_domain_ex;
IOMMU_DOMAIN_CREATE v3l_create_domain;
IOMMU_DOMAIN_DELETE v3l_delete_domain;
IOMMU_DOMAIN_CONFIGURE v3l_configure_domain;
IOMMU_FLUSH_DOMAIN v3l_flush_domain;
IOMMU_FLUSH_DOMAIN_VA_LIST v3l_flush_domain_by_va_list;
IOMMU_MAP_LOGICAL_RANGE_EX v3l_map_logical_range_ex;
IOMMU_MAP_LOGICAL_RANGE v3l_map_logical_range;
IOMMU_UNMAP_LOGICAL_RANGE v3l_unmap_logical_range;
IOMMU_MAP_IDENTITY_RANGE_EX v3l_map_identity_range_ex;
IOMMU_MAP_IDENTITY_RANGE v3l_map_identity_range;
IOMMU_UNMAP_IDENTITY_RANGE_EX v3l_unmap_identity_range_ex;
IOMMU_UNMAP_IDENTITY_RANGE v3l_unmap_identity_range;
IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE v3l_reserve_logical_address_range;
IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE v3l_free_reserved_logical_address_range;
IOMMU_MAP_RESERVED_LOGICAL_RANGE v3l_map_reserved_logical_range;
IOMMU_UNMAP_RESERVED_LOGICAL_RANGE v3l_unmap_reserved_logical_range;
IOMMU_DEVICE_CREATE v3l_create_device;
IOMMU_DEVICE_DELETE v3l_delete_device;
IOMMU_DOMAIN_ATTACH_DEVICE_EX v3l_attach_device_ex;
IOMMU_DOMAIN_DETACH_DEVICE_EX v3l_detach_device_ex;
IOMMU_DOMAIN_ATTACH_DEVICE v3l_attach_device;
IOMMU_DOMAIN_DETACH_DEVICE v3l_detach_device;
IOMMU_QUERY_INPUT_MAPPINGS v3l_query_input_mappings;
IOMMU_DEVICE_QUERY_DOMAIN_TYPES v3l_query_available_domain_types;
IOMMU_DEVICE_QUERY_INFORMATION v3l_query_device_info;
IOMMU_PASID_DEVICE_CREATE v3l_create_pasid_device;
IOMMU_PASID_DEVICE_DELETE v3l_delete_pasid_device;
IOMMU_DOMAIN_ATTACH_PASID_DEVICE v3l_attach_pasid_device;
IOMMU_DOMAIN_DETACH_PASID_DEVICE v3l_detach_pasid_device;
IOMMU_SET_DEVICE_FAULT_REPORTING_EX v3l_set_device_fault_reporting_ex;
IOMMU_SET_DEVICE_FAULT_REPORTING v3l_set_device_fault_reporting;
IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK v3l_register_state_change_callback;
IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK v3l_unregister_state_change_callback;

#endif /* V3COMPAT_INTERNAL_H */
