// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that change while they are read, flushes at the same time as each other and as everything
 * else, and memory that runs out in the middle.
 */
#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "alloc_fail.h"
#include "fixture.h"
#include "tables.h"
#include "thread.h"

#define AT		((u64)SZ_1G)
#define ROUNDS		400
#define MAX_ALLOCATIONS	400
#define CHANGING	3	/* tables of 2 MiB that keep changing */

/**
 * struct race - what the threads of a case share
 * @v3: the table
 * @domain: Unmanaged
 * @tables: its tables
 * @pdo: attached
 * @device: of the instance that wants page tables of its own
 * @block: 2 MiB
 * @steady: page whose translation never changes
 * @junk: a table with 512 different mistakes, none of which leads to memory
 * @leaves: tables of 4 KiB leaves
 * @rounds: of the threads
 * @deleted: the domain may be gone
 * @wrong: answers that should not be
 */
struct race {
	const DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	struct page *block;
	struct page *steady;
	u64 junk;
	u64 leaves[CHANGING];
	unsigned int rounds;
	bool deleted;
	atomic_t wrong;
};

static void check(struct race *race, NTSTATUS status)
{
	if (!NT_SUCCESS(status) && !(race->deleted && status == STATUS_INVALID_PARAMETER_1))
		atomic_inc(&race->wrong);
}

static u64 link(const struct race *race, u64 table)
{
	return v3t_link(&race->tables, table);
}

/* Blocks, tables, nothing, mistakes and loops take turns, and nobody flushes after them. */
static int change(void *arg)
{
	struct race *race = arg;
	u64 *table[2], value;
	struct rnd_state rnd;
	unsigned int i, n;

	prandom_seed_state(&rnd, 1234);
	table[0] = v3t_entry(&race->tables, AT + SZ_2M, 1);
	for (i = 0; i < race->rounds * 8; i++) {
		n = prandom_u32_state(&rnd) % CHANGING;
		table[1] = phys_to_virt(race->leaves[n]);
		switch (prandom_u32_state(&rnd) % 6) {
		case 0:
			value = 0;
			break;
		case 1:
			value = v3t_leaf(&race->tables, page_to_phys(race->block), 1, true);
			break;
		case 2:
			value = link(race, race->junk);
			break;
		case 3:
			value = link(race, race->tables.root);
			break;
		default:
			value = link(race, race->leaves[n]);
		}
		WRITE_ONCE(table[0][n], value);
		n = prandom_u32_state(&rnd) % 512;
		value = page_to_phys(race->block + prandom_u32_state(&rnd) % 512);
		WRITE_ONCE(table[1][n], n & 1 ? 0 : v3t_leaf(&race->tables, value, 0, n & 2));
		if (!(i % 16))
			cond_resched();
	}
	return 0;
}

static int flush_all(void *arg)
{
	struct race *race = arg;
	unsigned int i;

	for (i = 0; i < race->rounds; i++) {
		check(race, race->v3->FlushDomain(race->domain));
		cond_resched();
	}
	return 0;
}

static int flush_some(void *arg)
{
	struct race *race = arg;
	struct rnd_state rnd;
	u64 list[8];
	unsigned int i, n;

	prandom_seed_state(&rnd, 99);
	for (i = 0; i < race->rounds * 4; i++) {
		for (n = 0; n < ARRAY_SIZE(list); n++)
			list[n] = AT + prandom_u32_state(&rnd) % ((CHANGING + 1) * SZ_2M);
		check(race, race->v3->FlushDomainByVaList(race->domain, i & 1, ARRAY_SIZE(list),
							  list));
		cond_resched();
	}
	return 0;
}

static int attach_and_detach(void *arg)
{
	struct race *race = arg;
	unsigned int i;

	for (i = 0; i < race->rounds / 4; i++) {
		check(race, race->v3->AttachDeviceEx(race->domain, race->device));
		check(race, race->v3->DetachDeviceEx(race->device));
		cond_resched();
	}
	return 0;
}

static int configure(void *arg)
{
	DOMAIN_CONFIGURATION bypass = { .Type = DomainConfigurationX64 };
	struct race *race = arg;
	unsigned int i;

	for (i = 0; i < race->rounds / 20; i++) {
		check(race, race->v3->ConfigureDomain(race->domain, &bypass));
		check(race, v3t_install(race->domain, &race->tables));
		cond_resched();
	}
	return 0;
}

