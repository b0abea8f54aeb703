// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: From a fault to its handler
 *
 * Faults come from wherever the kernel shows them, go through a bounded queue per device, and end
 * in the handler that the device's driver gave.
 *
 * A source runs in any context and under locks of its own, so it finds the device and queues a
 * record under v3c_fault_lock, and does nothing else. There may be very many attachments: those of
 * one device to one table count as one, and no more than V3C_FAULT_STEPS are looked at. A worker
 * calls the handler, one call at a time for each device. v3c_fault_wait() waits for the call under
 * way, unless it is called from inside it.
 *
 * A group of page requests belongs to whoever takes it off its list, or out of the worker's hands,
 * under v3c_fault_lock: that one answers it, and nobody else looks at it afterwards.
 * v3c_fault_close() takes all groups of an attachment and waits for those that are being answered,
 * which needs no lock that a caller of ours could hold.
 *
 * A handler may leave a group unanswered (V3C_FAULT_LATER): then it is deferred, under a cookie by
 * which v3c_fault_answer() finds it, and the worker goes on. No deferred group is waited for:
 * v3c_fault_close() and v3c_fault_end() take it and refuse it.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "base/compat.h"
#include "base/iommus.h"
#include "base/phys.h"
#include "base/topology.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/lookup.h"
#include "table/hwpt.h"

/*
 * v3c_fault_lock protects everything in this file. It is taken with interrupts off; only locks of
 * the workqueue are taken inside.
 */
static DEFINE_SPINLOCK(v3c_fault_lock);

/* V3C_FAULT_STEPS bounds the devices looked at for one fault, whether they report or not. */
#define V3C_FAULT_STEPS	256

/* v3c_fault_tables has the first target of each kind, see &struct v3c_fault_target. */
static struct rb_root v3c_fault_tables = RB_ROOT;

/* v3c_reporters has the enabled reporters of PCI devices, by requester ID. */
static DEFINE_HASHTABLE(v3c_reporters, 8);

static struct workqueue_struct *v3c_fault_wq;

/* v3c_last_cookie is the last cookie given out. None is 0 or given twice. */
static u64 v3c_last_cookie;

/* push_record() queues @record. When the queue is full it counts it as lost, and returns false. */
static bool push_record(struct v3c_reporter *reporter, const struct v3c_fault_record *record)
{
	unsigned int at = (reporter->first + reporter->count) % V3C_FAULT_QUEUE;
	bool fits = reporter->count < V3C_FAULT_QUEUE;

	lockdep_assert_held(&v3c_fault_lock);

	if (fits) {
		reporter->ring[at] = *record;
		reporter->count++;
	} else {
		reporter->lost++;
	}
	queue_work(v3c_fault_wq, &reporter->work);
	return fits;
}

static bool push_refused(struct v3c_reporter *reporter, const struct v3c_fault_target *target,
			 u64 address, u32 pasid, bool write)
{
	struct v3c_fault_record record = {
		.domain = target->domain,
		.address = address,
		.pasid = pasid,
		.perm = write ? IOMMU_FAULT_PERM_WRITE : IOMMU_FAULT_PERM_READ,
		.kind = V3C_FAULT_UNRECOVERABLE,
		.stage1 = v3c_domain_is_first_stage(target->domain),
	};

	return push_record(reporter, &record);
}

/* struct v3c_fault_key finds targets in v3c_fault_tables. NULL @pdo or @reporter match all. */
struct v3c_fault_key {
	const struct v3c_hwpt *hwpt;
	const struct device *pdo;
	const struct v3c_reporter *reporter;
};

static struct v3c_fault_target *of_table(const struct rb_node *node)
{
	return rb_entry_safe(node, struct v3c_fault_target, by_table);
}

