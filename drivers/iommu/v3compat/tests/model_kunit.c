// SPDX-License-Identifier: GPL-2.0
/* Random calls against a plain list, every page checked by the DMA of two devices. */
#include <linux/bits.h>
#include <linux/moduleparam.h>

#include "fixture.h"
#include "model.h"

#define EVERY_SIZE	GENMASK(30, 12)

static unsigned int model_seed = MODEL_SEED;
module_param(model_seed, uint, 0644);
MODULE_PARM_DESC(model_seed, "seed of the random calls");

static unsigned int model_steps = MODEL_STEPS;
module_param(model_steps, uint, 0644);
MODULE_PARM_DESC(model_steps, "number of random calls for each kind of IOMMU");

/* Two IOMMUs that cannot share a page table: each is filled from the other's on the way. */
static const struct model_case {
	const char *name;
	struct iommusim_config configs[MODEL_DEVICES];
} model_cases[] = {
	{ "default sizes", { {}, { .quirks = IOMMUSIM_OWN_DOMAINS } } },
	{ "4K only, and all", { { .pgsize_bitmap = SZ_4K }, {} } },
	{ "4K and 2M, and all", { { .pgsize_bitmap = SZ_4K | SZ_2M }, {} } },
	{ "old unmap rules", { { .quirks = IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_OVERLAP_KEEP },
			       { .quirks = IOMMUSIM_OWN_DOMAINS | IOMMUSIM_UNMAP_WHOLE |
					   IOMMUSIM_OVERLAP_REPLACE } } },
	{ "late geometry", { { .quirks = IOMMUSIM_LATE_GEOMETRY },
			     { .quirks = IOMMUSIM_OWN_DOMAINS } } },
	{ "every power of two, and 4K", { { .pgsize_bitmap = EVERY_SIZE },
					  { .pgsize_bitmap = SZ_4K } } },
	{ "whole maps, and 4K", { { .quirks = IOMMUSIM_WHOLE_MAPS }, { .pgsize_bitmap = SZ_4K } } },
	{ "whole maps, every power of two", { { .quirks = IOMMUSIM_WHOLE_MAPS |
							  IOMMUSIM_ALLOC_PER_MAP },
					      { .pgsize_bitmap = EVERY_SIZE } } },
	{ "short flush", { { .quirks = IOMMUSIM_SHORT_FLUSH },
			   { .quirks = IOMMUSIM_OWN_DOMAINS | IOMMUSIM_SHORT_FLUSH } } },
	{ "moving root", { { .quirks = IOMMUSIM_MOVING_ROOT },
			   { .quirks = IOMMUSIM_OWN_DOMAINS | IOMMUSIM_MOVING_ROOT } } },
	{ "late send", { { .quirks = IOMMUSIM_LATE_SEND | IOMMUSIM_WHOLE_MAPS },
			 { .quirks = IOMMUSIM_OWN_DOMAINS | IOMMUSIM_LATE_SEND } } },
};

static void model_name(const struct model_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(model, model_cases, model_name);

static void every_page_is_what_the_list_says(struct kunit *test)
{
	const struct model_case *c = test->param_value;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct iommusim *sims[MODEL_DEVICES];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; i < MODEL_DEVICES; i++) {
		struct device *pdo;

		sims[i] = v3t_sim(test, &c->configs[i]);
		pdo = v3t_pdo(test, sims[i], NULL);
		m->devices[i].handle = v3t_device(test, pdo);
		m->devices[i].sees = model_sim_sees;
		m->devices[i].context = pdo;
	}
	m->v3 = V3T_V3(test);
	m->domain = v3t_explicit(test);
	m->seed = model_seed;
	m->steps = model_steps;
	if (!model_run(m))
		KUNIT_FAIL(test, "seed %u, step %u: %s", m->seed, m->steps, m->error);
	kunit_info(
		test,
		"seed %u: %u steps, %lu did, %lu undid, %lu cut, %lu not, %lu refused, %lu pages seen",
		m->seed, m->steps, m->mapped, m->unmapped, m->cuts, m->uncut, m->refused, m->seen);
	for (i = 0; i < MODEL_DEVICES; i++)
		v3t_expect_no_stale_hits(test, sims[i]);
}

static struct kunit_case model_test_cases[] = {
	KUNIT_CASE_PARAM(every_page_is_what_the_list_says, model_gen_params),
	{}
};

static struct kunit_suite model_suite = {
	.name = "v3compat_model",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = model_test_cases,
};

kunit_test_suite(model_suite);
