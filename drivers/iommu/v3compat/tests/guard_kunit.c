// SPDX-License-Identifier: GPL-2.0
/* Which domain types a device may use, and who is told when that changes. */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/v3compat.h>

#include "alloc_fail.h"
#include "fixture.h"
#include "thread.h"

#define PASS_THROUGH	BIT(DomainTypePassThrough)
#define TOLD_MAX	8

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = { .AsUlonglong = 0 };
static IOMMU_INTERFACE_STATE_CHANGE_FIELDS all_fields = { .AsULONG = 1 };

/**
 * struct watcher - a registration and what it was told
 * @entry: in the list of what the exit handler ends
 * @test: the case
 * @device: watched
 * @calls: number of callbacks that have begun
 * @types: what the first ones were told
 * @caller: who made the last one
 * @fields: all PresentFields or-ed
 * @inside: callbacks running
 * @crowded: two ran at once
 * @finished: callbacks that have ended
 * @hook: what the callback does, or NULL
 * @domain: for the hook
 * @status: of what the hook did
 * @other: another watcher or thread, for the hook
 */
struct watcher {
	struct list_head entry;
	struct kunit *test;
	PIOMMU_DMA_DEVICE device;
	unsigned int calls;
	ULONG types[TOLD_MAX];
	struct task_struct *caller;
	ULONG fields;
	atomic_t inside;
	bool crowded;
	unsigned int finished;
	void (*hook)(struct watcher *watcher, ULONG types);
	PIOMMU_DMA_DOMAIN domain;
	NTSTATUS status[4];
	void *other;
};

static LIST_HEAD(watchers);

static void on_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	struct watcher *watcher = context;

	if (atomic_inc_return(&watcher->inside) != 1)
		watcher->crowded = true;
	if (watcher->calls < TOLD_MAX)
		watcher->types[watcher->calls] = change->AvailableDomainTypes;
	watcher->calls++;
	watcher->caller = current;
	watcher->fields |= change->PresentFields.AsULONG;
	if (watcher->hook)
		watcher->hook(watcher, change->AvailableDomainTypes);
	watcher->finished++;
	atomic_dec(&watcher->inside);
}

static void another_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	atomic_t *calls = context;

	if (calls)
		atomic_inc(calls);
}

static void set_guard(struct kunit *test, enum v3compat_guard policy, bool locked)
{
	v3compat_set_guard_locked(locked);
	KUNIT_EXPECT_EQ(test, v3compat_set_guard_policy(policy), 0);
}

/* Setting the guard to what it is returns when everything that happened before has been told. */
static void settle(struct kunit *test)
{
	enum v3compat_guard policy;
	bool locked;

	v3compat_get_guard(&policy, &locked);
	set_guard(test, policy, locked);
}

static void guard_exit(struct kunit *test)
{
	struct watcher *watcher, *next;

	list_for_each_entry_safe(watcher, next, &watchers, entry) {
		list_del(&watcher->entry);
		V3T_V3(test)->UnregisterInterfaceStateChangeCallback(on_change, watcher->device);
	}
	v3compat_set_guard_policy(V3COMPAT_GUARD_EXTERNAL);
	v3compat_set_guard_locked(false);
	v3t_exit(test);
}

static struct watcher *new_watcher(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	struct watcher *watcher = kunit_kzalloc(test, sizeof(*watcher), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, watcher);
	watcher->test = test;
	watcher->device = device;
	list_add(&watcher->entry, &watchers);
	return watcher;
}

static void watch(struct kunit *test, struct watcher *watcher)
{
	ASSERT_V3(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback, on_change, watcher,
		  watcher->device, &all_fields);
}

static struct watcher *new_watch(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	struct watcher *watcher = new_watcher(test, device);

	watch(test, watcher);
	return watcher;
}

static void unwatch(struct kunit *test, struct watcher *watcher)
{
	EXPECT_V3(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback, on_change,
		  watcher->device);
}

static ULONG types_of(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	ULONG types = ~0U;

	V3T_V3(test)->QueryAvailableDomainTypes(device, &types);
	return types;
}

/* @calls in all so far, the last of them with @types, which is what a query says, too. */
static void expect_told(struct kunit *test, struct watcher *watcher, unsigned int calls,
			ULONG types)
{
	settle(test);
	KUNIT_EXPECT_EQ(test, watcher->calls, calls);
	KUNIT_EXPECT_EQ(test, watcher->finished, calls);
	KUNIT_EXPECT_LE(test, watcher->calls, TOLD_MAX);
	if (watcher->calls && watcher->calls <= TOLD_MAX)
		KUNIT_EXPECT_EQ(test, watcher->types[watcher->calls - 1], types);
	KUNIT_EXPECT_EQ(test, watcher->fields, 1);
	KUNIT_EXPECT_FALSE(test, watcher->crowded);
	KUNIT_EXPECT_EQ(test, types_of(test, watcher->device), types);
}

static struct device *new_external(struct kunit *test)
{
	static const struct iommusim_device_config outside = { .external = true };
	struct v3t_world *w = test->priv;

	return v3t_pdo(test, w->sim, &outside);
}

static struct device *new_member(struct kunit *test, bool managed, bool ordinary)
{
	struct iommusim_device_config config = {
		.group = 7, .managed_dma = managed, .ordinary_driver = ordinary,
	};
	struct v3t_world *w = test->priv;

	return v3t_pdo(test, w->sim, &config);
}

static void refuses_bad_arguments(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS nothing = { .AsULONG = 0 };
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS reserved = { .AsULONG = 3 };
	PIOMMU_DMA_DEVICE domain = (PIOMMU_DMA_DEVICE)v3t_explicit(test);
	PIOMMU_DMA_DEVICE stale = v3t_device(test, w->pdo);
	atomic_t calls = ATOMIC_INIT(0);

	v3t_delete_device(test, stale);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, RegisterInterfaceStateChangeCallback, NULL,
		  &calls, w->device, &all_fields);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, NULL, &all_fields);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, domain, &all_fields);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, stale, &all_fields);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, w->device, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, w->device, &nothing);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, RegisterInterfaceStateChangeCallback,
		  another_change, &calls, w->device, &reserved);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, UnregisterInterfaceStateChangeCallback, NULL,
		  w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnregisterInterfaceStateChangeCallback,
		  another_change, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnregisterInterfaceStateChangeCallback,
		  another_change, stale);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls), 0);
}