static int compare_pointers(const void *a, const void *b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

static int compare_key(const void *data, const struct rb_node *node)
{
	const struct v3c_fault_target *target = of_table(node);
	const struct v3c_fault_key *key = data;
	int order = compare_pointers(key->hwpt, target->hwpt);

	if (!order && key->pdo)
		order = compare_pointers(key->pdo, target->reporter->pdo);
	if (!order && key->reporter)
		order = compare_pointers(key->reporter, target->reporter);
	return order;
}

static struct v3c_fault_key key_of(const struct v3c_fault_target *target)
{
	return (struct v3c_fault_key) {
		.hwpt = target->hwpt, .pdo = target->reporter->pdo, .reporter = target->reporter,
	};
}

static int compare_targets(struct rb_node *node, const struct rb_node *other)
{
	struct v3c_fault_key key = key_of(of_table(node));

	return compare_key(&key, other);
}

static int compare_pasids(struct rb_node *node, const struct rb_node *other)
{
	u32 a = rb_entry(node, struct v3c_fault_target, by_pasid)->pasid;
	u32 b = rb_entry(other, struct v3c_fault_target, by_pasid)->pasid;

	return a == b ? 0 : a < b ? -1 : 1;
}

static int compare_pasid(const void *pasid, const struct rb_node *node)
{
	u32 a = *(const u32 *)pasid, b = rb_entry(node, struct v3c_fault_target, by_pasid)->pasid;

	return a == b ? 0 : a < b ? -1 : 1;
}

static bool is_of_twin(const struct v3c_fault_target *target, const struct rb_node *beside)
{
	const struct v3c_fault_target *other = of_table(beside);

	return other && other->hwpt == target->hwpt &&
	       other->reporter->pdo == target->reporter->pdo;
}

/*
 * report_refused() reports a fault to the device of @target, which is the first target of its kind.
 * A device may use one page table for several kinds of DMA, which the source does not tell apart:
 * then the fault has no PASID, and is suppressed only if all of them are suppressed. Targets of
 * other DMA devices of the same Linux device are neighbours in the tree, and count here.
 */
static bool report_refused(struct v3c_fault_target *target, u64 address, bool write)
{
	bool only = target->count == 1 && !is_of_twin(target, rb_prev(&target->by_table)) &&
		    !is_of_twin(target, rb_next(&target->by_table));

	return target->loud && push_refused(target->reporter, target, address,
					    only ? target->pasid : V3C_NO_PASID, write);
}

/*
 * names_nobody(): the report does not say whose DMA it was, so it may have been that of anybody who
 * uses the page table. IOMMU drivers that do not know give NULL, or the IOMMU itself, which is in
 * no group. A device that has been removed since is in no group either, but it is not registered
 * any more.
 */
static bool names_nobody(struct device *dev)
{
	return !dev || (!device_iommu_mapped(dev) && device_is_registered(dev));
}

/**
 * v3c_fault_unrecoverable() - take a report of an IOMMU driver
 * @domain: the IOMMU core's
 * @dev: whose DMA it was, or NULL, or the IOMMU
 * @iova: logical address
 * @flags: IOMMU_FAULT_READ or IOMMU_FAULT_WRITE
 * @hwpt: the page table; only compared, as it may be on its way out
 *
 * Context: any.
 * Return: 0 when a handler will hear of it; otherwise -ENOSYS, for the driver to log it.
 */
int v3c_fault_unrecoverable(struct iommu_domain *domain, struct device *dev, unsigned long iova,
			    int flags, void *hwpt)
{
	struct v3c_fault_key key = { .hwpt = hwpt, .pdo = names_nobody(dev) ? NULL : dev };
	unsigned int steps = V3C_FAULT_STEPS;
	struct v3c_fault_target *target;
	struct rb_node *node;
	int ret = -ENOSYS;

	guard(spinlock_irqsave)(&v3c_fault_lock);
	node = rb_find_first(&key, &v3c_fault_tables, compare_key);
	for (; node && steps--; node = rb_next_match(&key, node, compare_key)) {
		target = of_table(node);
		if (target->reporter->enabled &&
		    report_refused(target, iova, flags & IOMMU_FAULT_WRITE))
			ret = 0;
	}
	return ret;
}

static bool is_source(const struct v3c_fault_source *source, const struct v3c_logged_fault *fault)
{
	return pci_dev_id(to_pci_dev(source->pdo)) == fault->rid &&
	       (fault->segment < 0 || fault->segment == source->segment);
}

static void report_logged(struct v3c_reporter *reporter, const struct v3c_logged_fault *fault)
{
	struct rb_node *node = rb_find(&fault->pasid, &reporter->targets, compare_pasid);
	struct v3c_fault_target *target = rb_entry_safe(node, struct v3c_fault_target, by_pasid);

	if (target && !target->suppressed)
		push_refused(reporter, target, fault->address, fault->pasid, fault->write);
}

/**
 * v3c_fault_logged() - take a fault that an IOMMU driver has told the log only
 * @fault: what it said
 *
 * Context: any.
 */
void v3c_fault_logged(const struct v3c_logged_fault *fault)
{
	unsigned int steps = V3C_FAULT_STEPS;
	struct v3c_reporter *reporter;

	guard(spinlock_irqsave)(&v3c_fault_lock);
	hash_for_each_possible(v3c_reporters, reporter, by_rid, fault->rid) {
		if (!steps--)
			break;
		if (is_source(&reporter->source, fault))
			report_logged(reporter, fault);
	}
}

static struct v3c_fault_target *to_target(const struct iopf_group *group)
{
	return container_of(group->attach_handle, struct v3c_fault_target, handle);
}

static bool is_allowed(const struct v3c_fault_target *target,
		       const struct iommu_fault_page_request *request)
{
	int allowed = v3c_lookup_permissions(target->domain, target->hwpt,
					    request->addr >> V3C_PAGE_SHIFT);
	int wanted = v3c_fault_wants(request->perm);

	return allowed && (allowed & wanted) == wanted;
}

/* first_refused() finds the first request of @group that no mapping allows, or returns NULL. */
static const struct iommu_fault_page_request *
first_refused(const struct v3c_fault_target *target, const struct iopf_group *group)
{
	const struct iopf_fault *page;

	list_for_each_entry(page, &group->faults, list)
		if (!is_allowed(target, &page->fault.prm))
			return &page->fault.prm;
	return NULL;
}

/* is_too_long(): the core takes groups as they come, and devices choose how long theirs are. */
static bool is_too_long(const struct iopf_group *group)
{
	return group->fault_count > V3C_FAULT_PAGES;
}

/* give_answer() answers a @group that the caller has taken and counted in @target->answering. */
static void give_answer(struct iopf_group *group, struct v3c_fault_target *target, bool allowed)
{
	struct v3c_reporter *reporter = target->reporter;

	v3c_iopf_answer(group, allowed ? IOMMU_PAGE_RESP_SUCCESS : IOMMU_PAGE_RESP_INVALID);
	/*
	 * @target may be freed with its attachment as soon as @answering is 0, so only @reporter is
	 * used afterwards.
	 */
	scoped_guard(spinlock_irq, &v3c_fault_lock)
		target->answering--;
	wake_up_all(&reporter->idle);
}

/* answer_by_mappings() is give_answer() by what is mapped now. */
static void answer_by_mappings(struct iopf_group *group, struct v3c_fault_target *target)
{
	give_answer(group, target, READ_ONCE(target->open) && !is_too_long(group) &&
					   !first_refused(target, group));
}

/* push_group() queues @group for the worker. On false the caller has to answer it. */
static bool push_group(struct iopf_group *group, struct v3c_fault_target *target)
{
	struct v3c_reporter *reporter = target->reporter;
	bool fits = reporter->nr_groups < V3C_FAULT_QUEUE && !is_too_long(group);

	lockdep_assert_held(&v3c_fault_lock);

	if (!target->open || target->suppressed || !reporter->enabled)
		return false;
	if (fits) {
		list_add_tail(&group->node, &reporter->groups);
		reporter->nr_groups++;
	} else {
		reporter->lost += group->fault_count;
	}
	queue_work(v3c_fault_wq, &reporter->work);
	return fits;
}

/*
 * take_page_request() runs in the IOMMU driver's fault thread. Detaching a PASID waits for that
 * thread and may hold a domain's mutex meanwhile, so nothing may be waited for here that a detach
 * holds.
 */
static int take_page_request(struct iopf_group *group)
{
	struct v3c_fault_target *target = to_target(group);

	v3c_iopf_dequeue(group);
	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		if (push_group(group, target))
			return 0;
		target->answering++;
	}
	answer_by_mappings(group, target);
	return 0;
}

