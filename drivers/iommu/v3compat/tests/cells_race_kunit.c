// SPDX-License-Identifier: GPL-2.0
/*
 * Threads map and unmap neighbouring pages and blocks over them in one domain, while the memory
 * of empty nodes is given back and a second IOMMU comes and goes. Each success is checked by DMA.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/workqueue.h>

#include <kcompat.h>

#include "core/domain.h"
#include "fixture.h"
#include "table/cells.h"
#include "thread.h"

/* AREA is what all of them want pages of: no other address of its 64 MiB is mapped. */
#define AREA		((u64)SZ_1G)
#define ANCHOR		(AREA + SZ_32M)
#define RACERS		9
#define ROUNDS		150
#define ATTACHES	12

/**
 * struct race - what the threads of a case share
 * @v3: the table
 * @domain: where they map
 * @chooses: it chooses addresses
 * @pdo: attached to it all the time
 * @page: mapped at @anchor all the time
 * @anchor: where
 * @turn: as many of them get on at a time as there are CPUs
 * @ready: for each that waits for its first turn
 * @token: the reservation of now, or one that is gone
 */
struct race {
	const DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	bool chooses;
	struct device *pdo;
	struct page *page;
	u64 anchor;
	struct semaphore turn;
	struct completion ready;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
};

/**
 * struct racer - one of the threads
 * @race: what it shares
 * @round: what it does
 * @rounds: how often
 * @at: where it maps, if the domain does not choose
 * @pages: how many
 * @block: memory, @pages of it
 * @word: in the first and the last page of @block, and nowhere else
 * @random: for how long it has and has not what it maps
 * @pdo: what it attaches
 * @device: its DMA device
 * @done: rounds in which it had what it wanted
 * @refused: rounds in which others had it
 * @errors: what must not be
 * @first: the first of these
 * @thread: that runs it
 */
struct racer {
	struct race *race;
	void (*round)(struct racer *racer);
	unsigned int rounds;
	IOMMU_DMA_LOGICAL_ADDRESS at;
	unsigned int pages;
	struct page *block;
	u64 word;
	struct rnd_state random;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	unsigned int done, refused, errors;
	char first[96];
	struct v3t_thread thread;
};

/* Keeps the first complaint: expectations are for the test's own thread. */
static __printf(2, 3) void complain(struct racer *racer, const char *format, ...)
{
	va_list args;

	if (racer->errors++)
		return;
	va_start(args, format);
	vsnprintf(racer->first, sizeof(racer->first), format, args);
	va_end(args);
}

static bool has_word(struct racer *racer, u64 at)
{
	u64 seen;

	return !iommusim_dma_read(racer->race->pdo, IOMMUSIM_NO_PASID, at, &seen, sizeof(seen),
				  NULL) && seen == racer->word;
}

static void check_ends(struct racer *racer, u64 at, const char *when)
{
	if (!has_word(racer, at))
		complain(racer, "%s at %#llx: first page", when, at);
	if (!has_word(racer, at + (racer->pages - 1) * SZ_4K))
		complain(racer, "%s at %#llx: last page", when, at);
}

/*
 * Lets the thread go on that has waited longest, and waits for the next turn: so threads get on in
 * turns where there is one CPU, which would switch between them at will.
 */
static void pass_turn(struct semaphore *turn)
{
	up(turn);
	down(turn);
}

/* Not mapped for some turns. */
static void pause_some(struct racer *racer)
{
	unsigned int times = prandom_u32_state(&racer->random) % 8;

	while (times--)
		pass_turn(&racer->race->turn);
}

/*
 * Maps, looks twice with a pause between, unmaps, and looks that it is gone. Sometimes it gives
 * back the memory of what is empty then, where the others go on.
 */