static void takes_one_callback_per_device(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE twin = v3t_device(test, w->pdo);
	struct watcher *watcher = new_watch(test, w->device), *beside;
	atomic_t calls = ATOMIC_INIT(0);

	REFUSE_V3(test, STATUS_UNSUCCESSFUL, RegisterInterfaceStateChangeCallback, on_change,
		  watcher, w->device, &all_fields);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, RegisterInterfaceStateChangeCallback, another_change,
		  &calls, w->device, &all_fields);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls), 0);
	beside = new_watch(test, twin);
	KUNIT_EXPECT_EQ(test, beside->calls, 1);
	KUNIT_EXPECT_EQ(test, watcher->calls, 1);

	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, another_change,
		  w->device);
	unwatch(test, watcher);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, on_change,
		  w->device);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_EXPECT_EQ(test, watcher->calls, 1);
	KUNIT_EXPECT_EQ(test, beside->calls, 2);
	watch(test, watcher);
	KUNIT_EXPECT_EQ(test, watcher->calls, 2);
}

static void first_call_comes_from_the_caller(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watch(test, w->device);

	KUNIT_EXPECT_PTR_EQ(test, watcher->caller, current);
	expect_told(test, watcher, 1, types_of(test, w->device));
}

static void tells_differences_only(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	ULONG all = types_of(test, w->device);
	struct watcher *watcher = new_watch(test, w->device);

	KUNIT_EXPECT_TRUE(test, all & PASS_THROUGH);
	set_guard(test, V3COMPAT_GUARD_EXTERNAL, false);
	set_guard(test, V3COMPAT_GUARD_OFF, false);
	set_guard(test, V3COMPAT_GUARD_OFF, true);
	expect_told(test, watcher, 1, all);
	set_guard(test, V3COMPAT_GUARD_ALL, true);
	KUNIT_EXPECT_EQ(test, watcher->finished, 2);
	KUNIT_EXPECT_PTR_NE(test, watcher->caller, current);
	set_guard(test, V3COMPAT_GUARD_EXTERNAL, true);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
	set_guard(test, V3COMPAT_GUARD_EXTERNAL, false);
	expect_told(test, watcher, 3, all);
}

static const struct policy_case {
	const char *name;
	enum v3compat_guard policy;
	bool locked;
	bool internal;	/* may an internal device see all of memory */
	bool external;
} policy_cases[] = {
	{ "off", V3COMPAT_GUARD_OFF, false, true, true },
	{ "off, locked", V3COMPAT_GUARD_OFF, true, true, true },
	{ "external", V3COMPAT_GUARD_EXTERNAL, false, true, false },
	{ "external, locked", V3COMPAT_GUARD_EXTERNAL, true, false, false },
	{ "all", V3COMPAT_GUARD_ALL, false, false, false },
	{ "all, locked", V3COMPAT_GUARD_ALL, true, false, false },
};

static void policy_name(const struct policy_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(policy, policy_cases, policy_name);

static void expect_allowed(struct kunit *test, struct device *pdo, PIOMMU_DMA_DEVICE device,
			   PIOMMU_DMA_DOMAIN everything, bool allowed)
{
	PIOMMU_DMA_DOMAIN translate = v3t_explicit(test);

	KUNIT_EXPECT_EQ(test, !!(types_of(test, device) & PASS_THROUGH), allowed);
	if (allowed) {
		EXPECT_V3(test, STATUS_SUCCESS, AttachDeviceEx, everything, device);
		EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
		EXPECT_V1(test, STATUS_SUCCESS, AttachDevice, everything, pdo, 0, 1);
		EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, everything, pdo, 0);
	} else {
		REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, everything, device);
		REFUSE_V1(test, STATUS_ACCESS_DENIED, AttachDevice, everything, pdo, 0, 1);
	}
	EXPECT_V3(test, STATUS_SUCCESS, AttachDeviceEx, translate, device);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
}

static void policy_governs_pass_through(struct kunit *test)
{
	const struct policy_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *outside = new_external(test);
	PIOMMU_DMA_DEVICE external = v3t_device(test, outside);
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	struct watcher *watcher[2];
	enum v3compat_guard policy;
	bool locked;

	set_guard(test, V3COMPAT_GUARD_OFF, false);
	watcher[0] = new_watch(test, w->device);
	watcher[1] = new_watch(test, external);
	KUNIT_EXPECT_TRUE(test, watcher[0]->types[0] & PASS_THROUGH);
	KUNIT_EXPECT_EQ(test, watcher[1]->types[0], watcher[0]->types[0]);

	set_guard(test, c->policy, c->locked);
	v3compat_get_guard(&policy, &locked);
	KUNIT_EXPECT_EQ(test, policy, c->policy);
	KUNIT_EXPECT_EQ(test, locked, c->locked);
	expect_told(test, watcher[0], 1 + !c->internal,
		    watcher[0]->types[0] & ~(c->internal ? 0 : PASS_THROUGH));
	expect_told(test, watcher[1], 1 + !c->external,
		    watcher[0]->types[0] & ~(c->external ? 0 : PASS_THROUGH));
	expect_allowed(test, w->pdo, w->device, everything, c->internal);
	expect_allowed(test, outside, external, everything, c->external);
	if (c->internal)
		v3t_delete_domain(test, v3t_domain(test, DomainTypePassThrough, 0));
	else
		REFUSE_V3(test, STATUS_NOT_SUPPORTED, CreateDomainEx, DomainTypePassThrough,
			  no_flags, NULL, NULL, &w->out.domain);
}