/**
 * v3c_fault_makes_requests() - whether a device can make page requests that reach us
 * @dev: a device behind an IOMMU
 *
 * Context: the caller keeps @dev from leaving its IOMMU.
 * Return: true if it can.
 */
bool v3c_fault_makes_requests(struct device *dev)
{
	if (!v3c_iommu_traits_of(dev)->page_requests)
		return false;
#ifdef CONFIG_PCI_PRI
	/* PRI is enabled in the physical function, also for its virtual ones, ATS in each. */
	if (dev_is_pci(dev))
		return pci_physfn(to_pci_dev(dev))->pri_enabled && to_pci_dev(dev)->ats_enabled;
#endif
	return rcu_access_pointer(dev->iommu->fault_param);
}

/**
 * v3c_fault_watch() - have an IOMMU driver report what happens in a page table
 * @hwpt: the table, new
 * @dev: the device that it was made for
 *
 * Cannot be undone. Reports may come until the table is freed, page requests while a PASID is
 * attached.
 */
void v3c_fault_watch(struct v3c_hwpt *hwpt, struct device *dev)
{
	iommu_set_fault_handler(hwpt->core, v3c_fault_unrecoverable, hwpt);
	hwpt->page_requests = v3c_fault_makes_requests(dev);
	if (hwpt->page_requests)
		hwpt->core->iopf_handler = take_page_request;
}

