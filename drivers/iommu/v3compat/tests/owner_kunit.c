// SPDX-License-Identifier: GPL-2.0
/*
 * Owners: what belongs to one is not attached together with what belongs to another, and goes with
 * its owner alone. Objects of another owner than the drivers' are made by the core's own verbs.
 */
#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/v3compat.h>

#include <kcompat.h>

#include "base/owner.h"
#include "core/attach.h"
#include "core/claim.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/reclaim.h"
#include "fixture.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
V3C_IMPORT_NS(V3COMPAT_TEST);

#define AT	((u64)SZ_1G)

static const struct v3c_owner lenient = { .name = "lenient" };
static const struct v3c_owner strict = { .name = "strict", .strict = true };

static void reclaim_both(void *unused)
{
	v3c_reclaim(&lenient, false);
	v3c_reclaim(&strict, false);
}

static void drop_claim(void *dev)
{
	v3c_claim_drop(dev);
}

static void expect_claim(struct kunit *test, struct device *dev, const struct v3c_owner *owner,
			 const struct v3c_owner *from, enum v3c_reason reason)
{
	struct v3c_why why = { .reason = V3C_REASON_NONE };

	KUNIT_EXPECT_EQ(test, (int)reason, (int)v3c_claim_take(dev, owner, from, false, &why));
	KUNIT_EXPECT_EQ(test, (int)reason, (int)why.reason);
}

static void make_claim(struct kunit *test, struct device *dev, const struct v3c_owner *owner)
{
	expect_claim(test, dev, owner, NULL, V3C_REASON_NONE);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, drop_claim, dev));
}

static bool is_owned(struct device *dev)
{
	return iommu_group_dma_owner_claimed(dev->iommu_group);
}

/* Before the fixture takes its instances away. */
static void clean_up_later(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, reclaim_both, NULL));
}

static struct v3c_device *make_device(struct kunit *test, const struct v3c_owner *owner,
				      struct device *pdo)
{
	static const struct v3c_device_config plain;
	struct v3c_device *device = NULL;
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(owner, pdo, &plain, &device, &why));
	return device;
}

static enum v3c_reason try_domain(const struct v3c_owner *owner, struct v3c_domain **domain)
{
	static const struct v3c_domain_config explicit = { .type = V3C_DOMAIN_TRANSLATE };
	struct v3c_why why;

	return v3c_domain_create(owner, &explicit, domain, &why);
}

static struct v3c_domain *make_domain(struct kunit *test, const struct v3c_owner *owner)
{
	struct v3c_domain *domain = NULL;

	KUNIT_ASSERT_EQ(test, 0, (int)try_domain(owner, &domain));
	return domain;
}

static void expect_attach(struct kunit *test, struct v3c_domain *domain, struct v3c_device *device,
			  enum v3c_reason reason)
{
	struct v3c_why why = { .reason = V3C_REASON_NONE };

	KUNIT_EXPECT_EQ(test, (int)reason, (int)v3c_attach_device(domain, device, &why));
	KUNIT_EXPECT_EQ(test, (int)reason, (int)why.reason);
}

static void objects_of_two_owners_stay_apart(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN drivers = v3t_explicit(test);
	struct v3c_device *device;
	struct v3c_domain *domain;

	clean_up_later(test);
	device = make_device(test, &lenient, w->pdo);
	domain = make_domain(test, &lenient);
	expect_attach(test, (struct v3c_domain *)drivers, device, V3C_REASON_OTHER_OWNER);
	EXPECT_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, (PIOMMU_DMA_DOMAIN)domain, w->device);
	expect_attach(test, domain, device, V3C_REASON_NONE);
}