/* What an internal device sees, an external one of its group sees, too. */
static void external_member_guards_its_group(struct kunit *test)
{
	static const struct iommusim_device_config outside = { .group = 7, .external = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = new_member(test, false, false), *external;
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	PIOMMU_DMA_DOMAIN unmanaged = v3t_domain(test, DomainTypeUnmanaged, 0);
	DOMAIN_CONFIGURATION bypass = { .Type = DomainConfigurationX64 };
	ULONG all = types_of(test, device);
	struct watcher *watcher;

	KUNIT_EXPECT_TRUE(test, all & PASS_THROUGH);
	external = v3t_pdo(test, w->sim, &outside);
	watcher = new_watch(test, device);
	expect_told(test, watcher, 1, all & ~PASS_THROUGH);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, everything, device);
	v3t_attach(test, unmanaged, device);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, ConfigureDomain, unmanaged, &bypass);
	v3t_detach(test, device);
	v3t_unplug(test, external);
	settle(test);
	expect_told(test, watcher, 2, all);
	v3t_attach(test, everything, device);
}

/* Between v3compat and the core, which has not taken the device out of its group yet. */
struct departure {
	struct notifier_block nb;
	struct device *leaver;
	struct kunit *test;
};

static int on_departure(struct notifier_block *nb, unsigned long event, void *data)
{
	struct departure *departure = container_of(nb, struct departure, nb);

	if (event == BUS_NOTIFY_REMOVED_DEVICE && data == departure->leaver)
		settle(departure->test);
	return NOTIFY_OK;
}

static void stop_watching_departures(void *nb)
{
	bus_unregister_notifier(&platform_bus_type, nb);
}

/* Whoever looks as soon as v3compat has been told, and never again, sees that it has gone. */
static void departure_of_an_external_member_is_told(struct kunit *test)
{
	static const struct iommusim_device_config outside = { .group = 7, .external = true };
	struct departure *departure = kunit_kzalloc(test, sizeof(*departure), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE device = v3t_device(test, new_member(test, false, false));
	ULONG all = types_of(test, device);
	struct watcher *watcher;

	KUNIT_ASSERT_NOT_NULL(test, departure);
	departure->nb.notifier_call = on_departure;
	departure->nb.priority = INT_MAX - 1;
	departure->test = test;
	departure->leaver = v3t_pdo(test, w->sim, &outside);
	KUNIT_ASSERT_EQ(test, bus_register_notifier(&platform_bus_type, &departure->nb), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_watching_departures,
							&departure->nb), 0);
	watcher = new_watch(test, device);
	KUNIT_EXPECT_EQ(test, watcher->types[0], all & ~PASS_THROUGH);
	v3t_unplug(test, departure->leaver);
	KUNIT_EXPECT_EQ(test, watcher->finished, 2);
	KUNIT_EXPECT_EQ(test, watcher->types[1], all);
}

/* Whoever has the core's lock of a group, as a reset of a PCI device has while it waits. */
struct holder {
	struct kunit *test;
	struct iommu_group *group;
	PIOMMU_DMA_DEVICE device;
	struct iommusim *sim;
	struct completion held, release;
	struct v3t_thread thread, others;
	ULONG types;
	NTSTATUS create;
};

static int hold(struct device *member, void *arg)
{
	struct holder *holder = arg;

	complete(&holder->held);
	wait_for_completion(&holder->release);
	return 1;
}

static int hold_group(void *arg)
{
	struct holder *holder = arg;

	return iommu_group_for_each_dev(holder->group, holder, hold);
}

static int use_all_but_the_group(void *arg)
{
	struct holder *holder = arg;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(holder->test);
	PIOMMU_DMA_DOMAIN domain;
	struct device *pdo;

	v3->QueryAvailableDomainTypes(holder->device, &holder->types);
	v3compat_set_guard_policy(V3COMPAT_GUARD_ALL);
	holder->create = v3->CreateDomainEx(DomainTypeTranslate, no_flags, NULL, NULL, &domain);
	if (NT_SUCCESS(holder->create))
		v3->DeleteDomain(domain);
	pdo = iommusim_device_create(holder->sim, NULL);
	if (IS_ERR(pdo))
		return PTR_ERR(pdo);
	iommusim_device_destroy(pdo);
	return 0;
}

/* What the types of a device depend on is known without that lock. */
static void group_may_be_locked_by_others(struct kunit *test)
{
	struct holder *holder = kunit_kzalloc(test, sizeof(*holder), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	struct device *pdo = new_member(test, false, false);
	ULONG all, types;
	struct watcher *watcher;
	bool done;

	KUNIT_ASSERT_NOT_NULL(test, holder);
	holder->test = test;
	holder->sim = w->sim;
	holder->device = v3t_device(test, pdo);
	holder->group = iommu_group_get(pdo);
	init_completion(&holder->held);
	init_completion(&holder->release);
	all = types_of(test, holder->device);
	watcher = new_watch(test, holder->device);
	v3t_thread_start(&holder->thread, hold_group, holder);
	wait_for_completion(&holder->held);
	v3t_thread_start(&holder->others, use_all_but_the_group, holder);
	done = wait_for_completion_timeout(&holder->others.done, 30 * HZ);
	types = watcher->types[1];
	complete_all(&holder->release);
	KUNIT_EXPECT_TRUE(test, done);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&holder->others), 0);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&holder->thread), 1);
	iommu_group_put(holder->group);
	KUNIT_EXPECT_EQ(test, holder->types, all);
	KUNIT_EXPECT_EQ(test, types, all & ~PASS_THROUGH);
	EXPECT_RESULT(test, STATUS_SUCCESS, CreateDomainEx, holder->create);
}

/* What is plugged in must not see what the device that was there before may. */
static void external_newcomer_ends_pass_through(struct kunit *test)
{
	static const struct iommusim_device_config outside = { .group = 7, .external = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = new_member(test, false, false), *external;
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	PIOMMU_DMA_DOMAIN translate = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG all = types_of(test, device);
	struct watcher *watcher = new_watch(test, device);

	v3t_attach(test, everything, device);
	new_member(test, false, false);
	v3t_expect_reaches(test, pdo, page_to_phys(page), page);
	external = v3t_pdo(test, w->sim, &outside);
	/*
	 * Where the kernel has no DMA-API domains, what a group falls back to shows all of memory.
	 */
	if (IS_ENABLED(CONFIG_IOMMU_DMA)) {
		v3t_expect_misses(test, external, page_to_phys(page), page);
		v3t_expect_misses(test, pdo, page_to_phys(page), page);
	}
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, everything, device);
	v3t_attach(test, translate, device);
}