/* struct v3c_fault_call: one call of a handler, on the stack of its caller. */
struct v3c_fault_call {
	struct v3c_fault_record record;
	struct v3c_fault_source source;
	struct v3c_fault_handler handler;
	u64 cookie;
	bool more;
	u64 lost;
};

/*
 * lacks_permission(): the page is mapped, but not with what the DMA needs. The mappings are asked,
 * as they are now, because the IOMMU tells only whether it was a read or a write.
 */
static bool lacks_permission(const struct v3c_fault_record *record)
{
	int allowed = v3c_lookup_permissions(record->domain, NULL,
					     record->address >> V3C_PAGE_SHIFT);
	int wanted = v3c_fault_wants(record->perm);

	return allowed && (allowed & wanted) != wanted;
}

static enum v3c_fault_verdict call_handler(const struct v3c_fault_call *call)
{
	struct v3c_fault_report report = {
		.record = &call->record,
		.source = &call->source,
		.permission = lacks_permission(&call->record),
		.cookie = call->cookie,
		.more = call->more,
		.lost = call->lost,
	};

	return call->handler.tell(&call->handler, &report);
}

/* begin_call(): the handler counts as running from here to end_call(). */
static void begin_call(struct v3c_reporter *reporter, struct v3c_fault_call *call)
{
	lockdep_assert_held(&v3c_fault_lock);

	call->source = reporter->source;
	call->handler = reporter->handler;
	call->lost = reporter->lost;
	reporter->running = current;
	reporter->calls++;
}

static void end_call(struct v3c_reporter *reporter)
{
	scoped_guard(spinlock_irq, &v3c_fault_lock)
		reporter->running = NULL;
	wake_up_all(&reporter->idle);
}

/* deliver_record() calls the handler for the oldest record. False when there is none. */
static bool deliver_record(struct v3c_reporter *reporter)
{
	struct v3c_fault_call call;

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		if (!reporter->count)
			return false;
		call.record = reporter->ring[reporter->first];
		reporter->first = (reporter->first + 1) % V3C_FAULT_QUEUE;
		reporter->count--;
		call.cookie = 0;
		call.more = false;
		begin_call(reporter, &call);
	}
	call_handler(&call);
	end_call(reporter);
	return true;
}

/*
 * give_cookie() gives the group in the worker's hands a cookie when it has none. v3c_fault_end()
 * takes the cookie away: then another handler, which may be there by now, gets a new one. False
 * when the former handler said @later, because the group is lost then.
 */
static bool give_cookie(struct v3c_reporter *reporter, bool later)
{
	lockdep_assert_held(&v3c_fault_lock);

	if (reporter->cookie)
		return true;
	if (later)
		return false;
	reporter->cookie = ++v3c_last_cookie;
	return true;
}

/*
 * begin_page() takes the next page of the group, of which a call has said @later or none has. False
 * when the handler shall hear of none.
 */
