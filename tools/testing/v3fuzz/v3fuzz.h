/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzzer of DMA_IOMMU_INTERFACE_V3.
 *
 * There are two kinds of objects. Of the checked ones the fuzzer knows at each moment what is
 * mapped and attached, because a lock beside each orders the calls that would make that doubtful;
 * DMA must find what it knows. The wild ones are used by all threads with no order at all, deleted
 * while others use them, and only have to be answered.
 */
#ifndef V3FUZZ_H
#define V3FUZZ_H

#include <linux/atomic.h>
#include <linux/iommusim.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/v3compat.h>

#include <wdm.h>

#define FUZZ_THREADS	8
#define FUZZ_SIMS	8
#define FUZZ_PLUGS	14
#define FUZZ_DEVICES	14
#define FUZZ_SUBS	8
#define FUZZ_DOMAINS	8
#define FUZZ_TABLES	2
#define FUZZ_MAPS	24
#define FUZZ_TOKENS	3
#define FUZZ_GONE	32
#define FUZZ_LOG	24
#define FUZZ_STATUSES	16
#define FUZZ_SCATTERED	12

/* No physical memory is here, so DMA of a device that sees all of memory reaches nothing. */
#define FUZZ_BASE	(1ULL << 36)
/* Each thread chooses addresses of its own: a slice of each domain. */
#define FUZZ_SLICE	(1ULL << 34)
#define FUZZ_TOKEN_ZONE	(1ULL << 32)
#define FUZZ_DEMAND_ZONE (2ULL << 32)
/* Beyond all slices. */
#define FUZZ_TABLE_BASE	(1ULL << 38)

#define FUZZ_MEMBERS(X)									\
	X(CreateDomainEx) X(DeleteDomain) X(AttachDeviceEx) X(DetachDeviceEx)		\
	X(FlushDomain) X(FlushDomainByVaList) X(QueryInputMappings)			\
	X(MapLogicalRangeEx) X(UnmapLogicalRange) X(MapIdentityRangeEx)			\
	X(UnmapIdentityRangeEx) X(SetDeviceFaultReportingEx) X(ConfigureDomain)		\
	X(QueryAvailableDomainTypes) X(RegisterInterfaceStateChangeCallback)		\
	X(UnregisterInterfaceStateChangeCallback) X(ReserveLogicalAddressRange)		\
	X(FreeReservedLogicalAddressRange) X(MapReservedLogicalRange)			\
	X(UnmapReservedLogicalRange) X(CreateDevice) X(DeleteDevice)			\
	X(CreatePasidDevice) X(DeletePasidDevice) X(AttachPasidDevice)			\
	X(DetachPasidDevice) X(QueryDeviceInfo)

enum fuzz_member {
#define FUZZ_ENUM(name) FUZZ_##name,
	FUZZ_MEMBERS(FUZZ_ENUM)
	FUZZ_NR_MEMBERS
};

/**
 * struct fuzz_tally - what became of the calls of one member
 * @calls: how many
 * @successes: of them
 * @statuses: those that came up
 * @times: how often each
 */
struct fuzz_tally {
	u32 calls;
	u32 successes;
	NTSTATUS statuses[FUZZ_STATUSES];
	u32 times[FUZZ_STATUSES];
};

/**
 * struct fuzz_entry - one call in the log
 * @member: which
 * @returned: it did
 * @status: then its answer
 * @args: what says most about it, see the caller
 */
struct fuzz_entry {
	enum fuzz_member member;
	bool returned;
	NTSTATUS status;
	u64 args[3];
};

/* A block of pages, each with a tag of its own, that devices may reach. */
struct fuzz_pool {
	void *memory;
	unsigned int order;
	unsigned int id;
};

enum fuzz_map_kind { FUZZ_FREE, FUZZ_LOGICAL, FUZZ_IDENTITY, FUZZ_SEGMENT };

/**
 * struct fuzz_map - a mapping that the thread made and knows to be live
 * @kind: FUZZ_FREE when the slot is not used
 * @domain: index of the domain
 * @generation: of the domain; another one means that the mapping went with it
 * @prot: 1 to 3
 * @at: first logical address
 * @pages: how many
 * @contiguous: page i is @first + i of the pool, otherwise @scattered[i]
 * @first: see there
 * @scattered: see there
 * @token: index of the token, for a segment
 * @segment: as filled by MapReservedLogicalRange
 */
struct fuzz_map {
	enum fuzz_map_kind kind;
	unsigned int domain;
	unsigned int generation;
	unsigned int prot;
	u64 at;
	unsigned int pages;
	bool contiguous;
	unsigned int first;
	u16 scattered[FUZZ_SCATTERED];
	unsigned int token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
};

struct fuzz_token {
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle;
	unsigned int domain;
	unsigned int pages;
};

/* A page that was unmapped. */
struct fuzz_gone {
	unsigned int domain;
	unsigned int generation;
	u64 at;
	unsigned int page;
};