/*
 * As where the kernel looks at the firmware's description of a device only before it binds a
 * driver.
 */
static void newcomer_may_join_before_its_driver_is_bound(struct kunit *test)
{
	static const struct iommusim_device_config outside = {
		.group = 7, .external = true, .managed_dma = true, .late = true,
	};
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE device = v3t_device(test, new_member(test, false, false));
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	struct device *late = v3t_pdo(test, w->sim, &outside);
	ULONG all = types_of(test, device);
	struct watcher *watcher = new_watch(test, device);

	KUNIT_EXPECT_TRUE(test, all & PASS_THROUGH);
	v3t_attach(test, everything, device);
	KUNIT_ASSERT_EQ(test, iommusim_device_join(late), 0);
	KUNIT_EXPECT_EQ(test, device_attach(late), 1);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, everything, device);
	/* A driver of a device that is known is nothing new. */
	set_guard(test, V3COMPAT_GUARD_OFF, false);
	v3t_attach(test, everything, device);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	device_release_driver(late);
	KUNIT_EXPECT_EQ(test, device_attach(late), 1);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
}

static void bad_policy_changes_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watch(test, w->device);
	enum v3compat_guard policy;
	bool locked;

	KUNIT_EXPECT_EQ(test, v3compat_set_guard_policy(V3COMPAT_GUARD_ALL + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, v3compat_set_guard_policy(-1), -EINVAL);
	v3compat_get_guard(&policy, &locked);
	KUNIT_EXPECT_EQ(test, policy, V3COMPAT_GUARD_EXTERNAL);
	KUNIT_EXPECT_FALSE(test, locked);
	expect_told(test, watcher, 1, watcher->types[0]);
}

/* sysfs may be mounted nowhere when this runs. */
static void unmount(void *sysfs)
{
	kern_unmount(sysfs);
}

static struct vfsmount *mount_sysfs(struct kunit *test)
{
	struct file_system_type *type = get_fs_type("sysfs");
	struct vfsmount *sysfs;

	if (!type)
		kunit_skip(test, "this kernel has no sysfs");
	sysfs = kern_mount(type);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sysfs);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unmount, sysfs), 0);
	return sysfs;
}

static struct file *open_parameter(struct vfsmount *sysfs, const char *name, int flags)
{
	const struct path root = { .mnt = sysfs, .dentry = sysfs->mnt_root };
	char path[64];

	snprintf(path, sizeof(path), "module/v3compat/parameters/%s", name);
	return file_open_root(&root, path, flags, 0);
}

static int write_parameter(struct kunit *test, struct vfsmount *sysfs, const char *name,
			   const char *value)
{
	struct file *file = open_parameter(sysfs, name, O_WRONLY);
	loff_t pos = 0;
	ssize_t ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ret = kernel_write(file, value, strlen(value), &pos);
	fput(file);
	return ret < 0 ? ret : 0;
}

static void expect_parameter(struct kunit *test, struct vfsmount *sysfs, const char *name,
			     const char *value)
{
	struct file *file = open_parameter(sysfs, name, O_RDONLY);
	char text[16] = {};
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_GT(test, kernel_read(file, text, sizeof(text) - 1, &pos), 0);
	fput(file);
	KUNIT_EXPECT_STREQ(test, text, value);
}

static void parameters_are_the_policy(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct vfsmount *sysfs = mount_sysfs(test);
	ULONG all = types_of(test, w->device);
	struct watcher *watcher = new_watch(test, w->device);

	expect_parameter(test, sysfs, "dma_guard", "external\n");
	expect_parameter(test, sysfs, "dma_guard_locked", "N\n");
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard", "all\n"), 0);
	KUNIT_EXPECT_EQ(test, watcher->finished, 2);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
	expect_parameter(test, sysfs, "dma_guard", "all\n");
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard", "external"), 0);
	KUNIT_EXPECT_EQ(test, watcher->finished, 3);
	expect_told(test, watcher, 3, all);
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard_locked", "1\n"), 0);
	KUNIT_EXPECT_EQ(test, watcher->finished, 4);
	expect_told(test, watcher, 4, all & ~PASS_THROUGH);
	expect_parameter(test, sysfs, "dma_guard_locked", "Y\n");
	expect_parameter(test, sysfs, "dma_guard", "external\n");
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard", "off"), 0);
	expect_told(test, watcher, 5, all);

	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard", "some"), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard", "\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_parameter(test, sysfs, "dma_guard_locked", "maybe"), -EINVAL);
	expect_parameter(test, sysfs, "dma_guard", "off\n");
	expect_parameter(test, sysfs, "dma_guard_locked", "Y\n");
	expect_told(test, watcher, 5, all);
}

/* A callback that does not return before it is allowed to. */
struct stubborn {
	struct kunit *test;
	struct vfsmount *sysfs;
	struct completion called, release;
	struct v3t_thread writer, reader;
};

static void wait_for_release(struct watcher *watcher, ULONG types)
{
	struct stubborn *stubborn = watcher->other;

	if (watcher->calls == 1)
		return;
	complete(&stubborn->called);
	wait_for_completion(&stubborn->release);
}

static int write_policy(void *arg)
{
	struct stubborn *stubborn = arg;

	/* Threads of the kernel hear none otherwise. */
	allow_signal(SIGTERM);
	return write_parameter(stubborn->test, stubborn->sysfs, "dma_guard", "all");
}

static int use_other_parameters(void *arg)
{
	struct stubborn *stubborn = arg;

	expect_parameter(stubborn->test, stubborn->sysfs, "dma_guard", "all\n");
	expect_parameter(stubborn->test, stubborn->sysfs, "dma_guard_locked", "N\n");
	return write_parameter(stubborn->test, stubborn->sysfs, "fault_console", "N");
}