static void group_has_one_owner(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	struct v3t_world *w = test->priv;
	struct device *a = v3t_pdo(test, w->sim, &member), *b = v3t_pdo(test, w->sim, &member);
	PIOMMU_DMA_DOMAIN drivers = v3t_explicit(test);
	PIOMMU_DMA_DEVICE ours = v3t_device(test, a);
	struct v3c_device *theirs;
	struct v3c_domain *domain;

	clean_up_later(test);
	theirs = make_device(test, &lenient, b);
	domain = make_domain(test, &lenient);
	v3t_attach(test, drivers, ours);
	expect_attach(test, domain, theirs, V3C_REASON_GROUP_BUSY);
	v3t_detach(test, ours);
	expect_attach(test, domain, theirs, V3C_REASON_NONE);
	EXPECT_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, drivers, ours);
}

static void strict_owner_needs_the_ownership(struct kunit *test)
{
	static const struct iommusim_device_config ordinary = { .ordinary_driver = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &ordinary);
	struct v3c_device *device;
	struct v3c_domain *domain;

	clean_up_later(test);
	device = make_device(test, &strict, pdo);
	domain = make_domain(test, &strict);
	expect_attach(test, domain, device, V3C_REASON_GROUP_BUSY);
	/* An owner that is not strict does without, as the client is taken for the driver. */
	expect_attach(test, make_domain(test, &lenient), make_device(test, &lenient, pdo),
		      V3C_REASON_NONE);
}

static void strict_owner_learns_from_its_own_devices(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = NULL;

	clean_up_later(test);
	KUNIT_EXPECT_NE(test, 0, (int)try_domain(&strict, &domain));
	KUNIT_EXPECT_NULL(test, domain);
	make_device(test, &strict, w->pdo);
	make_domain(test, &strict);
}

static void count_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	atomic_inc(context);
}

static void reclaim_takes_everything_of_one_owner(struct kunit *test)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	atomic_t changes = ATOMIC_INIT(0);
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN drivers = v3t_explicit(test), theirs;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
	struct page *page = v3t_pages(test, 0);
	IOMMU_DMA_LOGICAL_ADDRESS at = 2 * AT;
	struct v3c_device *device;

	clean_up_later(test);
	v3t_attach(test, drivers, w->device);
	v3t_map_at(test, drivers, v3t_of_page(page), AT);
	device = make_device(test, &lenient, pdo);
	theirs = (PIOMMU_DMA_DOMAIN)make_domain(test, &lenient);
	expect_attach(test, (struct v3c_domain *)theirs, device, V3C_REASON_NONE);
	v3t_map_at(test, theirs, v3t_of_page(page), AT);
	ASSERT_V3(test, STATUS_SUCCESS, ReserveLogicalAddressRange, theirs, SZ_2M, &at, NULL, NULL,
		  &token);
	ASSERT_V3(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback, count_change,
		  &changes, (PIOMMU_DMA_DEVICE)device, &fields);
	v3t_expect_reaches(test, pdo, AT, page);

	v3c_reclaim(&lenient, false);
	/* A change of the policy waits for the callbacks that it causes. */
	v3compat_set_guard_policy(V3COMPAT_GUARD_ALL);
	v3compat_set_guard_policy(V3COMPAT_GUARD_EXTERNAL);
	KUNIT_EXPECT_EQ(test, atomic_read(&changes), 1);
	v3t_expect_misses(test, pdo, AT, page);
	v3t_expect_reaches(test, w->pdo, AT, page);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDevice, (PIOMMU_DMA_DEVICE)device);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDomain, theirs);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER_1, FreeReservedLogicalAddressRange, token);
	/* Nothing is left that would keep others from the device. */
	v3t_attach(test, drivers, v3t_device(test, pdo));
	v3t_expect_reaches(test, pdo, AT, page);
}