static struct race *prepare(struct kunit *test, const struct v3t_format *format)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct v3t_world *w = test->priv;
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->v3 = V3T_V3(test);
	race->rounds = ROUNDS;
	race->device = v3t_device(test, v3t_pdo(test, v3t_sim(test, &own), NULL));
	race->pdo = w->pdo;
	race->domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	race->block = v3t_pages(test, 9);
	race->steady = v3t_pages(test, 0);
	v3t_tables_init(test, &race->tables, format);
	race->junk = v3t_new_table(&race->tables);
	for (i = 0; i < 512; i++)
		((u64 *)phys_to_virt(race->junk))[i] = 0x9e3779b97f4a7c15ULL * (i + 1) |
						       BIT_ULL(51) | BIT_ULL(48);
	for (i = 0; i < CHANGING; i++)
		race->leaves[i] = v3t_new_table(&race->tables);
	v3t_set_page(&race->tables, AT, race->steady);
	v3t_configure(race->domain, &race->tables);
	v3t_attach(test, race->domain, w->device);
	return race;
}

/* Some of the threads may be the same function twice. */
static void run(struct kunit *test, struct race *race, int (*const *fns)(void *),
		unsigned int count)
{
	struct v3t_thread threads[5];
	unsigned int i;

	for (i = 0; i < count; i++)
		v3t_thread_start(&threads[i], fns[i], race);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[i]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&race->wrong), 0);
}

/* When all is quiet, one flush makes the device see what the tables say. */
static void settle(struct kunit *test, struct race *race)
{
	struct v3t_world *w = test->priv;
	struct v3t_tables *tables = &race->tables;
	u64 entry, address, stale, word;
	unsigned int n, i;

	EXPECT_V3(test, STATUS_SUCCESS, FlushDomain, race->domain);
	stale = v3t_stats(w->sim).stale_hits;
	v3t_expect_reaches(test, w->pdo, AT, race->steady);
	for (n = 0; n < CHANGING; n++) {
		for (i = 0; i < 512; i += 7) {
			address = AT + (n + 1) * SZ_2M + i * SZ_4K;
			entry = *v3t_entry(tables, address, 1);
			if (entry == v3t_leaf(tables, page_to_phys(race->block), 1, true)) {
				v3t_expect_reaches(test, w->pdo, address, race->block + i);
				continue;
			}
			if (entry == link(race, race->leaves[n]))
				entry = ((u64 *)phys_to_virt(race->leaves[n]))[i];
			else
				entry = 0;
			/* Some of the mistakes are translations to where there is no memory. */
			if (!entry)
				KUNIT_EXPECT_EQ(test, -EFAULT,
						iommusim_dma_read(w->pdo, IOMMUSIM_NO_PASID,
								  address, &word, sizeof(word),
								  NULL));
			else if (i & 2)
				v3t_expect_reaches(test, w->pdo, address,
						   phys_to_page(entry & V3C_ARM64_PHYS));
			else
				v3t_expect_fault(test, w->pdo, address, true,
						 IOMMUSIM_FAULT_PERMISSION);
		}
	}
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).stale_hits, stale);
}

static void tables_change_while_they_are_read(struct kunit *test)
{
	int (*const fns[])(void *) = { change, flush_all, flush_some, flush_some };
	struct race *race = prepare(test, V3T_X64);

	run(test, race, fns, ARRAY_SIZE(fns));
	settle(test, race);
}

static void flushes_meet_attaches(struct kunit *test)
{
	int (*const fns[])(void *) = { change, flush_all, flush_some, attach_and_detach };
	struct race *race = prepare(test, V3T_ARM64);

	run(test, race, fns, ARRAY_SIZE(fns));
	settle(test, race);
}

static void flushes_meet_configurations(struct kunit *test)
{
	int (*const fns[])(void *) = { change, flush_all, flush_some, configure,
				       attach_and_detach };
	struct race *race = prepare(test, V3T_X64);

	/* Each goes through all of memory. */
	race->rounds = ROUNDS / 5;
	run(test, race, fns, ARRAY_SIZE(fns));
	settle(test, race);
}

static void flushes_meet_deletion(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3t_thread threads[2];
	struct race *race = prepare(test, V3T_X64);
	u64 tables;

	v3t_detach(test, w->device);
	race->deleted = true;
	v3t_thread_start(&threads[0], flush_all, race);
	v3t_thread_start(&threads[1], flush_some, race);
	cond_resched();
	v3t_delete_domain(test, race->domain);
	tables = v3t_stats(w->sim).tables;
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[0]), 0);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[1]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&race->wrong), 0);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).tables, tables);
}

