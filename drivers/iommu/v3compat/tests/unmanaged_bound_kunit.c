// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that say more than any machine has: what mirroring them may cost, who pays, and who waits.
 *
 * The tables of a case are four pages or so: all entries of one point to the next.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "tables.h"
#include "thread.h"

#define AT		((u64)SZ_1G)

/* What unmanaged.rst promises of a call that cannot sleep. */
#define ATOMIC_ENTRIES	131072
#define ATOMIC_MAPS	8192
/* A bound is looked at between steps of so many entries. */
#define STEP		256

/* What one mirror may take, and how many of them there may be that do. */
#define DOMAIN_PAGES	clamp(totalram_pages() / 64, 64UL, SZ_64M / PAGE_SIZE)
#define DOMAINS		4

/**
 * struct everything - tables that translate all addresses to one page
 * @tables: with an empty root at first
 * @link: what its entries are to be
 * @leaves: the table of leaves
 * @page: the page
 */
struct everything {
	struct v3t_tables tables;
	u64 link;
	u64 *leaves;
	struct page *page;
};

static void fill(u64 *entries, u64 value, unsigned int count)
{
	while (count--)
		WRITE_ONCE(entries[count], value);
}

/* @leaves of each 2 MiB are translated: the first ones. */
static void make_everything(struct kunit *test, struct everything *all, unsigned int leaves)
{
	struct v3t_tables *tables = &all->tables;
	u64 table = 0, below;
	unsigned int level;

	v3t_tables_init(test, tables, V3T_X64);
	all->page = v3t_pages(test, 0);
	for (level = 0; level < 3; level++) {
		below = table;
		table = v3t_new_table(tables);
		if (level)
			fill(phys_to_virt(table), v3t_link(tables, below), 512);
		else
			all->leaves = phys_to_virt(table);
	}
	fill(all->leaves, v3t_leaf(tables, page_to_phys(all->page), 0, true), leaves);
	all->link = v3t_link(tables, table);
}

static void show(struct everything *all, unsigned int count)
{
	fill(phys_to_virt(all->tables.root), all->link, count);
}

static NTSTATUS flush_atomic(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	NTSTATUS status;

	preempt_disable();
	status = V3T_V3(test)->FlushDomain(domain);
	preempt_enable();
	return status;
}

/* One that asks for everything gets its share, and that is not what the others need. */
static void each_domain_has_its_share(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN greedy = v3t_domain(test, DomainTypeUnmanaged, 0);
	PIOMMU_DMA_DOMAIN modest = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct iommusim_stats before, after;
	struct v3t_tables tables;
	struct everything all;

	make_everything(test, &all, 1);
	show(&all, 512);
	before = v3t_stats(w->sim);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, ConfigureDomain,
		      v3t_install(greedy, &all.tables));
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_GT(test, after.maps, before.maps);
	KUNIT_EXPECT_LE(test, after.maps - before.maps, DOMAIN_PAGES);
	KUNIT_EXPECT_EQ(test, after.leaf_4k, before.leaf_4k);

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set_page(&tables, AT, page);
	v3t_configure(modest, &tables);
	v3t_attach(test, modest, w->device);
	v3t_expect_reaches(test, w->pdo, AT, page);
}