static void map_round(struct racer *racer)
{
	struct race *race = racer->race;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(racer->block, racer->pages);
	IOMMU_DMA_LOGICAL_ADDRESS at = racer->at, out = 0;
	NTSTATUS status = race->v3->MapLogicalRangeEx(race->domain, V3T_RW, &what,
						      race->chooses ? NULL : &at, NULL, NULL, &out);

	if (status == STATUS_RESOURCE_IN_USE && !race->chooses) {
		racer->refused++;
		pass_turn(&race->turn);
		return;
	}
	if (status) {
		complain(racer, "map: %s", v3t_status_name(status));
		return;
	}
	racer->done++;
	check_ends(racer, out, "mapped");
	pass_turn(&race->turn);
	check_ends(racer, out, "still mapped");
	status = race->v3->UnmapLogicalRange(race->domain, out, racer->pages);
	if (status)
		complain(racer, "unmap of %#llx: %s", out, v3t_status_name(status));
	/* Others may have mapped there meanwhile, but other memory. */
	if (has_word(racer, out) || has_word(racer, out + (racer->pages - 1) * SZ_4K))
		complain(racer, "%#llx reached after unmap", out);
	if (!(prandom_u32_state(&racer->random) % 4))
		flush_delayed_work(&((struct v3c_domain *)race->domain)->space.trim);
	pause_some(racer);
}

/* It waits for others anyway. */
static void attach_round(struct racer *racer)
{
	struct race *race = racer->race;
	NTSTATUS status = race->v3->AttachDeviceEx(race->domain, racer->device);
	u64 seen;

	if (status) {
		complain(racer, "attach: %s", v3t_status_name(status));
		return;
	}
	racer->done++;
	if (iommusim_dma_read(racer->pdo, IOMMUSIM_NO_PASID, race->anchor, &seen, sizeof(seen),
			      NULL) || seen != *(u64 *)page_address(race->page))
		complain(racer, "anchor not reached by the second IOMMU");
	status = race->v3->DetachDeviceEx(racer->device);
	if (status)
		complain(racer, "detach: %s", v3t_status_name(status));
}

/*
 * Maps the first page of a reservation that is made anew each time, where the one before was. The
 * page is nobody else's, so that none but this thread can be in the way.
 */
static void reserve_round(struct racer *racer)
{
	struct race *race = racer->race;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(racer->block, racer->pages);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS at = racer->at;
	NTSTATUS status = race->v3->ReserveLogicalAddressRange(race->domain, SZ_64K, &at, NULL,
							       NULL, &token);

	if (status == STATUS_RESOURCE_IN_USE) {
		/* collide_round() has some of it for a moment. */
		racer->refused++;
		pass_turn(&race->turn);
		return;
	}
	if (status) {
		complain(racer, "reserve: %s", v3t_status_name(status));
		return;
	}
	WRITE_ONCE(race->token, token);
	status = race->v3->MapReservedLogicalRange(token, 0, V3T_RW, &what, &segment);
	if (status) {
		complain(racer, "map in a new reservation: %s", v3t_status_name(status));
		return;
	}
	pass_turn(&race->turn);
	check_ends(racer, at, "mapped");
	status = race->v3->UnmapReservedLogicalRange(&segment);
	if (status)
		complain(racer, "unmap: %s", v3t_status_name(status));
	do {
		status = race->v3->FreeReservedLogicalAddressRange(token);
		if (status == STATUS_RESOURCE_IN_USE)
			pass_turn(&race->turn);
	} while (status == STATUS_RESOURCE_IN_USE);
	if (status)
		complain(racer, "free: %s", v3t_status_name(status));
	racer->done++;
}

/* Reserves a page too many, so that what was reserved by then is given up again. */
static void collide_round(struct racer *racer)
{
	struct race *race = racer->race;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS at = AREA;
	NTSTATUS status = race->v3->ReserveLogicalAddressRange(race->domain, SZ_64K + SZ_4K, &at,
							       NULL, NULL, &token);

	racer->refused++;
	if (status != STATUS_RESOURCE_IN_USE)
		complain(racer, "reserve too much: %s", v3t_status_name(status));
	pass_turn(&race->turn);
}

