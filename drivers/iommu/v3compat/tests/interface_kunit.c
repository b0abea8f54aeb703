// SPDX-License-Identifier: GPL-2.0
/* What the two calls that hand out the tables fill in, and what they refuse. */
#include "fixture.h"

static const struct version_case {
	const char *name;
	ULONG version;
	SIZE_T size;
	unsigned int members;
} version_cases[] = {
	{ "version 1", 1, 0x78, 13 },
	{ "version 2", 2, 0xc0, 22 },
	{ "version 3", 3, 0xe8, 27 },
};

static void version_name(const struct version_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(version, version_cases, version_name);

static void expect_pointers(struct kunit *test, const void *table, unsigned int count)
{
	void *const *members = table;
	unsigned int i;

	for (i = 0; i < count; i++)
		KUNIT_EXPECT_NOT_NULL_MSG(test, members[i], "member %u", i + 1);
}

static void fills_exactly_the_requested_arm(struct kunit *test)
{
	const struct version_case *want = test->param_value;
	DMA_IOMMU_INTERFACE_EX table;

	memset(&table, V3T_POISON, sizeof(table));
	EXPECT_CALL(test, STATUS_SUCCESS, IoGetIommuInterfaceEx, want->version, 0, &table);
	KUNIT_EXPECT_EQ(test, table.Size, want->size);
	KUNIT_EXPECT_EQ(test, table.Version, want->version);
	expect_pointers(test, &table.V1, want->members);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned((u8 *)&table + want->size,
						sizeof(table) - want->size));
}

static void legacy_table_is_filled(struct kunit *test)
{
	DMA_IOMMU_INTERFACE table;

	memset(&table, V3T_POISON, sizeof(table));
	EXPECT_CALL(test, STATUS_SUCCESS, IoGetIommuInterface, 1, &table);
	KUNIT_EXPECT_EQ(test, table.Version, 1);
	expect_pointers(test, &table.CreateDomain, 13);
}

static void refuses_bad_requests(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PDMA_IOMMU_INTERFACE_EX table = &w->out.table;

	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, IoGetIommuInterfaceEx, 0, 0, table);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, IoGetIommuInterfaceEx, 4, 0, table);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, IoGetIommuInterfaceEx, ~0U, 1, NULL);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_3, IoGetIommuInterfaceEx, 3, 1, table);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_3, IoGetIommuInterfaceEx, 1, BIT_ULL(63), table);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_3, IoGetIommuInterfaceEx, 2, 0, NULL);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, IoGetIommuInterface, 0, &w->out.legacy);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, IoGetIommuInterface, 2, &w->out.legacy);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_2, IoGetIommuInterface, 1, NULL);
}

static struct kunit_case interface_cases[] = {
	KUNIT_CASE_PARAM(fills_exactly_the_requested_arm, version_gen_params),
	KUNIT_CASE(legacy_table_is_filled),
	KUNIT_CASE(refuses_bad_requests),
	{}
};

static struct kunit_suite interface_suite = {
	.name = "v3compat_interface",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = interface_cases,
};

kunit_test_suite(interface_suite);