static void claim_owns_an_idle_group(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN drivers = v3t_explicit(test);
	struct v3c_device *device;
	struct v3c_domain *domain;
	struct v3c_why why;

	clean_up_later(test);
	make_claim(test, w->pdo, &strict);
	KUNIT_EXPECT_TRUE(test, is_owned(w->pdo));
	EXPECT_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, drivers, w->device);
	device = make_device(test, &strict, w->pdo);
	domain = make_domain(test, &strict);
	expect_attach(test, domain, device, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_detach_device(device, &why));
	KUNIT_EXPECT_TRUE(test, is_owned(w->pdo));
	expect_attach(test, domain, device, V3C_REASON_NONE);
	v3c_claim_drop(w->pdo);
	KUNIT_EXPECT_TRUE(test, is_owned(w->pdo));
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_detach_device(device, &why));
	KUNIT_EXPECT_FALSE(test, is_owned(w->pdo));
	v3t_attach(test, drivers, w->device);
}

static void claimed_group_goes_from_owner_to_owner(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	struct v3t_world *w = test->priv;
	struct device *a = v3t_pdo(test, w->sim, &member), *b = v3t_pdo(test, w->sim, &member);
	struct v3c_device *ours, *theirs;

	clean_up_later(test);
	make_claim(test, a, &strict);
	expect_claim(test, b, &lenient, NULL, V3C_REASON_GROUP_CLAIMED);
	v3c_claim_hand_over(b, &lenient, &strict);
	make_claim(test, b, &strict);
	v3c_claim_hand_over(b, &strict, &lenient);
	ours = make_device(test, &strict, a);
	theirs = make_device(test, &lenient, a);
	expect_attach(test, make_domain(test, &strict), ours, V3C_REASON_GROUP_BUSY);
	expect_claim(test, a, &strict, NULL, V3C_REASON_GROUP_CLAIMED);
	expect_claim(test, a, &strict, &lenient, V3C_REASON_NONE);
	expect_attach(test, make_domain(test, &lenient), theirs, V3C_REASON_GROUP_BUSY);
	v3c_claim_drop(a);
	KUNIT_EXPECT_FALSE(test, v3c_claim_exists(a));
	KUNIT_EXPECT_TRUE(test, is_owned(a));
	expect_attach(test, make_domain(test, &strict), ours, V3C_REASON_NONE);
	v3c_reclaim(&strict, false);
	KUNIT_EXPECT_TRUE(test, is_owned(a));
	v3c_claim_drop(b);
	KUNIT_EXPECT_FALSE(test, is_owned(a));
}

static void claim_is_refused_where_a_driver_is(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	static const struct iommusim_device_config ordinary = {
		.group = 7, .ordinary_driver = true,
	};
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &member);
	struct v3c_why why;

	v3t_pdo(test, w->sim, &ordinary);
	expect_claim(test, pdo, &strict, NULL, V3C_REASON_GROUP_CLAIMED);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_MSI_NOT_ISOLATED,
			(int)v3c_claim_take(w->pdo, &strict, NULL, true, &why));
	KUNIT_EXPECT_FALSE(test, is_owned(w->pdo));
}

static void claim_ends_with_its_device(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	struct v3t_world *w = test->priv;
	struct device *a = v3t_pdo(test, w->sim, &member), *b = v3t_pdo(test, w->sim, &member);

	expect_claim(test, a, &strict, NULL, V3C_REASON_NONE);
	expect_claim(test, b, &strict, NULL, V3C_REASON_NONE);
	v3t_unplug(test, a);
	KUNIT_EXPECT_TRUE(test, is_owned(b));
	v3t_unplug(test, b);
	make_claim(test, w->pdo, &strict);
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(objects_of_two_owners_stay_apart),
	KUNIT_CASE(group_has_one_owner),
	KUNIT_CASE(strict_owner_needs_the_ownership),
	KUNIT_CASE(strict_owner_learns_from_its_own_devices),
	KUNIT_CASE(reclaim_takes_everything_of_one_owner),
	KUNIT_CASE(claim_owns_an_idle_group),
	KUNIT_CASE(claimed_group_goes_from_owner_to_owner),
	KUNIT_CASE(claim_is_refused_where_a_driver_is),
	KUNIT_CASE(claim_ends_with_its_device),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "v3compat_owner",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = owner_cases,
};

kunit_test_suites(&owner_suite);