static void administrator_need_not_wait_for_a_callback(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct stubborn *stubborn = kunit_kzalloc(test, sizeof(*stubborn), GFP_KERNEL);
	struct watcher *watcher = new_watcher(test, w->device);
	ULONG all = types_of(test, w->device);
	bool read, written;

	KUNIT_ASSERT_NOT_NULL(test, stubborn);
	stubborn->test = test;
	stubborn->sysfs = mount_sysfs(test);
	init_completion(&stubborn->called);
	init_completion(&stubborn->release);
	watcher->other = stubborn;
	watcher->hook = wait_for_release;
	watch(test, watcher);
	v3t_thread_start(&stubborn->writer, write_policy, stubborn);
	wait_for_completion(&stubborn->called);
	v3t_thread_start(&stubborn->reader, use_other_parameters, stubborn);
	read = wait_for_completion_timeout(&stubborn->reader.done, 30 * HZ);
	KUNIT_EXPECT_TRUE(test, read);
	KUNIT_EXPECT_FALSE(test, completion_done(&stubborn->writer.done));
	send_sig(SIGTERM, stubborn->writer.task, 1);
	written = wait_for_completion_timeout(&stubborn->writer.done, 30 * HZ);
	KUNIT_EXPECT_TRUE(test, written);
	KUNIT_EXPECT_EQ(test, types_of(test, w->device), all & ~PASS_THROUGH);
	KUNIT_EXPECT_EQ(test, watcher->finished, 1);

	complete_all(&stubborn->release);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&stubborn->reader), 0);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&stubborn->writer), -EINTR);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
}

static int change_lock(void *arg)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		v3compat_set_guard_locked(i & 1);
	return 0;
}

/* Neither loses what the other one sets. */
static void policy_and_lock_have_an_author_each(struct kunit *test)
{
	enum v3compat_guard policy;
	struct v3t_thread thread;
	unsigned int i;
	bool locked;

	v3t_thread_start(&thread, change_lock, NULL);
	for (i = 0; i < 100; i++) {
		v3compat_set_guard_policy(i % (V3COMPAT_GUARD_ALL + 1));
		v3compat_get_guard(&policy, &locked);
		KUNIT_EXPECT_EQ(test, policy, i % (V3COMPAT_GUARD_ALL + 1));
	}
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	v3compat_get_guard(&policy, &locked);
	KUNIT_EXPECT_TRUE(test, locked);
}

static void attachment_outlives_the_policy(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	struct page *page = v3t_pages(test, 0);

	v3t_attach(test, everything, w->device);
	set_guard(test, V3COMPAT_GUARD_ALL, true);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
	v3t_detach(test, w->device);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, everything, w->device);
	set_guard(test, V3COMPAT_GUARD_OFF, true);
	v3t_attach(test, everything, w->device);
}

/* Half of a group cannot be kept from the other half. */
static void driver_of_another_member_takes_all_types(struct kunit *test)
{
	struct device *pdo = new_member(test, false, false), *other;
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	struct watcher *watcher = new_watch(test, device);
	ULONG all = types_of(test, device);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	new_member(test, true, false);
	expect_told(test, watcher, 1, all);
	other = new_member(test, false, true);
	expect_told(test, watcher, 2, 0);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, device);
	device_release_driver(other);
	expect_told(test, watcher, 3, all);
	v3t_attach(test, domain, device);
	expect_told(test, watcher, 3, all);
	v3t_detach(test, device);
	KUNIT_EXPECT_EQ(test, device_attach(other), 1);
	expect_told(test, watcher, 4, 0);
	v3t_unplug(test, other);
	expect_told(test, watcher, 5, all);
}

/* The group is the other member's until its client shares it. */
static void attached_member_shares_its_group(struct kunit *test)
{
	struct device *pdo = new_member(test, false, false);
	struct device *driven = new_member(test, false, true);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo), client = v3t_device(test, driven);
	struct watcher *watcher = new_watch(test, device);
	ULONG all = types_of(test, client);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	expect_told(test, watcher, 1, 0);
	v3t_attach(test, domain, client);
	expect_told(test, watcher, 2, all);
	v3t_attach(test, domain, device);
	v3t_detach(test, device);
	v3t_detach(test, client);
	expect_told(test, watcher, 3, 0);
}

static void own_driver_takes_nothing(struct kunit *test)
{
	struct device *pdo = new_member(test, false, true);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);

	KUNIT_EXPECT_TRUE(test, types_of(test, device) & BIT(DomainTypeTranslate));
}

/* The callback is about to go with the module of the driver that is gone. */
static void registration_goes_with_the_driver(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = new_member(test, false, true);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	struct watcher *watcher = new_watch(test, device);
	struct watcher *bystander = new_watch(test, w->device);

	device_release_driver(pdo);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_EXPECT_EQ(test, watcher->calls, 1);
	KUNIT_EXPECT_EQ(test, bystander->calls, 2);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, on_change,
		  device);
	v3t_delete_device(test, device);
}

/* A platform device is removed from its bus before its driver is unbound. */
static void registration_goes_with_the_driver_of_a_removed_device(struct kunit *test)
{
	struct device *pdo = new_member(test, false, true);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);

	new_watch(test, device);
	v3t_unplug(test, pdo);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, on_change,
		  device);
	v3t_delete_device(test, device);
}

static void removal_takes_all_types(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = new_member(test, false, false);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DEVICE twin = v3t_device(test, pdo);
	struct watcher *watcher = new_watch(test, device);

	v3t_attach(test, v3t_explicit(test), device);
	v3t_unplug(test, pdo);
	expect_told(test, watcher, 2, 0);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	expect_told(test, watcher, 2, 0);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, RegisterInterfaceStateChangeCallback, on_change,
		  watcher, twin, &all_fields);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, on_change,
		  twin);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, device);
	unwatch(test, watcher);
	v3t_delete_device(test, device);
	KUNIT_EXPECT_TRUE(test, types_of(test, w->device) & BIT(DomainTypeTranslate));
}

