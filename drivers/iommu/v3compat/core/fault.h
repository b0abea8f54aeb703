/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_FAULT_H
#define V3COMPAT_FAULT_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/ratelimit_types.h>
#include <linux/rbtree_types.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "base/types.h"
#include "base/why.h"

struct device;
struct v3c_domain;
struct v3c_hwpt;
struct v3c_reporter;

/*
 * V3C_FAULT_QUEUE bounds what waits for the handler of a device: so many refused DMAs, and as many
 * groups of page requests, with those that it answers later.
 */
#define V3C_FAULT_QUEUE		64

/*
 * V3C_FAULT_PAGES at most in a group of page requests: no device is told that it may ask for more.
 */
#define V3C_FAULT_PAGES		512

/**
 * struct v3c_fault_target - where faults of one attachment go: untagged DMA of a device, or a PASID
 * @handle: by which the IOMMU core names a PASID that is attached; what a fault handler is given
 * @by_table: in the tree of all, by @hwpt, Linux device and @reporter, if it is the first of its
 *	kind
 * @alike: the first one's list of the others of its kind, or entry there
 * @count: of its kind, the first one included; kept in the first one, 0 in the others
 * @loud: of these, how many are not @suppressed
 * @by_pasid: in its device's tree
 * @reporter: its device's
 * @domain: attached to
 * @hwpt: the page table, NULL for the kernel's identity domain; a name, never looked into
 * @pasid: or %V3C_NO_PASID
 * @suppressed: faults are not reported
 * @open: page requests may be queued
 * @answering: groups of page requests that somebody is answering
 *
 * Embedded in what is attached; everything is under the lock of fault.c.
 */
struct v3c_fault_target {
	struct iommu_attach_handle handle;
	struct rb_node by_table;
	struct list_head alike;
	unsigned int count;
	unsigned int loud;
	struct rb_node by_pasid;
	struct v3c_reporter *reporter;
	struct v3c_domain *domain;
	const struct v3c_hwpt *hwpt;
	u32 pasid;
	bool suppressed;
	bool open;
	unsigned int answering;
};

/**
 * struct v3c_fault_record - one fault, as it is queued
 * @domain: of the attachment; its handle is what is reported
 * @address: logical
 * @pasid: or %V3C_NO_PASID
 * @perm: IOMMU_FAULT_PERM_*
 * @kind: what became of the DMA
 * @stage1: the domain's tables are first-stage ones
 */
struct v3c_fault_record {
	struct v3c_domain *domain;
	u64 address;
	u32 pasid;
	u32 perm;
	enum v3c_fault_kind kind;
	bool stage1;
};

/**
 * struct v3c_fault_source - what a report says about where it comes from
 * @pdo: the device
 * @input_mapping: its first ID at the IOMMU
 * @segment: PCI segment, 0 for others
 */
struct v3c_fault_source {
	struct device *pdo;
	u32 input_mapping;
	u32 segment;
};

/**
 * struct v3c_fault_report - a fault, as a handler hears of it
 * @record: what happened
 * @source: where
 * @permission: something is mapped there, but not with the permission that the DMA needs
 * @cookie: of a page request: names its group for v3c_report_answer(), from the first call for the
 *	group on; otherwise 0
 * @more: of a page request: the handler hears of more requests of its group
 * @lost: reports dropped since reporting was enabled
 */
struct v3c_fault_report {
	const struct v3c_fault_record *record;
	const struct v3c_fault_source *source;
	bool permission;
	u64 cookie;
	bool more;
	u64 lost;
};

/**
 * enum v3c_fault_verdict - what a handler says of a page request
 * @V3C_FAULT_AT_RETURN: its group may be answered by what is mapped, when the last call for the
 *	group has returned
 * @V3C_FAULT_LATER: its group is to wait for v3c_report_answer(), whatever is said of the others in
 *	it. Groups that wait count among the %V3C_FAULT_QUEUE of the device: while these are used
 *	up, further ones are answered by what is mapped, without the handler
 */
enum v3c_fault_verdict { V3C_FAULT_AT_RETURN, V3C_FAULT_LATER };

/**
 * struct v3c_fault_handler - who hears of faults
 * @tell: called in a thread that may sleep, one call at a time; never NULL. What it returns counts
 *	for page requests only
 * @callback: for @tell
 * @context: for @tell
 */
struct v3c_fault_handler {
	enum v3c_fault_verdict (*tell)(const struct v3c_fault_handler *handler,
				       const struct v3c_fault_report *report);
	void (*callback)(void);
	void *context;
};