/* Maps in a reservation that may be gone, and finds another one in its place, or is refused. */
static void late_round(struct racer *racer)
{
	struct race *race = racer->race;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(racer->block, racer->pages);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = READ_ONCE(race->token);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	NTSTATUS status = race->v3->MapReservedLogicalRange(token, racer->at - AREA, V3T_RW, &what,
							    &segment);

	if (!status) {
		racer->done++;
		check_ends(racer, racer->at, "mapped");
		status = race->v3->UnmapReservedLogicalRange(&segment);
		if (status)
			complain(racer, "unmap: %s", v3t_status_name(status));
	} else if (status == STATUS_INVALID_PARAMETER_1 || status == STATUS_UNSUCCESSFUL) {
		racer->refused++;
	} else {
		complain(racer, "map: %s", v3t_status_name(status));
	}
	if (!(prandom_u32_state(&racer->random) % 4))
		pass_turn(&race->turn);
}

static int run_rounds(void *arg)
{
	struct racer *racer = arg;
	bool attaches = racer->round == attach_round;
	unsigned int i;

	complete(&racer->race->ready);
	if (!attaches)
		down(&racer->race->turn);
	for (i = 0; i < racer->rounds && !racer->errors; i++) {
		racer->round(racer);
		cond_resched();
	}
	if (!attaches)
		up(&racer->race->turn);
	return 0;
}

static struct racer *add_mapper(struct kunit *test, struct racer *racer, struct race *race,
				u64 at, unsigned int order, unsigned int pages)
{
	void *first, *last;

	racer->race = race;
	racer->round = map_round;
	racer->rounds = ROUNDS;
	racer->at = at;
	racer->pages = pages;
	racer->block = v3t_pages(test, order);
	racer->word = 0x7e57000000000000ULL + (unsigned long)racer;
	prandom_seed_state(&racer->random, racer->word);
	first = page_address(racer->block);
	last = page_address(racer->block + pages - 1);
	*(u64 *)first = racer->word;
	*(u64 *)last = racer->word;
	return racer + 1;
}

static const struct race_case {
	const char *name;
	ULONG width;
	bool attaches;
} race_cases[] = {
	{ "explicit addresses", 0, false },
	{ "an allocator", 48, false },
	{ "explicit addresses, a second IOMMU", 0, true },
	{ "an allocator, a second IOMMU", 48, true },
};

static void race_name(const struct race_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(race, race_cases, race_name);

/* Four pages of one word of cells, a run from leaf to leaf, and blocks over them and beside. */
static struct racer *add_mappers(struct kunit *test, struct racer *racer, struct race *race)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		racer = add_mapper(test, racer, race, AREA + i * SZ_4K, 0, 1);
	racer = add_mapper(test, racer, race, AREA + SZ_1M - SZ_8K, 2, 3);
	racer = add_mapper(test, racer, race, AREA, 9, 512);
	racer = add_mapper(test, racer, race, AREA + SZ_2M, 9, 512);
	return add_mapper(test, racer, race, AREA + SZ_1M, 9, 512);
}

static struct racer *add_attacher(struct kunit *test, struct racer *racer, struct race *race)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };

	racer->race = race;
	racer->round = attach_round;
	racer->rounds = ATTACHES;
	racer->pdo = v3t_pdo(test, v3t_sim(test, &own), NULL);
	racer->device = v3t_device(test, racer->pdo);
	return racer + 1;
}

static void start_racer(struct racer *racer)
{
	v3t_thread_start(&racer->thread, run_rounds, racer);
	if (!IS_ERR(racer->thread.task))
		wait_for_completion(&racer->race->ready);
}

static void expect_racer(struct kunit *test, struct racer *racer, unsigned int n)
{
	KUNIT_EXPECT_EQ(test, 0, v3t_thread_join(&racer->thread));
	KUNIT_EXPECT_EQ_MSG(test, racer->errors, 0, "thread %u, round %u: %s", n,
			    racer->done + racer->refused, racer->first);
	if (!racer->errors)
		KUNIT_EXPECT_EQ(test, racer->done + racer->refused, racer->rounds);
}