static void registration_keeps_the_device(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watch(test, w->device);

	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, w->device);
	unwatch(test, watcher);
	v3t_delete_device(test, w->device);
}

/* What a driver is expected to do when PassThrough is withdrawn. */
static void move_to_translation(struct watcher *watcher, ULONG types)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(watcher->test);

	if (types & PASS_THROUGH)
		return;
	watcher->status[0] = v3->DetachDeviceEx(watcher->device);
	watcher->status[1] = v3->AttachDeviceEx(watcher->domain, watcher->device);
}

static void callback_may_use_the_interface(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN everything = v3t_domain(test, DomainTypePassThrough, 0);
	struct watcher *watcher = new_watcher(test, w->device);
	struct page *page = v3t_pages(test, 0);

	watcher->domain = v3t_explicit(test);
	watcher->hook = move_to_translation;
	v3t_map_at(test, watcher->domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, everything, w->device);
	watch(test, watcher);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachDeviceEx, watcher->status[0]);
	EXPECT_RESULT(test, STATUS_SUCCESS, AttachDeviceEx, watcher->status[1]);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

static void leave(struct watcher *watcher, ULONG types)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(watcher->test);

	watcher->status[0] = v3->UnregisterInterfaceStateChangeCallback(on_change, watcher->device);
	watcher->status[1] = v3->DeleteDevice(watcher->device);
	if (watcher->other)
		watcher->status[2] =
			v3->RegisterInterfaceStateChangeCallback(another_change, watcher->other,
								 watcher->device, &all_fields);
}

static void expect_left(struct kunit *test, struct watcher *watcher)
{
	EXPECT_RESULT(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback,
		      watcher->status[0]);
	EXPECT_RESULT(test, STATUS_RESOURCE_IN_USE, DeleteDevice, watcher->status[1]);
	EXPECT_RESULT(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback,
		      watcher->status[2]);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, on_change,
		  watcher->device);
}

static void callback_may_unregister_itself(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watcher(test, w->device);

	/* On the registering thread, then on the worker. */
	watcher->hook = leave;
	watch(test, watcher);
	expect_left(test, watcher);
	watcher->hook = NULL;
	watch(test, watcher);
	watcher->hook = leave;
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_EXPECT_EQ(test, watcher->calls, 3);
	expect_left(test, watcher);
	set_guard(test, V3COMPAT_GUARD_OFF, false);
	KUNIT_EXPECT_EQ(test, watcher->calls, 3);
}

static void callback_may_hand_over(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watcher(test, w->device);
	atomic_t calls = ATOMIC_INIT(0);

	watcher->hook = leave;
	watcher->other = &calls;
	watch(test, watcher);
	expect_left(test, watcher);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls), 1);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls), 2);
	KUNIT_EXPECT_EQ(test, watcher->calls, 1);
	EXPECT_V3(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback, another_change,
		  w->device);
}

static void guard_all(struct watcher *watcher, ULONG types)
{
	if (types & PASS_THROUGH)
		KUNIT_EXPECT_EQ(watcher->test, v3compat_set_guard_policy(V3COMPAT_GUARD_ALL), 0);
}

static void callback_may_change_the_policy(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	ULONG all = types_of(test, w->device);
	struct watcher *watcher = new_watcher(test, w->device);
	struct watcher *other = new_watch(test, v3t_device(test, w->pdo));

	/*
	 * The change comes after the call that made it, first on this thread, then on the worker.
	 */
	watcher->hook = guard_all;
	watch(test, watcher);
	KUNIT_EXPECT_EQ(test, watcher->types[0], all);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
	expect_told(test, other, 2, all & ~PASS_THROUGH);
	set_guard(test, V3COMPAT_GUARD_OFF, false);
	expect_told(test, watcher, 4, all & ~PASS_THROUGH);
	expect_told(test, other, other->calls, all & ~PASS_THROUGH);
}

#define RESTLESS	1000

static void toggle(struct watcher *watcher, ULONG types)
{
	if (watcher->calls >= RESTLESS)
		return;
	v3compat_set_guard_policy(types & PASS_THROUGH ? V3COMPAT_GUARD_ALL : V3COMPAT_GUARD_OFF);
	/* Whoever could go on now gets the processor. */
	schedule_timeout_uninterruptible(1);
}

/* A callback that never is content keeps neither another one nor the policy's author waiting. */
static void restless_callback_starves_nobody(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *restless = new_watcher(test, w->device);
	struct watcher *other = new_watch(test, v3t_device(test, w->pdo));

	restless->hook = toggle;
	watch(test, restless);
	settle(test);
	KUNIT_EXPECT_LT(test, restless->calls, RESTLESS);
	unwatch(test, restless);
	set_guard(test, V3COMPAT_GUARD_ALL, true);
	KUNIT_EXPECT_GT(test, other->calls, 1);
	KUNIT_EXPECT_EQ(test, types_of(test, w->device) & PASS_THROUGH, 0);
	KUNIT_EXPECT_FALSE(test, restless->crowded);
}

static void announce(struct watcher *watcher, ULONG types)
{
	if (watcher->calls == 2)
		complete(watcher->other);
}

/* Does not return before a watcher further down the list was told what is news to this one, too. */
static void dawdle(struct watcher *watcher, ULONG types)
{
	struct watcher *late = watcher->other;

	if (watcher->calls != 1)
		return;
	watch(watcher->test, late);
	set_guard(watcher->test, V3COMPAT_GUARD_ALL, false);
	KUNIT_EXPECT_NE(watcher->test, wait_for_completion_timeout(late->other, 10 * HZ), 0);
	KUNIT_EXPECT_EQ(watcher->test, watcher->calls, 1);
}

static void change_waits_for_the_first_call(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	DECLARE_COMPLETION_ONSTACK(told);
	ULONG all = types_of(test, w->device);
	struct watcher *watcher = new_watcher(test, w->device);
	struct watcher *late = new_watcher(test, v3t_device(test, w->pdo));

	late->hook = announce;
	late->other = &told;
	watcher->hook = dawdle;
	watcher->other = late;
	watch(test, watcher);
	KUNIT_EXPECT_EQ(test, watcher->types[0], all);
	expect_told(test, watcher, 2, all & ~PASS_THROUGH);
}