/**
 * struct v3c_deferred - a group of page requests that is answered later
 * @cookie: names it
 * @since: when it began to wait, in jiffies
 * @group: the group
 */
struct v3c_deferred {
	u64 cookie;
	unsigned long since;
	struct iopf_group *group;
};

/**
 * struct v3c_reporter - a device's faults on their way to its handler
 * @pdo: the device; constant while it serves one
 * @by_rid: in the hash of PCI devices that are enabled, by requester ID
 * @targets: the device's attachments, by PASID
 * @work: runs the handler
 * @idle: woken when a call of the handler has returned, and when a group has been answered
 * @handler: the handler, while @enabled
 * @source: the device, while @enabled
 * @ring: %V3C_FAULT_QUEUE records, while @enabled
 * @first: oldest record in @ring
 * @count: records in @ring
 * @groups: groups of page requests, oldest first
 * @deferred: groups that the handler answers later, while @enabled
 * @nr_deferred: length of @deferred
 * @nr_groups: in @groups and in @deferred
 * @group: the one that @work is busy with, or NULL, also when somebody else has answered it since
 * @page: of @group, the request that the handler has not been called for yet
 * @cookie: of @group; 0 before the first call, and after v3c_fault_end()
 * @running: the task that is inside the handler, or NULL
 * @calls: of the handler, ever
 * @lost: dropped for want of room since reporting was enabled
 * @lost_told: of these, how many the log knows of
 * @telling: how often the log may be told
 * @enabled: there is a handler
 *
 * Everything is under the lock of fault.c. The memory stays a reporter as long as it stays a
 * device's.
 */
struct v3c_reporter {
	struct device *pdo;
	struct hlist_node by_rid;
	struct rb_root targets;
	struct work_struct work;
	wait_queue_head_t idle;
	struct v3c_fault_handler handler;
	struct v3c_fault_source source;
	struct v3c_fault_record *ring;
	unsigned int first;
	unsigned int count;
	struct list_head groups;
	struct v3c_deferred deferred[V3C_FAULT_QUEUE + 1];
	unsigned int nr_deferred;
	unsigned int nr_groups;
	struct iopf_group *group;
	struct iopf_fault *page;
	u64 cookie;
	struct task_struct *running;
	u64 calls;
	u64 lost;
	u64 lost_told;
	struct ratelimit_state telling;
	bool enabled;
};

/*
 * struct v3c_logged_fault: one refused DMA as an IOMMU driver's log line tells it; @segment is
 * negative where it has none.
 */
struct v3c_logged_fault {
	int segment;
	u16 rid;
	u32 pasid;
	bool write;
	u64 address;
};

/* v3c_fault_wants(): permissions that a mapping must have for a DMA with IOMMU_FAULT_PERM_*. */
static inline int v3c_fault_wants(u32 perm)
{
	return (perm & IOMMU_FAULT_PERM_WRITE ? IOMMU_WRITE : 0) |
	       (perm & (IOMMU_FAULT_PERM_READ | IOMMU_FAULT_PERM_EXEC) ? IOMMU_READ : 0);
}

bool v3c_fault_makes_requests(struct device *dev);
void v3c_fault_watch(struct v3c_hwpt *hwpt, struct device *dev);
void v3c_fault_init_once(struct v3c_reporter *reporter);

void v3c_fault_open(struct v3c_fault_target *target, struct v3c_reporter *reporter,
		    struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u32 pasid,
		    bool suppressed);
void v3c_fault_close(struct v3c_fault_target *target);

int v3c_fault_begin(struct v3c_reporter *reporter, const struct v3c_fault_handler *handler,
		    const struct v3c_fault_source *source, gfp_t gfp);
void v3c_fault_end(struct v3c_reporter *reporter);
int v3c_fault_wait(struct v3c_reporter *reporter, unsigned int state);
enum v3c_reason v3c_fault_answer(struct v3c_reporter *reporter, u64 cookie, bool allow, u64 *page);
unsigned long v3c_fault_expire(struct v3c_reporter *reporter, unsigned long age);
u64 v3c_fault_lost(struct v3c_reporter *reporter);
void v3c_fault_queue_work(struct work_struct *work);

int v3c_fault_unrecoverable(struct iommu_domain *domain, struct device *dev, unsigned long iova,
			    int flags, void *hwpt);
void v3c_fault_logged(const struct v3c_logged_fault *fault);

int v3c_fault_module_init(void);
void v3c_fault_module_exit(void);

#endif