static bool begin_page(struct v3c_reporter *reporter, struct v3c_fault_call *call, bool later)
{
	const struct v3c_fault_target *target;
	const struct iommu_fault_page_request *request;

	guard(spinlock_irq)(&v3c_fault_lock);
	if (!reporter->group || !reporter->enabled ||
	    list_entry_is_head(reporter->page, &reporter->group->faults, list) ||
	    !give_cookie(reporter, later))
		return false;
	target = to_target(reporter->group);
	request = &reporter->page->fault.prm;
	call->record = (struct v3c_fault_record) {
		.domain = target->domain,
		.address = request->addr,
		.pasid = target->pasid,
		.perm = request->perm,
		.kind = V3C_FAULT_PAGE_REQUEST,
		.stage1 = v3c_domain_is_first_stage(target->domain),
	};
	reporter->page = list_next_entry(reporter->page, list);
	call->cookie = reporter->cookie;
	call->more = !list_entry_is_head(reporter->page, &reporter->group->faults, list);
	begin_call(reporter, call);
	return true;
}

static bool begin_group(struct v3c_reporter *reporter)
{
	struct iopf_group *group;

	guard(spinlock_irq)(&v3c_fault_lock);
	group = list_first_entry_or_null(&reporter->groups, struct iopf_group, node);
	if (!group)
		return false;
	list_del(&group->node);
	reporter->nr_groups--;
	reporter->group = group;
	reporter->page = list_first_entry(&group->faults, struct iopf_fault, list);
	reporter->cookie = 0;
	return true;
}

/*
 * defer_group() has room, because push_group() leaves at most V3C_FAULT_QUEUE groups besides the
 * one in the worker's hands.
 */
static void defer_group(struct v3c_reporter *reporter, struct iopf_group *group)
{
	lockdep_assert_held(&v3c_fault_lock);

	reporter->deferred[reporter->nr_deferred++] = (struct v3c_deferred) {
		.cookie = reporter->cookie, .since = jiffies, .group = group,
	};
	reporter->nr_groups++;
}

static struct iopf_group *take_deferred(struct v3c_reporter *reporter, unsigned int i)
{
	struct iopf_group *group = reporter->deferred[i].group;

	lockdep_assert_held(&v3c_fault_lock);

	reporter->deferred[i] = reporter->deferred[--reporter->nr_deferred];
	reporter->nr_groups--;
	return group;
}

/*
 * end_group() defers the group when a call has said @later. When v3c_fault_end() has taken the
 * cookie from that call the group is refused as those that were deferred before.
 */
static void end_group(struct v3c_reporter *reporter, bool later)
{
	struct v3c_fault_target *target;
	struct iopf_group *group;

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		group = reporter->group;
		/* v3c_fault_close() or v3c_fault_answer() has taken the group meanwhile. */
		if (!group)
			return;
		reporter->group = NULL;
		if (later && reporter->cookie) {
			defer_group(reporter, group);
			return;
		}
		target = to_target(group);
		target->answering++;
	}
	if (later)
		give_answer(group, target, false);
	else
		answer_by_mappings(group, target);
}

/* deliver_group() calls the handler for each page of the oldest group. False when there is none. */
static bool deliver_group(struct v3c_reporter *reporter)
{
	struct v3c_fault_call call;
	bool later = false;

	if (!begin_group(reporter))
		return false;
	while (begin_page(reporter, &call, later)) {
		later |= call_handler(&call) == V3C_FAULT_LATER;
		end_call(reporter);
	}
	end_group(reporter, later);
	return true;
}

static void tell_lost(struct v3c_reporter *reporter)
{
	struct device *pdo;
	u64 lost;

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		if (!reporter->enabled || reporter->lost == reporter->lost_told)
			return;
		lost = reporter->lost;
		reporter->lost_told = lost;
		pdo = get_device(reporter->source.pdo);
	}
	if (__ratelimit(&reporter->telling))
		dev_warn(pdo, "%llu fault reports were dropped\n", lost);
	put_device(pdo);
}

static void deliver_reports(struct work_struct *work)
{
	struct v3c_reporter *reporter = container_of(work, struct v3c_reporter, work);

	/*
	 * deliver_group() | deliver_record(), not ||: both get a turn, as no queue need ever end.
	 */
	do {
		tell_lost(reporter);
		cond_resched();
	} while (deliver_group(reporter) | deliver_record(reporter));
}

/*
 * v3c_fault_init_once() is called once in the life of the memory; @reporter->pdo is set whenever
 * the memory serves a device.
 */