/* A thread that registers or unregisters while a callback runs, and what it saw then. */
struct leaver {
	struct v3t_thread thread;
	struct watcher *watcher;
	NTSTATUS status;
	unsigned int finished;
};

static int unregister(void *arg)
{
	struct leaver *leaver = arg;
	struct watcher *watcher = leaver->watcher;

	leaver->status = V3T_V3(watcher->test)->UnregisterInterfaceStateChangeCallback(
				on_change, watcher->device);
	leaver->finished = watcher->finished;
	return 0;
}

/*
 * Runs inside the callback: starts the thread and waits until it has ended the registration, which
 * another one taking its place shows, and has gone to sleep, or has returned too early.
 */
static void meet_the_leaver(struct watcher *watcher, ULONG types)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(watcher->test);
	struct leaver *leaver = watcher->other;
	struct v3t_thread *thread = &leaver->thread;

	if (watcher->calls != 2)
		return;
	v3t_thread_start(thread, unregister, leaver);
	if (IS_ERR(thread->task))
		return;
	while (!NT_SUCCESS(v3->RegisterInterfaceStateChangeCallback(another_change, NULL,
								    watcher->device, &all_fields)))
		usleep_range(100, 200);
	while (!completion_done(&thread->done) &&
	       READ_ONCE(thread->task->__state) != TASK_UNINTERRUPTIBLE)
		usleep_range(100, 200);
	watcher->status[0] = v3->UnregisterInterfaceStateChangeCallback(another_change,
								       watcher->device);
	KUNIT_EXPECT_FALSE(watcher->test, completion_done(&thread->done));
}

static void unregister_waits_for_the_callback(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watcher(test, w->device);
	struct leaver *leaver = kunit_kzalloc(test, sizeof(*leaver), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, leaver);
	leaver->watcher = watcher;
	watcher->other = leaver;
	watcher->hook = meet_the_leaver;
	watch(test, watcher);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_ASSERT_EQ(test, watcher->calls, 2);
	KUNIT_ASSERT_EQ(test, v3t_thread_join(&leaver->thread), 0);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback, leaver->status);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback,
		      watcher->status[0]);
	KUNIT_EXPECT_EQ(test, leaver->finished, 2);
	set_guard(test, V3COMPAT_GUARD_OFF, false);
	KUNIT_EXPECT_EQ(test, watcher->calls, 2);
}

static int register_successor(void *arg)
{
	struct leaver *successor = arg;
	struct watcher *watcher = successor->watcher;

	successor->status = V3T_V3(watcher->test)->RegisterInterfaceStateChangeCallback(
				on_change, watcher, watcher->device, &all_fields);
	return 0;
}

/* Runs inside the callback, whose registration it ends; the thread's is to come after it. */
static void meet_the_successor(struct watcher *watcher, ULONG types)
{
	struct leaver *successor = watcher->other;
	struct v3t_thread *thread = &successor->thread;

	if (watcher->calls != 2)
		return;
	unwatch(watcher->test, watcher);
	v3t_thread_start(thread, register_successor, successor);
	if (IS_ERR(thread->task))
		return;
	while (!completion_done(&thread->done) &&
	       READ_ONCE(thread->task->__state) != TASK_UNINTERRUPTIBLE)
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(watcher->test, successor->watcher->calls, 0);
}

static void registering_waits_for_the_callback(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct watcher *watcher = new_watcher(test, w->device);
	struct leaver *successor = kunit_kzalloc(test, sizeof(*successor), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, successor);
	successor->watcher = new_watcher(test, w->device);
	watcher->other = successor;
	watcher->hook = meet_the_successor;
	watch(test, watcher);
	set_guard(test, V3COMPAT_GUARD_ALL, false);
	KUNIT_ASSERT_EQ(test, watcher->calls, 2);
	KUNIT_ASSERT_EQ(test, v3t_thread_join(&successor->thread), 0);
	EXPECT_RESULT(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback,
		      successor->status);
	expect_told(test, successor->watcher, 1, watcher->types[1]);
}

/* Nobody could tell a policy's author that there was no memory to obey. */
static void policy_needs_no_memory(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	struct watcher *watcher = new_watcher(test, w->device);
	ULONG all = types_of(test, w->device), types = 0;
	NTSTATUS status[2];
	int ret;

	V3T_REQUIRE_ALLOC_FAIL(test);
	v3t_alloc_fail_begin();
	status[0] = v3->RegisterInterfaceStateChangeCallback(on_change, watcher, w->device,
							     &all_fields);
	ret = v3compat_set_guard_policy(V3COMPAT_GUARD_ALL);
	v3->QueryAvailableDomainTypes(w->device, &types);
	status[1] = v3->UnregisterInterfaceStateChangeCallback(on_change, w->device);
	v3t_alloc_fail_end();

	EXPECT_RESULT(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback, status[0]);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback, status[1]);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, types, all & ~PASS_THROUGH);
	KUNIT_EXPECT_EQ(test, watcher->calls, 2);
	KUNIT_EXPECT_EQ(test, watcher->types[1], all & ~PASS_THROUGH);
}

/* Threads that contradict each other on the same devices. */
#define ROUNDS		300
#define THREADS		6
#define DEVICES		2

struct turmoil {
	struct kunit *test;
	struct device *pdo[DEVICES];
	struct watcher *watcher[DEVICES];
	PIOMMU_DMA_DOMAIN everything;
	PIOMMU_DMA_DOMAIN translate;
	atomic_t errors;
};

static void complain(struct turmoil *t, bool wrong)
{
	if (wrong)
		atomic_inc(&t->errors);
}

static int change_policy(void *arg)
{
	struct turmoil *t = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		complain(t, v3compat_set_guard_policy(i % (V3COMPAT_GUARD_ALL + 1)));
		v3compat_set_guard_locked(i & 4);
	}
	return 0;
}