/* Runs the threads from @first to @end, and returns how many rounds had what they wanted. */
static unsigned int run_race(struct kunit *test, struct race *race, struct racer *first,
			     struct racer *end)
{
	unsigned int i, done = 0;
	struct racer *r;

	sema_init(&race->turn, num_online_cpus());
	for (i = 0; i < num_online_cpus(); i++)
		down(&race->turn);
	init_completion(&race->ready);
	for (r = first; r < end; r++)
		start_racer(r);
	for (i = 0; i < num_online_cpus(); i++)
		up(&race->turn);
	for (r = first; r < end; r++) {
		expect_racer(test, r, r - first);
		done += r->done;
	}
	return done;
}

static void successes_are_real(struct kunit *test)
{
	struct racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL), *end;
	const struct race_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct race race = {
		.v3 = V3T_V3(test), .domain = v3t_domain(test, DomainTypeTranslate, c->width),
		.chooses = c->width, .pdo = w->pdo, .page = v3t_pages(test, 0),
	};
	struct page *large = v3t_pages(test, 9);

	KUNIT_ASSERT_NOT_NULL(test, racers);
	v3t_attach(test, race.domain, w->device);
	race.anchor = c->width ? v3t_map(test, race.domain, v3t_of_page(race.page)) :
				 v3t_map_at(test, race.domain, v3t_of_page(race.page), ANCHOR);
	end = add_mappers(test, racers, &race);
	if (c->attaches)
		end = add_attacher(test, end, &race);
	KUNIT_EXPECT_GT(test, run_race(test, &race, racers, end), 0);
	v3t_expect_reaches(test, w->pdo, race.anchor, race.page);
	/*
	 * Stale hits are not asked for, because a thread looks at addresses that another one may
	 * be unmapping. All of it is free again.
	 */
	if (!c->width) {
		v3t_map_at(test, race.domain, v3t_of_pages(large, 512), AREA);
		v3t_expect_reaches(test, w->pdo, AREA + SZ_1M, large + 256);
		v3t_map_at(test, race.domain, v3t_of_pages(large, 512), AREA + SZ_2M);
	}
}

static void reservation_takes_the_place_of_another(struct kunit *test)
{
	struct racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	struct race race = {
		.v3 = V3T_V3(test), .domain = v3t_explicit(test), .pdo = w->pdo,
		.page = v3t_pages(test, 0), .anchor = ANCHOR,
	};
	unsigned int i, done;

	KUNIT_ASSERT_NOT_NULL(test, racers);
	v3t_attach(test, race.domain, w->device);
	v3t_map_at(test, race.domain, v3t_of_page(race.page), AREA + SZ_64K);
	for (i = 0; i < 5; i++) {
		add_mapper(test, &racers[i], &race, AREA + i % 4 * SZ_16K, 1, i ? 2 : 1);
		racers[i].round = i == 0 ? reserve_round : i == 4 ? collide_round : late_round;
		racers[i].rounds = i % 4 ? 4 * ROUNDS : ROUNDS;
	}
	done = run_race(test, &race, racers, racers + 5);
	KUNIT_EXPECT_GT(test, racers[0].done, 0);
	/* One that is late, too. */
	KUNIT_EXPECT_GT(test, done, racers[0].done);
	v3t_map_at(test, race.domain, v3t_of_pages(v3t_pages(test, 4), 16), AREA);
}

static struct kunit_case cells_race_cases[] = {
	KUNIT_CASE(reservation_takes_the_place_of_another),
	KUNIT_CASE_PARAM(successes_are_real, race_gen_params),
	{}
};

static struct kunit_suite cells_race_suite = {
	.name = "v3compat_cells_race",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = cells_race_cases,
};

kunit_test_suites(&cells_race_suite);