/* What the handler of page requests shall map for the thread that waits. */
struct fuzz_demand {
	struct mutex lock;
	bool wanted;
	bool mapped;
	PIOMMU_DMA_DOMAIN domain;
	u64 at;
	unsigned int page;
	unsigned int prot;
};

struct fuzz_thread {
	unsigned int id;
	struct task_struct *task;
	struct rnd_state rnd;
	struct fuzz_pool pool;
	struct fuzz_map maps[FUZZ_MAPS];
	struct fuzz_token tokens[FUZZ_TOKENS];
	struct fuzz_gone gone[FUZZ_GONE];
	unsigned int next_gone;
	struct fuzz_demand demand;
	u64 nonce;

	struct fuzz_tally tallies[FUZZ_NR_MEMBERS];
	struct fuzz_entry log[FUZZ_LOG];
	unsigned int logged;
	unsigned int budget;		/* calls at which the round ends */
	unsigned int calls;
	u64 trace;			/* of all calls and answers */
	u64 dma, dma_met, checked;
};

/*
 * Devices that share a group of the core. While @busy, or when @changes differs between two looks,
 * what a member is attached to may have changed in between. @epoch counts what may end attachments
 * from outside: members that come or go, as long as @moving says.
 */
struct fuzz_group {
	atomic_t busy;
	atomic_t changes;
	atomic_t epoch;
	atomic_t moving;
};

/* A port that a device is plugged into, again and again. */
struct fuzz_plug {
	struct rw_semaphore sem;	/* held for writing while plugging */
	struct device *dev;		/* or NULL */
	struct fuzz_group own;
	struct fuzz_group *group;
	unsigned int sim;
	u64 mask;
	int direct;			/* page of the firmware, or -1 */
	bool tagged;			/* it has PASIDs */
};

struct fuzz_sim {
	struct iommusim *sim;
	struct iommusim_config config;
	struct fuzz_group groups[2];
	u64 stale;
};

/* What DMA needs to know; copied out, with a reference of @dev. */
struct fuzz_target {
	struct device *dev;
	struct fuzz_group *group;
	PIOMMU_DMA_DOMAIN attached;
	int epoch;
	u32 pasid;
	unsigned int sim;
	u64 mask;
	int direct;
};

/* A device or a sub-device that is checked. @view is read without @lock. */
struct fuzz_device {
	struct mutex lock;
	PIOMMU_DMA_DEVICE handle;
	PIOMMU_DMA_PASID_DEVICE sub;
	struct fuzz_device *parent;	/* of a sub-device */
	unsigned int children;
	bool tagged;
	bool process;
	bool reporting;
	bool watched;
	spinlock_t view_lock;
	struct fuzz_target view;
};

struct fuzz_domain {
	struct rw_semaphore sem;	/* held for writing to create and to delete */
	PIOMMU_DMA_DOMAIN handle;
	unsigned int generation;
	IOMMU_DMA_DOMAIN_TYPE type;
	bool allocator;
	int direct;			/* page of the firmware that it maps 1:1, or -1 */
};

extern const DMA_IOMMU_INTERFACE_V3 *v3;
extern struct fuzz_thread *fuzz_threads;
extern unsigned int fuzz_nr_threads;
extern unsigned int fuzz_without;
extern struct fuzz_domain fuzz_domains[FUZZ_DOMAINS];
extern struct fuzz_device fuzz_devices[FUZZ_DEVICES + FUZZ_SUBS];
extern struct fuzz_plug fuzz_plugs[FUZZ_PLUGS];
extern struct fuzz_sim fuzz_sims[FUZZ_SIMS];
extern struct fuzz_pool fuzz_wild_pool;
extern struct fuzz_pool fuzz_firmware;
extern struct mm_struct *fuzz_mm;
extern unsigned long fuzz_user_page;

/* Logs and counts one call. The arguments after the member's name go to the log. */
#define FUZZ_CALL(t, name, a, b, c, ...) ({						\
	fuzz_begin(t, FUZZ_##name, a, b, c);						\
	fuzz_end(t, FUZZ_##name, v3->name(__VA_ARGS__));				\
})

static inline u32 fuzz_random(struct fuzz_thread *t, u32 below)
{
	return prandom_u32_state(&t->rnd) % below;
}

static inline bool fuzz_one_in(struct fuzz_thread *t, u32 n)
{
	return !fuzz_random(t, n);
}

/* log.c */
void fuzz_begin(struct fuzz_thread *t, enum fuzz_member member, u64 a, u64 b, u64 c);
NTSTATUS fuzz_end(struct fuzz_thread *t, enum fuzz_member member, NTSTATUS status);
void fuzz_fail(struct fuzz_thread *t, const char *format, ...) __printf(2, 3);
bool fuzz_failed(void);
const char *fuzz_failure(void);
void fuzz_log_reset(void);
void fuzz_log_show(struct seq_file *out);
const char *fuzz_member_name(enum fuzz_member member);