void v3c_fault_init_once(struct v3c_reporter *reporter)
{
	INIT_HLIST_NODE(&reporter->by_rid);
	reporter->targets = RB_ROOT;
	INIT_LIST_HEAD(&reporter->groups);
	INIT_WORK(&reporter->work, deliver_reports);
	init_waitqueue_head(&reporter->idle);
	/* @telling is per device: a noisy one must not keep another's loss from the log. */
	ratelimit_state_init(&reporter->telling, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
}

/* add_target(): the first of its kind is in the tree, the others are in its list @alike. */
static void add_target(struct v3c_fault_target *target)
{
	struct rb_node *node;

	lockdep_assert_held(&v3c_fault_lock);

	INIT_LIST_HEAD(&target->alike);
	target->count = 0;
	target->loud = 0;
	node = rb_find_add(&target->by_table, &v3c_fault_tables, compare_targets);
	if (node)
		list_add_tail(&target->alike, &of_table(node)->alike);
	else
		node = &target->by_table;
	of_table(node)->count++;
	of_table(node)->loud += !target->suppressed;
	/* rb_find_add() finds no other, because a device has each PASID once. */
	rb_find_add(&target->by_pasid, &target->reporter->targets, compare_pasids);
}

static void replace_first(struct v3c_fault_target *first)
{
	struct v3c_fault_target *next = list_first_entry(&first->alike, struct v3c_fault_target,
							 alike);

	next->count = first->count;
	next->loud = first->loud;
	rb_replace_node(&first->by_table, &next->by_table, &v3c_fault_tables);
	list_del(&first->alike);
}

static void remove_target(struct v3c_fault_target *target)
{
	struct v3c_fault_key key = key_of(target);
	struct v3c_fault_target *first;

	lockdep_assert_held(&v3c_fault_lock);

	first = of_table(rb_find(&key, &v3c_fault_tables, compare_key));
	first->count--;
	first->loud -= !target->suppressed;
	if (first != target)
		list_del(&target->alike);
	else if (target->count)
		replace_first(target);
	else
		rb_erase(&target->by_table, &v3c_fault_tables);
	rb_erase(&target->by_pasid, &target->reporter->targets);
}

/**
 * v3c_fault_open() - let faults find an attachment
 * @target: names the attachment, until v3c_fault_close()
 * @reporter: of the device whose DMA it is
 * @domain: what it is attached to
 * @hwpt: its page table, or NULL for the kernel's identity domain
 * @pasid: or %V3C_NO_PASID
 * @suppressed: faults are not to be reported
 *
 * Context: any.
 */
void v3c_fault_open(struct v3c_fault_target *target, struct v3c_reporter *reporter,
		    struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u32 pasid,
		    bool suppressed)
{
	target->reporter = reporter;
	target->domain = domain;
	target->hwpt = hwpt;
	target->pasid = pasid;
	target->suppressed = suppressed;
	target->open = true;
	target->answering = 0;
	guard(spinlock_irqsave)(&v3c_fault_lock);
	add_target(target);
}

static void take_groups(struct v3c_fault_target *target, struct list_head *groups)
{
	struct v3c_reporter *reporter = target->reporter;
	struct iopf_group *group, *next;
	unsigned int i;

	lockdep_assert_held(&v3c_fault_lock);

	list_for_each_entry_safe(group, next, &reporter->groups, node) {
		if (to_target(group) != target)
			continue;
		list_move_tail(&group->node, groups);
		reporter->nr_groups--;
	}
	/* Backwards, because take_deferred() puts the last one in the place of the one taken. */
	for (i = reporter->nr_deferred; i--;)
		if (to_target(reporter->deferred[i].group) == target)
			list_add(&take_deferred(reporter, i)->node, groups);
	if (reporter->group && to_target(reporter->group) == target) {
		list_add(&reporter->group->node, groups);
		reporter->group = NULL;
	}
}

static bool is_quiet(struct v3c_fault_target *target)
{
	guard(spinlock_irq)(&v3c_fault_lock);
	return !target->answering;
}

/**
 * v3c_fault_close() - undo v3c_fault_open()
 * @target: about to be detached, or not attached after all
 *
 * Reports that are queued stay so. Page requests are refused, also deferred ones and the one that
 * the handler is being called for; the handler is not waited for. Those that come before the IOMMU
 * has forgotten the PASID are refused at once.
 *
 * Context: may sleep; not under a lock that an IOMMU driver's page_response() may want.
 */
void v3c_fault_close(struct v3c_fault_target *target)
{
	struct iopf_group *group, *next;
	LIST_HEAD(groups);

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		WRITE_ONCE(target->open, false);
		remove_target(target);
		take_groups(target, &groups);
	}
	list_for_each_entry_safe(group, next, &groups, node)
		v3c_iopf_answer(group, IOMMU_PAGE_RESP_INVALID);
	wait_event(target->reporter->idle, is_quiet(target));
}