/* After it ended a registration, no callback of it may begin until there is another one. */
static int come_and_go(void *arg)
{
	struct turmoil *t = arg;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(t->test);
	struct watcher *watcher = t->watcher[0];
	unsigned int i, calls;

	for (i = 0; i < ROUNDS; i++) {
		calls = watcher->calls;
		complain(t, v3->RegisterInterfaceStateChangeCallback(on_change, watcher,
								     watcher->device, &all_fields));
		complain(t, watcher->calls == calls);
		complain(t, v3->DeleteDevice(watcher->device) != STATUS_RESOURCE_IN_USE);
		complain(t, v3->UnregisterInterfaceStateChangeCallback(on_change, watcher->device));
		complain(t, atomic_read(&watcher->inside));
		calls = watcher->calls;
		schedule();
		complain(t, watcher->calls != calls);
	}
	return 0;
}

/* Two of these: one at most is successful at a time, and none once the hardware is gone. */
static int contend(void *arg)
{
	struct turmoil *t = arg;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(t->test);
	struct watcher *watcher = t->watcher[1];
	unsigned int i;
	NTSTATUS status;

	for (i = 0; i < ROUNDS; i++) {
		status = v3->RegisterInterfaceStateChangeCallback(on_change, watcher,
								  watcher->device, &all_fields);
		complain(t, status != STATUS_SUCCESS && status != STATUS_UNSUCCESSFUL &&
			    status != STATUS_INVALID_PARAMETER_3);
		status = v3->UnregisterInterfaceStateChangeCallback(on_change, watcher->device);
		complain(t, status != STATUS_SUCCESS && status != STATUS_UNSUCCESSFUL);
	}
	return 0;
}

static int attach_and_detach(void *arg)
{
	struct turmoil *t = arg;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(t->test);
	PIOMMU_DMA_DEVICE device = t->watcher[0]->device;
	unsigned int i;
	NTSTATUS status;

	for (i = 0; i < ROUNDS; i++) {
		status = v3->AttachDeviceEx(i & 1 ? t->everything : t->translate, device);
		complain(t, status && (status != STATUS_ACCESS_DENIED || !(i & 1)));
		if (NT_SUCCESS(status))
			complain(t, v3->DetachDeviceEx(device));
	}
	return 0;
}

static int pull_out(void *arg)
{
	struct turmoil *t = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS / 4; i++)
		complain(t, v3compat_set_guard_policy(i & 1 ? V3COMPAT_GUARD_ALL :
							      V3COMPAT_GUARD_OFF));
	v3t_unplug(t->test, t->pdo[1]);
	return 0;
}

static void survives_contradictions(struct kunit *test)
{
	static int (* const jobs[THREADS])(void *) = {
		change_policy, come_and_go, contend, contend, attach_and_detach, pull_out,
	};
	struct v3t_world *w = test->priv;
	struct v3t_thread *threads = kunit_kcalloc(test, THREADS, sizeof(*threads), GFP_KERNEL);
	struct turmoil *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, threads);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->everything = v3t_domain(test, DomainTypePassThrough, 0);
	t->translate = v3t_explicit(test);
	for (i = 0; i < DEVICES; i++) {
		t->pdo[i] = v3t_pdo(test, w->sim, NULL);
		t->watcher[i] = new_watcher(test, v3t_device(test, t->pdo[i]));
	}
	for (i = 0; i < THREADS; i++)
		v3t_thread_start(&threads[i], jobs[i], t);
	for (i = 0; i < THREADS; i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[i]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->errors), 0);
	for (i = 0; i < DEVICES; i++)
		KUNIT_EXPECT_FALSE(test, t->watcher[i]->crowded);
	settle(test);
}

static struct kunit_case guard_cases[] = {
	KUNIT_CASE(refuses_bad_arguments),
	KUNIT_CASE(takes_one_callback_per_device),
	KUNIT_CASE(first_call_comes_from_the_caller),
	KUNIT_CASE(tells_differences_only),
	KUNIT_CASE_PARAM(policy_governs_pass_through, policy_gen_params),
	KUNIT_CASE(external_member_guards_its_group),
	KUNIT_CASE(departure_of_an_external_member_is_told),
	KUNIT_CASE(group_may_be_locked_by_others),
	KUNIT_CASE(external_newcomer_ends_pass_through),
	KUNIT_CASE(newcomer_may_join_before_its_driver_is_bound),
	KUNIT_CASE(bad_policy_changes_nothing),
	KUNIT_CASE(parameters_are_the_policy),
	KUNIT_CASE(administrator_need_not_wait_for_a_callback),
	KUNIT_CASE(policy_and_lock_have_an_author_each),
	KUNIT_CASE(attachment_outlives_the_policy),
	KUNIT_CASE(driver_of_another_member_takes_all_types),
	KUNIT_CASE(attached_member_shares_its_group),
	KUNIT_CASE(own_driver_takes_nothing),
	KUNIT_CASE(registration_goes_with_the_driver),
	KUNIT_CASE(registration_goes_with_the_driver_of_a_removed_device),
	KUNIT_CASE(removal_takes_all_types),
	KUNIT_CASE(registration_keeps_the_device),
	KUNIT_CASE(callback_may_use_the_interface),
	KUNIT_CASE(callback_may_unregister_itself),
	KUNIT_CASE(callback_may_hand_over),
	KUNIT_CASE(callback_may_change_the_policy),
	KUNIT_CASE(restless_callback_starves_nobody),
	KUNIT_CASE(change_waits_for_the_first_call),
	KUNIT_CASE(unregister_waits_for_the_callback),
	KUNIT_CASE(registering_waits_for_the_callback),
	KUNIT_CASE(policy_needs_no_memory),
	KUNIT_CASE(survives_contradictions),
	{}
};

static struct kunit_suite guard_suite = {
	.name = "v3compat_guard",
	.init = v3t_init,
	.exit = guard_exit,
	.test_cases = guard_cases,
};

kunit_test_suite(guard_suite);
