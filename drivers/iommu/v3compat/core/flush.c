// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_domain_flush() and v3c_domain_configure(): the tables of an Unmanaged domain. Devices find
 * what its owner's tables say after a flush.
 */
#include <linux/mutex.h>

#include "base/context.h"
#include "base/topology.h"
#include "base/trace.h"
#include "core/attachment.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/flush.h"
#include "core/guard.h"
#include "table/gate.h"
#include "table/hwpt.h"
#include "table/passthrough.h"
#include "table/shadow.h"

/*
 * lock_domain() takes @domain->mutex and then v3c_topology, in this order for the reason that
 * lock_quiet() in attach.c tells; @domain may be dead. Returns 0, or -EINTR when the caller is
 * killed.
 */
static int lock_domain(struct v3c_domain *domain)
{
	if (mutex_lock_killable(&domain->mutex))
		return -EINTR;
	mutex_lock(&v3c_topology);
	return 0;
}

static void unlock_domain(struct v3c_domain *domain)
{
	mutex_unlock(&v3c_topology);
	mutex_unlock(&domain->mutex);
}

/*
 * install_tables() makes the mirrors go by @tables. The old runs can be freed, because
 * v3c_shadow_set_tables() has waited for those who read them.
 */
static void install_tables(struct v3c_domain *domain, const struct v3c_tables *tables)
{
	const struct v3c_runs *old = domain->tables.runs;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	domain->tables = *tables;
	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		v3c_shadow_set_tables(hwpt->shadow, tables);
	v3c_runs_free(old);
}

static bool has_guarded(struct v3c_domain *domain)
{
	struct v3c_attachment *attachment;
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &domain->devices, attached)
		if (!v3c_guard_allows_bypass(device->pdo))
			return true;
	list_for_each_entry(attachment, &domain->pasids, entry)
		if (!v3c_guard_allows_bypass(attachment->dev))
			return true;
	return false;
}

/**
 * struct v3c_flush - a call that brings mirrors up to date
 * @domain: the domain
 * @serial: of the domain that the call is about, as the memory may become another's on the way
 * @op: keeps the page tables. Ended and begun anew now and then, because those who wait for
 *	operations must not wait for all of a long call
 * @slots: page tables there were at the start; later ones are filled by whoever adds them
 * @work: what the call may do still
 * @list: addresses listed behind the pages that are being compared
 * @listed: how many they are, or 0
 * @taken: how many of them went with these pages, from the first one on, in all page tables
 */
struct v3c_flush {
	struct v3c_domain *domain;
	u32 serial;
	struct v3c_op op;
	u8 slots;
	struct v3c_work work;
	const u8 *list;
	u32 listed;
	u32 taken;
};

static int begin_piece(struct v3c_flush *flush)
{
	const struct v3c_handle *handle = &flush->domain->handle;
	int ret = v3c_gate_begin(&flush->domain->space, &flush->op);

	if (ret)
		return ret;
	/* smp_load_acquire() first, because a new domain has its serial before its kind. */
	if (smp_load_acquire(&handle->kind) == V3C_KIND_DOMAIN &&
	    READ_ONCE(handle->serial) == flush->serial)
		return 0;
	v3c_gate_end(&flush->domain->space, &flush->op);
	return -ESTALE;
}

/*
 * begin_flush() returns -ESTALE when the domain is gone. Otherwise v3c_gate_end() must follow,
 * unless next_piece() has failed, which leaves nothing to end.
 */
static int begin_flush(struct v3c_flush *flush, struct v3c_domain *domain, u32 serial,
		       bool may_sleep)
{
	int ret;

	flush->domain = domain;
	flush->serial = serial;
	flush->listed = 0;
	v3c_work_init(&flush->work, may_sleep);
	ret = begin_piece(flush);
	if (!ret)
		flush->slots = flush->op.slots;
	return ret;
}

static int next_piece(struct v3c_flush *flush)
{
	v3c_gate_end(&flush->domain->space, &flush->op);
	v3c_work_renew(&flush->work);
	return begin_piece(flush);
}