/**
 * v3c_fault_begin() - report faults to a handler
 * @reporter: reporting nothing
 * @handler: the handler
 * @source: what reports say about where they come from
 * @gfp: for the reports that wait
 *
 * Context: may sleep; under v3c_topology.
 * Return: 0 or -ENOMEM.
 */
int v3c_fault_begin(struct v3c_reporter *reporter, const struct v3c_fault_handler *handler,
		    const struct v3c_fault_source *source, gfp_t gfp)
{
	struct v3c_fault_record *ring;

	lockdep_assert_held(&v3c_topology);
	ring = kcalloc(V3C_FAULT_QUEUE, sizeof(*ring), gfp);
	if (!ring)
		return -ENOMEM;

	guard(spinlock_irq)(&v3c_fault_lock);
	reporter->handler = *handler;
	reporter->source = *source;
	reporter->ring = ring;
	reporter->first = 0;
	reporter->count = 0;
	reporter->lost = 0;
	reporter->lost_told = 0;
	reporter->enabled = true;
	if (dev_is_pci(source->pdo))
		hash_add(v3c_reporters, &reporter->by_rid, pci_dev_id(to_pci_dev(source->pdo)));
	return 0;
}

/**
 * v3c_fault_end() - start no call of a handler any more
 * @reporter: reporting or not
 *
 * Reports that are queued are dropped, and deferred page requests refused.
 *
 * Context: may sleep; under v3c_topology, but no lock that an IOMMU driver's page_response() may
 * want.
 */
void v3c_fault_end(struct v3c_reporter *reporter)
{
	struct v3c_fault_record *ring;
	struct iopf_group *group, *next;
	LIST_HEAD(groups);

	lockdep_assert_held(&v3c_topology);
	if (!reporter->enabled)
		return;
	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		reporter->enabled = false;
		hash_del(&reporter->by_rid);
		ring = reporter->ring;
		reporter->ring = NULL;
		reporter->count = 0;
		reporter->cookie = 0;
		while (reporter->nr_deferred) {
			group = take_deferred(reporter, reporter->nr_deferred - 1);
			to_target(group)->answering++;
			list_add(&group->node, &groups);
		}
	}
	kfree(ring);
	list_for_each_entry_safe(group, next, &groups, node)
		give_answer(group, to_target(group), false);
}

/* take_by_cookie() also takes the group in the worker's hands. NULL when there is none. */
static struct iopf_group *take_by_cookie(struct v3c_reporter *reporter, u64 cookie)
{
	struct iopf_group *group = reporter->group;
	unsigned int i;

	lockdep_assert_held(&v3c_fault_lock);

	if (!cookie)
		return NULL;
	if (group && reporter->cookie == cookie) {
		reporter->group = NULL;
		return group;
	}
	for (i = 0; i < reporter->nr_deferred; i++)
		if (reporter->deferred[i].cookie == cookie)
			return take_deferred(reporter, i);
	return NULL;
}

/**
 * v3c_fault_answer() - answer a group of page requests
 * @reporter: reporting or not; may be that of a dead device
 * @cookie: of the group, from &struct v3c_fault_report, or any other number
 * @allow: the device may try again, as far as it would find its pages mapped
 * @page: result with %V3C_REASON_NOT_MAPPED: logical address of the first page that is not mapped
 *	as its request wants it
 *
 * The handler is told of none of the group's requests any more.
 *
 * Context: may sleep; also inside the handler.
 * Return: 0; %V3C_REASON_NOT_MAPPED when the group was refused although @allow; or
 * %V3C_REASON_BAD_HANDLE when no group has @cookie, or others have answered it.
 */