/* Each takes nearly all of its share, until nothing is left. */
static void all_domains_together_have_a_limit(struct kunit *test)
{
	u64 tables = (DOMAIN_PAGES - 1) / 513, used = 1 + tables * 513, at_rest, *level2;
	PIOMMU_DMA_DOMAIN domains[4 * DOMAINS];
	struct v3t_world *w = test->priv;
	struct everything all;
	unsigned int i, n = 0;
	NTSTATUS status;

	v3t_skip_where(test, IOMMUSIM_LATE_SEND, "an attach mirrors anew, beside the old mirror");
	for (i = 0; i < ARRAY_SIZE(domains); i++)
		domains[i] = v3t_domain(test, DomainTypeUnmanaged, 0);
	make_everything(test, &all, 1);
	level2 = phys_to_virt(all.link & V3C_ARM64_PHYS);
	fill(level2 + tables, 0, 512 - tables);
	show(&all, 1);
	at_rest = v3t_stats(w->sim).tables;
	do {
		status = v3t_install(domains[n], &all.tables);
	} while (NT_SUCCESS(status) && ++n < ARRAY_SIZE(domains));
	KUNIT_ASSERT_LT(test, n, ARRAY_SIZE(domains));
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, ConfigureDomain, status);
	KUNIT_EXPECT_GE(test, n, DOMAINS);
	KUNIT_EXPECT_LE(test, n * used, (DOMAIN_PAGES + 1) * DOMAINS);
	/* The last one had nothing but its own share, either. */
	KUNIT_EXPECT_LE(test, v3t_stats(w->sim).tables, at_rest + (DOMAIN_PAGES + 1) * DOMAINS);

	v3t_attach(test, domains[0], w->device);
	v3t_expect_reaches(test, w->pdo, 0, all.page);
	v3t_delete_domain(test, domains[1]);
	v3t_configure(domains[n], &all.tables);
}

/* What the IOMMU driver keeps for addresses that were mirrored once is not added up for ever. */
static void tables_of_old_addresses_are_freed(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct v3t_world *w = test->priv;
	struct v3t_tables tables;
	u64 at_rest, most = 0, link, leaves, at, i;

	v3t_tables_init(test, &tables, V3T_X64);
	leaves = v3t_new_table(&tables);
	*(u64 *)phys_to_virt(leaves) = v3t_leaf(&tables, leaves, 0, false);
	link = v3t_link(&tables, leaves);
	v3t_configure(domain, &tables);
	at_rest = v3t_stats(w->sim).tables;
	for (i = 0; i < DOMAIN_PAGES + 512; i++) {
		at = i * SZ_2M;
		v3t_set(&tables, at, 1, link);
		if (!EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 1, &at))
			break;
		v3t_set(&tables, at, 1, 0);
		EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 1, &at);
		most = max(most, v3t_stats(w->sim).tables);
	}
	/* Wide addresses have a level above those that the mirror knows. */
	KUNIT_EXPECT_LE(test, most, at_rest + DOMAIN_PAGES + 1);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k + v3t_stats(w->sim).leaf_2m, 0);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void atomic_flushes_are_short(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct v3t_world *w = test->priv;
	struct iommusim_stats before, after;
	struct everything all;
	NTSTATUS status;

	make_everything(test, &all, 512);
	v3t_configure(domain, &all.tables);
	v3t_attach(test, domain, w->device);
	before = v3t_stats(w->sim);
	show(&all, 512);
	status = flush_atomic(test, domain);
	after = v3t_stats(w->sim);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, status);
	KUNIT_EXPECT_GE(test, after.maps - before.maps, ATOMIC_MAPS);
	KUNIT_EXPECT_LE(test, after.maps - before.maps, ATOMIC_MAPS + STEP);
	v3t_expect_reaches(test, w->pdo, 0, all.page);

	/* It need not map to have too much to do. */
	fill(all.leaves, 0, 512);
	status = flush_atomic(test, domain);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, status);
	v3t_expect_blocked(test, w->pdo, 0);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* What a call cannot map is one thing. What must go goes with it, whatever it could not map. */
static void atomic_flushes_remove_all_the_same(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	u64 last = BIT_ULL(47) - SZ_4K;
	struct everything all;
	NTSTATUS status;

	make_everything(test, &all, 512);
	v3t_set_page(&all.tables, last, page);
	v3t_set_page(&all.tables, last - SZ_4K, page);
	v3t_configure(domain, &all.tables);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, last, page);

	v3t_set(&all.tables, last, 0, 0);
	show(&all, 255);
	status = flush_atomic(test, domain);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, status);
	v3t_expect_blocked(test, w->pdo, last);
	v3t_expect_reaches(test, w->pdo, last - SZ_4K, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* Another thread sees to it. */
static void wait_until_blocked(struct kunit *test, struct device *pdo, u64 address)
{
	unsigned long end = jiffies + 20 * HZ;
	u64 word;

	while (!iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word), NULL) &&
	       time_before(jiffies, end))
		usleep_range(500, 1000);
	v3t_expect_blocked(test, pdo, address);
}

