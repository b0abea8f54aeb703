// SPDX-License-Identifier: GPL-2.0
/*
 * Source written for Windows: complete in its spelling, and doing what it says on a device.
 */
#include "fixture.h"
#include "windows_style.h"

static void tables_are_full(struct kunit *test)
{
	struct v3t_world *w = test->priv;

	KUNIT_EXPECT_EQ(test, WindowsStyleMissingLegacy(&w->legacy), 0);
	KUNIT_EXPECT_EQ(test, WindowsStyleMissingV1(&w->v1.V1), 0);
	KUNIT_EXPECT_EQ(test, WindowsStyleMissingV2(&w->v2.V2), 0);
	KUNIT_EXPECT_EQ(test, WindowsStyleMissingV3(&w->v3.V3), 0);
}

static void bits_and_fields(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, WindowsStyleBadBits(), 0);
	KUNIT_EXPECT_EQ(test, WindowsStyleSpellings(), 0);
}

static BOOLEAN device_reads(PDEVICE_OBJECT pdo, ULONGLONG address, PVOID expected, ULONG length)
{
	void *seen = kzalloc(length, GFP_KERNEL);
	bool same = seen &&
		    !iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, seen, length, NULL) &&
		    !memcmp(seen, expected, length);

	kfree(seen);
	return same;
}

static void driver_runs(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PFN_NUMBER pfn = page_to_pfn(page);
	WINDOWS_STYLE_RESULT result;

	WindowsStyleRun(w->pdo, page_address(page), &pfn, device_reads, &result);
	KUNIT_EXPECT_EQ_MSG(test, result.Status, STATUS_SUCCESS, "step %u: %s", result.Step,
			    v3t_status_name(result.Status));
	KUNIT_EXPECT_TRUE(test, result.DataReached);
	KUNIT_EXPECT_TRUE(test, result.Finished);
}

static struct kunit_case wdm_cases[] = {
	KUNIT_CASE(tables_are_full),
	KUNIT_CASE(bits_and_fields),
	KUNIT_CASE(driver_runs),
	{}
};

static struct kunit_suite wdm_suite = {
	.name = "v3compat_wdm",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = wdm_cases,
};
kunit_test_suites(&wdm_suite);