enum v3c_reason v3c_fault_answer(struct v3c_reporter *reporter, u64 cookie, bool allow, u64 *page)
{
	const struct iommu_fault_page_request *refused = NULL;
	enum v3c_reason reason = V3C_REASON_NONE;
	struct v3c_fault_target *target;
	struct iopf_group *group;

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		group = take_by_cookie(reporter, cookie);
		if (!group)
			return V3C_REASON_BAD_HANDLE;
		target = to_target(group);
		target->answering++;
	}
	if (allow)
		refused = first_refused(target, group);
	if (refused) {
		*page = refused->addr & ~(u64)(V3C_PAGE_SIZE - 1);
		reason = V3C_REASON_NOT_MAPPED;
	}
	/* v3c_fault_close() waits for this group, and refuses the others of @target. */
	if (allow && !READ_ONCE(target->open))
		reason = V3C_REASON_BAD_HANDLE;
	give_answer(group, target, allow && !reason);
	return reason;
}

/*
 * take_expired() returns a group that was deferred @age ago or before, or NULL. @left is how long
 * the next one has, or 0 when none waits. One in the worker's hands may be about to wait.
 */
static struct iopf_group *take_expired(struct v3c_reporter *reporter, unsigned long age,
				       unsigned long *left)
{
	struct iopf_group *group;
	unsigned long waited;
	unsigned int i;

	guard(spinlock_irq)(&v3c_fault_lock);
	*left = reporter->group ? 1 : 0;
	for (i = 0; i < reporter->nr_deferred; i++) {
		waited = jiffies - reporter->deferred[i].since;
		if (waited >= age) {
			group = take_deferred(reporter, i);
			to_target(group)->answering++;
			return group;
		}
		*left = *left ? min(*left, age - waited) : age - waited;
	}
	return NULL;
}

/**
 * v3c_fault_expire() - refuse groups of page requests that have waited too long for an answer
 * @reporter: reporting or not; may be that of a dead device
 * @age: how long is too long, in jiffies
 *
 * Context: may sleep.
 * Return: in how many jiffies the next group will have waited so long; 0 when none waits.
 */
unsigned long v3c_fault_expire(struct v3c_reporter *reporter, unsigned long age)
{
	struct iopf_group *group;
	unsigned long left;

	while ((group = take_expired(reporter, age, &left)))
		give_answer(group, to_target(group), false);
	return left;
}

static bool is_over(struct v3c_reporter *reporter, u64 call)
{
	guard(spinlock_irq)(&v3c_fault_lock);
	return !reporter->running || reporter->calls != call;
}

/**
 * v3c_fault_wait() - wait for a handler that is running, unless called from inside it
 * @reporter: after v3c_fault_end(); may be that of a dead device
 * @state: TASK_UNINTERRUPTIBLE, or which signals end the wait
 *
 * Context: may sleep; with no lock held that a handler could want.
 * Return: 0; or -EINTR, and the handler may still be running.
 */
int v3c_fault_wait(struct v3c_reporter *reporter, unsigned int state)
{
	u64 call;

	scoped_guard(spinlock_irq, &v3c_fault_lock) {
		if (!reporter->running || reporter->running == current)
			return 0;
		call = reporter->calls;
	}
	return wait_event_state(reporter->idle, is_over(reporter, call), state) ? -EINTR : 0;
}

/* v3c_fault_lost(): reports that were dropped for want of room since reporting was enabled. */
u64 v3c_fault_lost(struct v3c_reporter *reporter)
{
	guard(spinlock_irq)(&v3c_fault_lock);
	return reporter->enabled ? reporter->lost : 0;
}

/*
 * v3c_fault_queue_work() queues @work to v3c_fault_wq, because v3c_fault_module_exit() waits for
 * all that is queued there. @work may wait for a handler, because it runs beside the handlers.
 */
void v3c_fault_queue_work(struct work_struct *work)
{
	queue_work(v3c_fault_wq, work);
}

int v3c_fault_module_init(void)
{
	v3c_fault_wq = alloc_workqueue("v3compat_faults", WQ_UNBOUND, 0);
	return v3c_fault_wq ? 0 : -ENOMEM;
}

/* v3c_fault_module_exit() is called when no device is left, and no source of faults. */
void v3c_fault_module_exit(void)
{
	destroy_workqueue(v3c_fault_wq);
}