static int sync_slot(struct v3c_flush *flush, u8 slot, u64 first, u64 last)
{
	struct v3c_sync sync;
	int ret;

	v3c_sync_init(&sync, first, last);
	sync.list = flush->list;
	sync.listed = flush->listed;
	while (flush->op.slots & BIT(slot) &&
	       v3c_shadow_sync_piece(flush->domain->hwpts[slot]->shadow, &sync, &flush->work)) {
		ret = next_piece(flush);
		if (ret)
			return ret;
	}
	flush->taken = min(flush->taken, sync.taken);
	/*
	 * &v3c_hwpt.lost: devices still reach what the IOMMU driver did not unmap, whatever the
	 * owner's tables say.
	 */
	if (!sync.err && flush->op.slots & BIT(slot) && READ_ONCE(flush->domain->hwpts[slot]->lost))
		return -EUCLEAN;
	return sync.err;
}

/* sync_pages() goes on with the other page tables when one fails, and returns the first error. */
static int sync_pages(struct v3c_flush *flush, u64 first, u64 last)
{
	int ret = 0, err;
	u8 slot;

	flush->taken = flush->listed;
	for (slot = 0; slot < V3C_MAX_SLOTS; slot++) {
		if (!(flush->slots & BIT(slot)))
			continue;
		err = sync_slot(flush, slot, first, last);
		if (err == -ESTALE)
			return err;
		ret = ret ? ret : err;
	}
	return ret;
}

/* sync_all() is about the domain that had @serial. Returns -ESTALE when it is gone by now. */
static int sync_all(struct v3c_domain *domain, u32 serial)
{
	struct v3c_flush flush;
	int ret = begin_flush(&flush, domain, serial, true);

	if (!ret)
		ret = sync_pages(&flush, 0, V3C_UPPER_LAST);
	if (ret != -ESTALE)
		v3c_gate_end(&domain->space, &flush.op);
	return ret;
}

static enum v3c_reason check_tables(struct v3c_domain *domain, const struct v3c_tables *tables,
				    struct v3c_why *why)
{
	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DOMAIN, NULL, 0, 0);
	if (domain->type != V3C_DOMAIN_UNMANAGED)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain,
				  domain->type, 0);
	if (tables->kind == V3C_TABLES_IDENTITY && has_guarded(domain))
		return v3c_refuse(why, V3C_REASON_NOT_AVAILABLE, V3C_PARAM_CONFIG, domain,
				  domain->type, 0);
	return 0;
}

/* configure_none() rolls back to no tables. Unmapping allocates nothing, so it cannot fail. */
static void configure_none(struct v3c_domain *domain, u32 serial)
{
	static const struct v3c_tables none = { .kind = V3C_TABLES_NONE };

	scoped_guard(mutex, &domain->mutex) {
		if (!v3c_handle_is(domain, V3C_KIND_DOMAIN) || domain->handle.serial != serial)
			return;
		install_tables(domain, &none);
	}
	sync_all(domain, serial);
}

static enum v3c_reason configure_tables(struct v3c_domain *domain, const struct v3c_tables *wanted,
					struct v3c_why *why)
{
	struct v3c_tables tables = *wanted;
	enum v3c_reason reason;
	u32 serial;
	int ret;

	lockdep_assert_held(&domain->configuring);

	if (tables.kind == V3C_TABLES_IDENTITY) {
		tables.runs = v3c_runs_collect();
		if (!tables.runs)
			return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, domain, 0, 0);
	}
	/*
	 * v3c_topology also freezes the guard's policy, which has_guarded() reads, until the new
	 * tables are there for whoever attaches.
	 */
	ret = lock_domain(domain);
	if (ret) {
		v3c_runs_free(tables.runs);
		return v3c_refuse_errno(why, ret, V3C_PARAM_DOMAIN, domain, 0, 0);
	}
	reason = check_tables(domain, &tables, why);
	serial = domain->handle.serial;
	if (!reason)
		install_tables(domain, &tables);
	unlock_domain(domain);
	if (reason) {
		v3c_runs_free(tables.runs);
		return reason;
	}
	ret = sync_all(domain, serial);
	if (!ret)
		return 0;
	configure_none(domain, serial);
	return v3c_refuse_errno(why, ret, V3C_PARAM_DOMAIN, domain, 0, 0);
}

/**
 * v3c_domain_configure() - give an Unmanaged domain its owner's tables
 * @domain: the domain
 * @tables: checked; copied
 * @why: filled on refusal
 *
 * The tables are mirrored without any lock that another call waits for, but for another
 * configuration of the same domain.
 *
 * Context: may sleep.
 * Return: 0 or a reason, see ConfigureDomain in contract.h.
 */