/* A mirror too large to be compared without sleeping: the rest is, as soon as there is time. */
static void the_rest_is_removed_by_itself(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct v3t_world *w = test->priv;
	u64 last = 511 * (u64)SZ_2M;
	struct everything all;
	NTSTATUS status;
	u64 *level2;

	make_everything(test, &all, 2);
	level2 = phys_to_virt(all.link & V3C_ARM64_PHYS);
	fill(level2 + 1, 0, 511);
	show(&all, 1);
	v3t_configure(domain, &all.tables);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, last, all.page);

	all.leaves[2] = all.leaves[0];
	all.leaves[0] = 0;
	status = flush_atomic(test, domain);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, status);
	v3t_expect_blocked(test, w->pdo, 0);
	v3t_expect_reaches(test, w->pdo, SZ_8K, all.page);
	wait_until_blocked(test, w->pdo, last);
	v3t_expect_reaches(test, w->pdo, last + SZ_4K, all.page);
	/* What is new waits for a flush that succeeds. */
	v3t_expect_blocked(test, w->pdo, last + SZ_8K);
	v3t_configure(domain, &all.tables);
	v3t_expect_reaches(test, w->pdo, last + SZ_8K, all.page);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void atomic_flushes_of_long_lists_are_short(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	unsigned int count = ATOMIC_ENTRIES + STEP, i;
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct v3t_tables tables;
	NTSTATUS status;
	u64 *list;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set_page(&tables, AT, page);
	v3t_set_page(&tables, AT + SZ_4K, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, w->device);
	list = vmalloc_array(count, sizeof(*list));
	KUNIT_ASSERT_NOT_NULL(test, list);
	for (i = 0; i < count; i++)
		list[i] = AT + SZ_1G;
	list[count - 1] = AT;

	v3t_set(&tables, AT, 0, 0);
	preempt_disable();
	status = V3T_V3(test)->FlushDomainByVaList(domain, TRUE, count, list);
	preempt_enable();
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomainByVaList, status);
	wait_until_blocked(test, w->pdo, AT);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, page);

	preempt_disable();
	status = V3T_V3(test)->FlushDomainByVaList(domain, TRUE, 16, list);
	preempt_enable();
	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomainByVaList, status);
	vfree(list);
}

/**
 * struct caller - a thread that asks for everything
 * @test: the case
 * @domain: of what
 * @all: its tables
 * @killed: from the start
 * @status: the answer
 */
struct caller {
	struct kunit *test;
	PIOMMU_DMA_DOMAIN domain;
	struct everything all;
	bool killed;
	NTSTATUS status;
};

static int configure(void *arg)
{
	struct caller *caller = arg;

	allow_signal(SIGKILL);
	if (caller->killed)
		send_sig(SIGKILL, current, 1);
	caller->status = v3t_install(caller->domain, &caller->all.tables);
	return 0;
}

static struct caller *make_caller(struct kunit *test)
{
	struct caller *caller = kunit_kzalloc(test, sizeof(*caller), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, caller);
	caller->test = test;
	caller->domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	make_everything(test, &caller->all, 512);
	return caller;
}

/* Returns when it has mapped something, and is far from done. */
static void start(struct kunit *test, struct v3t_thread *thread, struct caller *caller)
{
	struct v3t_world *w = test->priv;
	u64 maps = v3t_stats(w->sim).maps;

	show(&caller->all, 512);
	v3t_thread_start(thread, configure, caller);
	while (!IS_ERR(thread->task) && v3t_stats(w->sim).maps == maps &&
	       !completion_done(&thread->done))
		usleep_range(100, 200);
}