/* Atomic: there is no second try. What a failure leaves out, the next flush brings. */
static NTSTATUS flush_atomic(struct race *race)
{
	NTSTATUS status;

	preempt_disable();
	status = race->v3->FlushDomain(race->domain);
	preempt_enable();
	return status;
}

static NTSTATUS configure_bypass(struct race *race)
{
	DOMAIN_CONFIGURATION bypass = { .Type = DomainConfigurationX64 };

	return race->v3->ConfigureDomain(race->domain, &bypass);
}

static NTSTATUS attach_other(struct race *race)
{
	NTSTATUS status = race->v3->AttachDeviceEx(race->domain, race->device);

	if (NT_SUCCESS(status))
		race->v3->DetachDeviceEx(race->device);
	return status;
}

static NTSTATUS create_another(struct race *race)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN domain;
	NTSTATUS status;

	status = race->v3->CreateDomainEx(DomainTypeUnmanaged, none, NULL, NULL, &domain);
	if (NT_SUCCESS(status))
		race->v3->DeleteDomain(domain);
	return status;
}

static const struct shortage_case {
	const char *name;
	NTSTATUS expected;
	NTSTATUS (*call)(struct race *race);
} shortage_cases[] = {
	{ V3T_ROW(FlushDomain, STATUS_INSUFFICIENT_RESOURCES, "atomic"), flush_atomic },
	{ V3T_ROW(ConfigureDomain, STATUS_INSUFFICIENT_RESOURCES, "bypass"), configure_bypass },
	{ V3T_ROW(AttachDeviceEx, STATUS_INSUFFICIENT_RESOURCES, "Unmanaged"), attach_other },
	{ V3T_ROW(CreateDomainEx, STATUS_INSUFFICIENT_RESOURCES, "Unmanaged"), create_another },
};

static void shortage_name(const struct shortage_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shortage, shortage_cases, shortage_name);

static void any_allocation_may_fail(struct kunit *test)
{
	const struct shortage_case *c = test->param_value;
	struct race *race = prepare(test, V3T_X64);
	struct v3t_world *w = test->priv;
	unsigned int nth, refused = 0;
	NTSTATUS status;
	bool reached;

	V3T_REQUIRE_ALLOC_FAIL(test);
	if (c->call == configure_bypass)
		v3t_skip_where(test, IOMMUSIM_WHOLE_MAPS, "takes memory more often than is tried");
	for (nth = 1; nth < MAX_ALLOCATIONS; nth++) {
		/* Something to mirror and something to remove, far apart. */
		v3t_configure(race->domain, &race->tables);
		v3t_set_page(&race->tables, (nth + 1) * AT, race->steady);
		v3t_set(&race->tables, nth * AT, 0, 0);

		v3t_alloc_fail_nth_begin(nth);
		status = c->call(race);
		reached = v3t_alloc_fail_nth_end();
		if (!NT_SUCCESS(status)) {
			refused++;
			KUNIT_EXPECT_EQ_MSG(test, (u32)status, (u32)c->expected,
					    "allocation %u: %s", nth, v3t_status_name(status));
			if (c->call == flush_atomic)
				v3t_expect_blocked(test, w->pdo, nth * AT);
		}
		v3t_configure(race->domain, &race->tables);
		v3t_expect_reaches(test, w->pdo, (nth + 1) * AT, race->steady);
		v3t_expect_blocked(test, w->pdo, nth * AT);
		if (!reached)
			break;
	}
	KUNIT_EXPECT_LT_MSG(test, nth, MAX_ALLOCATIONS, "never got by without a failure");
	KUNIT_EXPECT_GT_MSG(test, refused, 0, "no failure was noticed");
	v3t_expect_no_stale_hits(test, w->sim);
}

static struct kunit_case unmanaged_race_cases[] = {
	KUNIT_CASE(tables_change_while_they_are_read),
	KUNIT_CASE(flushes_meet_attaches),
	KUNIT_CASE(flushes_meet_configurations),
	KUNIT_CASE(flushes_meet_deletion),
	KUNIT_CASE_PARAM(any_allocation_may_fail, shortage_gen_params),
	{}
};

static struct kunit_suite unmanaged_race_suite = {
	.name = "v3compat_unmanaged_race",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = unmanaged_race_cases,
};

kunit_test_suite(unmanaged_race_suite);