enum v3c_reason v3c_domain_configure(struct v3c_domain *domain, const struct v3c_tables *tables,
				     struct v3c_why *why)
{
	enum v3c_reason reason;

	if (mutex_lock_killable(&domain->configuring))
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_DOMAIN, domain, 0, 0);
	reason = configure_tables(domain, tables, why);
	mutex_unlock(&domain->configuring);
	return reason;
}

/*
 * flush_all() flushes everything, also for a list: where the tables are ours every unmap has
 * invalidated its pages already, so a list cannot narrow down what is left.
 */
static void flush_all(struct v3c_domain *domain, u8 slots)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(domain, hwpt, slots)
		v3c_hwpt_flush(hwpt);
}

/* V3C_LISTED_RUN bounds the listed pages that are compared together. */
#define V3C_LISTED_RUN	(16 * V3C_TABLE_PAGES)

/*
 * sync_list() takes pages together that follow each other in @list, because they can share the walk
 * and the invalidation. Of pages in blocks that follow each other only the comparison can tell.
 */
static int sync_list(struct v3c_flush *flush, u32 number, const u8 *list)
{
	u32 done, run, limit;
	int ret = 0, err;
	u64 first;

	for (done = 0; done < number; done += run) {
		first = v3c_listed_page(list, done);
		limit = min_t(u32, number - done, V3C_LISTED_RUN);
		for (run = 1; run < limit; run++)
			if (v3c_listed_page(list, done + run) != first + run)
				break;
		flush->list = list + (done + run) * sizeof(u64);
		flush->listed = number - done - run;
		err = sync_pages(flush, first, first + run - 1);
		if (err == -ESTALE)
			return err;
		ret = ret ? ret : err;
		run += flush->taken;
		v3c_work_done(&flush->work, run);
		/*
		 * sync_pages() compares nothing when v3c_work_is_over(): it only has a work item do
		 * the rest.
		 */
		if (v3c_work_is_over(&flush->work) && done + run < number)
			return sync_pages(flush, 0, V3C_UPPER_LAST);
	}
	return ret;
}

/* flush_tables() brings everything up to date, or the @number pages that @list names. */
static enum v3c_reason flush_tables(struct v3c_domain *domain, u32 number, const void *list,
				    struct v3c_why *why)
{
	struct v3c_flush call;
	int ret;

	ret = begin_flush(&call, domain, READ_ONCE(domain->handle.serial),
			  gfpflags_allow_blocking(v3c_gfp()));
	if (ret)
		goto out;
	if (domain->type != V3C_DOMAIN_UNMANAGED)
		flush_all(domain, call.slots);
	else if (list)
		ret = sync_list(&call, number, list);
	else
		ret = sync_pages(&call, 0, V3C_UPPER_LAST);
	if (ret != -ESTALE)
		v3c_gate_end(&domain->space, &call.op);
out:
	if (ret)
		return v3c_refuse_errno(why, ret, V3C_PARAM_DOMAIN, domain, 0, 0);
	return 0;
}

/**
 * v3c_domain_flush() - bring everything that devices may find up to date
 * @domain: the domain
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0; %V3C_REASON_BAD_HANDLE when the domain was deleted meanwhile; or, for an Unmanaged
 * domain whose tables could not all be mirrored: %V3C_REASON_NO_MEMORY,
 * %V3C_REASON_TABLES_TOO_LARGE, %V3C_REASON_TOO_MUCH_WORK without sleeping, %V3C_REASON_SHORT_UNMAP
 * or %V3C_REASON_KILLED.
 */
enum v3c_reason v3c_domain_flush(struct v3c_domain *domain, struct v3c_why *why)
{
	enum v3c_reason reason = flush_tables(domain, 0, NULL, why);

	trace_v3compat_flush(domain, reason);
	return reason;
}

/**
 * v3c_domain_flush_list() - v3c_domain_flush() for some pages
 * @domain: the domain
 * @number: of addresses, at least 1
 * @list: 8-byte addresses; the low 12 bits do not matter
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: as v3c_domain_flush().
 */
enum v3c_reason v3c_domain_flush_list(struct v3c_domain *domain, u32 number, const void *list,
				      struct v3c_why *why)
{
	enum v3c_reason reason = flush_tables(domain, number, list, why);

	trace_v3compat_flush(domain, reason);
	return reason;
}