/* memory.c */
int fuzz_pool_init(struct fuzz_pool *pool, unsigned int order, unsigned int id);
void fuzz_pool_free(struct fuzz_pool *pool);
bool fuzz_pool_intact(const struct fuzz_pool *pool, unsigned int *page);
u64 fuzz_tag(const struct fuzz_pool *pool, unsigned int page);
u64 *fuzz_slot(const struct fuzz_pool *pool, unsigned int page, unsigned int id);
u64 fuzz_phys(const struct fuzz_pool *pool, unsigned int page);

struct fuzz_buffer {
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	PFN_NUMBER frames[FUZZ_SCATTERED];
	PMDL mdl;
};

unsigned int fuzz_map_page(const struct fuzz_map *map, unsigned int i);
bool fuzz_describe(struct fuzz_thread *t, const struct fuzz_map *map, struct fuzz_buffer *buffer);
void fuzz_describe_end(struct fuzz_buffer *buffer);

/* plugs.c */
int fuzz_sims_create(u64 seed);
void fuzz_sims_destroy(struct fuzz_thread *t);
void fuzz_plug_toggle(struct fuzz_thread *t);
void fuzz_unplug_all(void);
void fuzz_inject(struct fuzz_thread *t);
void fuzz_inject_end(void);
void fuzz_group_begin(struct fuzz_group *group);
void fuzz_group_end(struct fuzz_group *group);
u64 fuzz_stale_hits(void);

/* dma.c */
#define FUZZ_WILD_SLOT	(FUZZ_THREADS + 1)
bool fuzz_get_target(unsigned int i, PIOMMU_DMA_DOMAIN domain, struct fuzz_target *target);
void fuzz_put_target(struct fuzz_target *target);
void fuzz_check_page(struct fuzz_thread *t, PIOMMU_DMA_DOMAIN domain, u64 at,
		     const struct fuzz_pool *pool, unsigned int page, unsigned int prot);
void fuzz_check_gone(struct fuzz_thread *t, PIOMMU_DMA_DOMAIN domain, u64 at,
		     const struct fuzz_pool *pool, unsigned int page, bool empty);
void fuzz_check_map(struct fuzz_thread *t, const struct fuzz_map *map, bool all);
void fuzz_check_domain(struct fuzz_thread *t, unsigned int domain);
void fuzz_check_all(struct fuzz_thread *t);
void fuzz_note_gone(struct fuzz_thread *t, const struct fuzz_map *map, unsigned int i);
void fuzz_wild_dma(struct fuzz_thread *t);

/* devices.c */
void fuzz_device_life(struct fuzz_thread *t);
void fuzz_device_attach(struct fuzz_thread *t);
void fuzz_device_attach_to(struct fuzz_thread *t, unsigned int domain);
void fuzz_sub_life(struct fuzz_thread *t);
void fuzz_sub_attach(struct fuzz_thread *t);
void fuzz_ask(struct fuzz_thread *t);
void fuzz_report(struct fuzz_thread *t);
void fuzz_watch(struct fuzz_thread *t);
void fuzz_guard(struct fuzz_thread *t);
void fuzz_page_request(struct fuzz_thread *t);
void fuzz_devices_end(struct fuzz_thread *t);
void fuzz_on_fault(PVOID context, PFAULT_INFORMATION information);
void fuzz_on_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context);
unsigned int fuzz_faults(void);

/* ranges.c */
void fuzz_domain_life(struct fuzz_thread *t);
struct fuzz_map *fuzz_new_map(struct fuzz_thread *t);
struct fuzz_map *fuzz_some_map(struct fuzz_thread *t, enum fuzz_map_kind kind);
bool fuzz_use_domain(unsigned int domain, unsigned int generation);
void fuzz_unuse_domain(unsigned int domain);
void fuzz_choose_pages(struct fuzz_thread *t, struct fuzz_map *map, unsigned int most);
unsigned long fuzz_atomic_begin(struct fuzz_thread *t);
void fuzz_atomic_end(unsigned long how);
void fuzz_range_map(struct fuzz_thread *t);
void fuzz_range_unmap(struct fuzz_thread *t);
void fuzz_identity(struct fuzz_thread *t);
void fuzz_flush(struct fuzz_thread *t);
void fuzz_domains_end(struct fuzz_thread *t);

/* tokens.c */
void fuzz_token_life(struct fuzz_thread *t);
void fuzz_segment(struct fuzz_thread *t);
void fuzz_neighbours(struct fuzz_thread *t);
void fuzz_tokens_end(struct fuzz_thread *t);

/* tables.c */
int fuzz_tables_init(void);
void fuzz_tables_free(void);
void fuzz_tables(struct fuzz_thread *t);
void fuzz_tables_scribble(struct fuzz_thread *t);
u64 fuzz_hostile_root(struct fuzz_thread *t);
PIOMMU_DMA_DOMAIN fuzz_table_domain(unsigned int i);
void fuzz_tables_begin(struct fuzz_thread *t);
void fuzz_tables_end(struct fuzz_thread *t);

/* wild.c */
void fuzz_wild(struct fuzz_thread *t);
void fuzz_invalid(struct fuzz_thread *t);
void fuzz_wild_end(struct fuzz_thread *t);
void fuzz_wild_pause(void);
void fuzz_wild_resume(const void *made);

#endif