static void finish(struct kunit *test, struct v3t_thread *thread, struct caller *caller,
		   NTSTATUS expected)
{
	if (!IS_ERR(thread->task))
		send_sig(SIGKILL, thread->task, 1);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(thread), 0);
	EXPECT_RESULT(test, expected, ConfigureDomain, caller->status);
}

static void killed_callers_map_no_more(struct kunit *test)
{
	struct caller *caller = make_caller(test);
	struct v3t_world *w = test->priv;
	struct iommusim_stats before;
	struct v3t_thread thread;

	v3t_set_page(&caller->all.tables, AT, caller->all.page);
	v3t_configure(caller->domain, &caller->all.tables);
	v3t_attach(test, caller->domain, w->device);
	v3t_expect_reaches(test, w->pdo, AT, caller->all.page);

	/* What must go does. */
	caller->killed = true;
	before = v3t_stats(w->sim);
	start(test, &thread, caller);
	finish(test, &thread, caller, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).maps, before.maps);
	v3t_expect_blocked(test, w->pdo, AT);

	caller->killed = false;
	start(test, &thread, caller);
	finish(test, &thread, caller, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_GT(test, v3t_stats(w->sim).maps, before.maps);
	KUNIT_EXPECT_LT(test, v3t_stats(w->sim).maps - before.maps, DOMAIN_PAGES * 256);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, before.leaf_4k - 1);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* Neither calls that have nothing to do with it, nor those on the same domain. */
static void nobody_waits_for_a_configuration(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN other = v3t_explicit(test);
	struct caller *caller = make_caller(test);
	struct v3t_world *w = test->priv;
	struct v3t_thread thread;

	v3t_skip_where(test, IOMMUSIM_LATE_SEND, "an attach mirrors anew, beside the old mirror");
	start(test, &thread, caller);
	v3t_attach(test, other, w->device);
	v3t_detach(test, w->device);
	/* A table that the attach adds has no more room for all of that than the first one. */
	if (!v3t_behaves(IOMMUSIM_MOVING_ROOT)) {
		v3t_attach(test, caller->domain, w->device);
		v3t_detach(test, w->device);
	}
	v3t_device(test, v3t_pdo(test, w->sim, NULL));
	v3t_unplug(test, v3t_pdo(test, w->sim, NULL));
	KUNIT_EXPECT_FALSE(test, completion_done(&thread.done));
	finish(test, &thread, caller, STATUS_INSUFFICIENT_RESOURCES);
}

static void domains_can_go_while_they_are_configured(struct kunit *test)
{
	struct caller *caller = make_caller(test);
	struct v3t_world *w = test->priv;
	u64 tables = v3t_stats(w->sim).tables;
	struct v3t_thread thread;

	start(test, &thread, caller);
	KUNIT_EXPECT_FALSE(test, completion_done(&thread.done));
	v3t_delete_domain(test, caller->domain);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	EXPECT_RESULT(test, STATUS_INVALID_PARAMETER_1, ConfigureDomain, caller->status);
	KUNIT_EXPECT_LT(test, v3t_stats(w->sim).tables, tables);
}

static struct kunit_case unmanaged_bound_cases[] = {
	KUNIT_CASE(each_domain_has_its_share),
	KUNIT_CASE(all_domains_together_have_a_limit),
	KUNIT_CASE(tables_of_old_addresses_are_freed),
	KUNIT_CASE(atomic_flushes_are_short),
	KUNIT_CASE(atomic_flushes_remove_all_the_same),
	KUNIT_CASE(the_rest_is_removed_by_itself),
	KUNIT_CASE(atomic_flushes_of_long_lists_are_short),
	KUNIT_CASE(killed_callers_map_no_more),
	KUNIT_CASE(nobody_waits_for_a_configuration),
	KUNIT_CASE(domains_can_go_while_they_are_configured),
	{}
};

static struct kunit_suite unmanaged_bound_suite = {
	.name = "v3compat_unmanaged_bound",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = unmanaged_bound_cases,
};

kunit_test_suite(unmanaged_bound_suite);
