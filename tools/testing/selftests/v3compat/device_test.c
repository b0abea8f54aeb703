// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of /dev/v3compat: who gets one, what can be done with it, and what becomes of it when its
 * user goes. The device is QEMU's edu, a DMA engine with an interrupt: one that can be reset, which
 * is behind a port, and one that cannot.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "device.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL

static bool has_no_reset(const char *name)
{
	return !has_reset(name);
}

FIXTURE(edu) {
	char name[64];
	int fd;
	int device;
	int domain;
	int edu;	/* descriptor of the device */
	uint32_t *bar;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(edu) {
	bool reset;
};

FIXTURE_VARIANT_ADD(edu, that_cannot_be_reset) {};
FIXTURE_VARIANT_ADD(edu, that_can_be_reset) { .reset = true };

FIXTURE_SETUP(edu)
{
	if (!find_pci(EDU, variant->reset ? has_reset : has_no_reset, 0, self->name,
		      sizeof(self->name)))
		SKIP(return, "the machine has no such device");
	ASSERT_EQ(0, write_file(UNSAFE, has_remapping() ? "N" : "Y"));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_pci(self->fd, self->name, 0, &self->result);
	ASSERT_LT(0, self->device) {
		TH_LOG("reason %u", (int)self->result.out_reason);
	}
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->edu = open_fd(self->fd, self->device);
	ASSERT_LE(0, self->edu);
	self->bar = map_bar(self->edu, EDU_SIZE);
	ASSERT_NE(NULL, self->bar);
	self->memory = new_memory(PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(edu)
{
	if (self->bar)
		munmap(self->bar, EDU_SIZE);
	if (self->edu > 0)
		close(self->edu);
	if (self->fd > 0)
		close(self->fd);
	if (self->name[0])
		unbind_pci(self->name);
}

TEST_F(edu, answers)
{
	EXPECT_EQ(0x010000edU, get(self->bar, EDU_ID));
	put(self->bar, EDU_LIVE, 0x12345678);
	EXPECT_EQ(~0x12345678U, get(self->bar, EDU_LIVE));
}

TEST_F(edu, moves_data_both_ways)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
}

TEST_F(edu, is_bus_master_only_while_attached)
{
	EXPECT_EQ(PCI_MEMORY, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(PCI_MEMORY | PCI_MASTER, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	EXPECT_EQ(-EBUSY, attach(self->fd, self->domain, self->device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ATTACHED, (int)self->result.out_reason);
	EXPECT_EQ(PCI_MASTER, command_of(self->name) & PCI_MASTER);
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	EXPECT_EQ(0, command_of(self->name) & PCI_MASTER);
	EXPECT_EQ(-ENOENT, detach(self->fd, self->device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_ATTACHED, (int)self->result.out_reason);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
}

TEST_F(edu, tells_of_its_regions)
{
	struct v3compat_region_query arg = {};

	ASSERT_EQ(0, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_EQ(6U, arg.out_regions);
	EXPECT_EQ(EDU_SIZE, arg.out_length);
	EXPECT_EQ(V3COMPAT_REGION_MMAP, arg.out_flags);
	EXPECT_EQ(0U, arg.out_offset);
	EXPECT_EQ(0U, arg.out_hole_length);
	arg.index = 1;
	ASSERT_EQ(0, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_EQ(0U, arg.out_length);
	EXPECT_EQ(0U, arg.out_flags);
	arg.index = ~0u;
	ASSERT_EQ(0, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_EQ(0U, arg.out_length);
}

TEST_F(edu, maps_what_there_is_and_only_shared)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self->edu, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->edu, EDU_SIZE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, EDU_SIZE, PROT_READ, MAP_SHARED, self->edu, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->edu, 1ULL << 40));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->edu, 99ULL << 40));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(edu, interrupts_by_message)
{
	struct v3compat_interrupt_query arg = { .type = V3COMPAT_INTERRUPT_MSI };
	int event = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);

	ASSERT_EQ(0, CALL(self->edu, INTERRUPT_QUERY, &arg));
	EXPECT_EQ(1U, arg.out_count);
	EXPECT_EQ(0U, arg.out_flags);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	put(self->bar, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 1);
	put(self->bar, EDU_IRQ_RAISE, 2);
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 2);
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, other, NULL));
	put(self->bar, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(has_come(other, true));
	EXPECT_FALSE(has_come(event, false));
	put(self->bar, EDU_IRQ_ACK, 1);
	ASSERT_EQ(0, end_irqs(self->edu));
	put(self->bar, EDU_IRQ_RAISE, 1);
	usleep(20000);
	EXPECT_FALSE(has_come(other, false));
	put(self->bar, EDU_IRQ_ACK, 1);
}

TEST_F(edu, masks_its_line_when_it_interrupts)
{
	struct v3compat_interrupt_query arg = { .type = V3COMPAT_INTERRUPT_INTX };
	int event = eventfd(0, EFD_CLOEXEC);

	ASSERT_EQ(0, CALL(self->edu, INTERRUPT_QUERY, &arg));
	EXPECT_EQ(1U, arg.out_count);
	EXPECT_EQ(V3COMPAT_INTERRUPT_AUTOMASKED, arg.out_flags);
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_INTX, event, NULL));
	put(self->bar, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(has_come(event, true));
	usleep(20000);
	EXPECT_FALSE(has_come(event, false));
	/* It is still there, so it is told again when it is unmasked. */
	ASSERT_EQ(0, unmask(self->edu, V3COMPAT_INTERRUPT_INTX));
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 1);
	ASSERT_EQ(0, unmask(self->edu, V3COMPAT_INTERRUPT_INTX));
	usleep(20000);
	EXPECT_FALSE(has_come(event, false));
	put(self->bar, EDU_IRQ_RAISE, 4);
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 4);
	/* One type at a time. */
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	EXPECT_EQ(-ENOENT, unmask(self->edu, V3COMPAT_INTERRUPT_INTX));
}

TEST_F(edu, refuses_bad_interrupts)
{
	int event = eventfd(0, EFD_CLOEXEC), two[2] = { event, event };
	struct v3compat_interrupt_set arg = {
		.type = V3COMPAT_INTERRUPT_MSI, .count = 2, .fds = (uintptr_t)two,
	};

	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_INTX, event, NULL));
	EXPECT_EQ(-E2BIG, CALL(self->edu, INTERRUPT_SET, &arg));
	EXPECT_EQ(V3COMPAT_REASON_TOO_MANY, (int)arg.result.out_reason);
	EXPECT_EQ(-E2BIG, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSIX, event, &self->result));
	EXPECT_EQ(-E2BIG, set_irqs(self->edu, V3COMPAT_INTERRUPT_WIRED, event, &self->result));
	EXPECT_EQ(-EINVAL, set_irqs(self->edu, 4, event, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, (int)self->result.out_reason);
	EXPECT_EQ(-EBADF, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, self->fd, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_FILE, (int)self->result.out_reason);
	EXPECT_EQ(-EBADF, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, 12345, &self->result));
	arg.count = 1;
	arg.fds = 8;
	EXPECT_EQ(-EFAULT, CALL(self->edu, INTERRUPT_SET, &arg));
	arg.count = ~0u;
	EXPECT_EQ(-E2BIG, CALL(self->edu, INTERRUPT_SET, &arg));
	/* What was set before is as it was. */
	put(self->bar, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 1);
}

TEST_F(edu, resets_or_says_that_it_cannot)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	put64(self->bar, EDU_DMA_COUNT, 77);
	if (!variant->reset) {
		EXPECT_EQ(-EOPNOTSUPP, reset(self->edu, &self->result));
		EXPECT_EQ(V3COMPAT_REASON_NO_RESET, (int)self->result.out_reason);
		EXPECT_EQ(77U, get(self->bar, EDU_DMA_COUNT));
		return;
	}
	ASSERT_EQ(0, reset(self->edu, NULL));
	EXPECT_EQ(0x010000edU, get(self->bar, EDU_ID));
	EXPECT_EQ(PCI_MEMORY | PCI_MASTER, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
}

/* struct resetter: who resets a device by sysfs, again and again. */
struct resetter {
	const char *name;
	bool over;
};

static void *reset_by_sysfs(void *arg)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct resetter *resetter = arg;

	/* One waits while another resets, and is to be faster than a command that tries. */
	sched_setscheduler(0, SCHED_FIFO, &first);
	while (!__atomic_load_n(&resetter->over, __ATOMIC_RELAXED))
		write_attribute(resetter->name, "reset", "1");
	return NULL;
}

/* A command waits a second for others who work on the device. Some may leave it a gap. */
TEST_F_TIMEOUT(edu, that_others_work_on_is_not_reset, 120)
{
	struct resetter resetter = { .name = self->name };
	unsigned int tries, i;
	pthread_t threads[3];
	int ret = 0;

	if (!variant->reset)
		SKIP(return, "the device has no reset");
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, reset_by_sysfs, &resetter));
	for (tries = 0; !ret && tries < 100; tries++)
		ret = reset(self->edu, &self->result);
	__atomic_store_n(&resetter.over, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_EQ(V3COMPAT_REASON_NOT_QUIET, (int)self->result.out_reason);
	ASSERT_EQ(0, reset(self->edu, NULL));
	EXPECT_EQ(0x010000edU, get(self->bar, EDU_ID));
}

TEST_F(edu, belongs_to_one_file)
{
	int other = open_v3compat();
	char blocker[64], expected[64];

	snprintf(expected, sizeof(expected), "[%d]", getpid());
	EXPECT_EQ(-EPERM, create_pci(other, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_CLAIMED, (int)self->result.out_reason);
	EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_CLAIMED, (int)self->result.out_reason);
	EXPECT_EQ(V3COMPAT_REASON_CLAIMED, ask_blocker(other, "pci", self->name, blocker));
	EXPECT_NE(NULL, strstr(blocker, expected));
	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	EXPECT_EQ(0, ask_blocker(other, "pci", self->name, blocker));
	EXPECT_LT(0, create_pci(other, self->name, 0, NULL));
	close(other);
}

TEST_F(edu, is_gone_from_its_descriptor_when_it_is_destroyed)
{
	struct v3compat_region_query arg = {};
	int event = eventfd(0, EFD_CLOEXEC);

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ATTACHED, (int)self->result.out_reason);
	EXPECT_EQ(0x010000edU, get(self->bar, EDU_ID));
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	EXPECT_TRUE(dies_of_bus_error(self->bar));
	EXPECT_EQ(-ENODEV, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_EQ(V3COMPAT_REASON_DEVICE_GONE, (int)arg.result.out_reason);
	EXPECT_EQ(-ENODEV, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	EXPECT_EQ(-ENODEV, reset(self->edu, NULL));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->edu, 0));
	EXPECT_EQ(ENODEV, errno);
	/* The old descriptor stays dead when the device is made again. */
	ASSERT_LT(0, create_pci(self->fd, self->name, 0, NULL));
	EXPECT_EQ(-ENODEV, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_TRUE(dies_of_bus_error(self->bar));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(-ENODEV, CALL(self->edu, REGION_QUERY, &arg));
	EXPECT_EQ(V3COMPAT_REASON_CLOSED, (int)arg.result.out_reason);
}

TEST_F(edu, leaves_when_its_driver_does)
{
	struct v3compat_device_query query = { .device = self->device };
	struct v3compat_region_query region = {};
	int event = eventfd(0, EFD_CLOEXEC), device;
	char blocker[64];

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	EXPECT_EQ(0x010000edU, get(self->bar, EDU_ID));
	ASSERT_EQ(0, unbind_pci(self->name));
	EXPECT_EQ(0, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	EXPECT_TRUE(dies_of_bus_error(self->bar));
	EXPECT_EQ(-ENODEV, CALL(self->edu, REGION_QUERY, &region));
	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	EXPECT_EQ(V3COMPAT_DEVICE_GONE, query.out_flags);
	EXPECT_EQ(-ENODEV, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(-ENODEV, open_fd(self->fd, self->device));
	EXPECT_EQ(V3COMPAT_REASON_NOT_BOUND, ask_blocker(self->fd, "pci", self->name, blocker));
	EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, NULL));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	EXPECT_EQ(-ENODEV, CALL(self->edu, REGION_QUERY, &region));
	device = create_pci(self->fd, self->name, 0, NULL);
	ASSERT_LT(0, device);
	EXPECT_EQ(0, attach(self->fd, self->domain, device, NULL));
	EXPECT_EQ(0, destroy(self->fd, self->device, NULL));
}

TEST_F(edu, leaves_the_system)
{
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, write_attribute(self->name, "remove", "1"));
	EXPECT_TRUE(dies_of_bus_error(self->bar));
	EXPECT_EQ(-ENODEV, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(-ENODEV, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, (int)self->result.out_reason);
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

/*
 * hold_and_die() has the engine write to memory all the time, and is killed. The parent does not
 * wait, because the claim has to.
 */
static void hold_and_die(const char *name, int ready)
{
	int fd = open_v3compat(), device = create_pci(fd, name, 0, NULL), edu;
	int domain = create_domain(fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	void *memory = new_memory(PAGE);
	uint32_t *bar;
	char ok = 'y';

	edu = open_fd(fd, device);
	bar = map_bar(edu, EDU_SIZE);
	if (!bar || map_fixed(fd, domain, memory, PAGE, AT) || attach(fd, domain, device, NULL))
		_exit(1);
	start_dma(bar, EDU_BUFFER, AT, 4096, EDU_TO_MEMORY);
	if (write(ready, &ok, 1) != 1)
		_exit(1);
	for (;;) {
		wait_dma(bar);
		start_dma(bar, EDU_BUFFER, AT, 4096, EDU_TO_MEMORY);
	}
}

TEST_F(edu, is_taken_over_from_who_was_killed)
{
	char ok, blocker[64];
	int ready[2], round, status, device;
	pid_t pid;

	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	ASSERT_EQ(0, pipe(ready));
	for (round = 0; round < 3; round++) {
		pid = fork();
		if (!pid)
			hold_and_die(self->name, ready[1]);
		ASSERT_EQ(1, read(ready[0], &ok, 1));
		EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, NULL));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		device = create_pci(self->fd, self->name, 0, &self->result);
		ASSERT_LT(0, device);
		EXPECT_EQ(0, command_of(self->name) & PCI_MASTER);
		ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
		ASSERT_EQ(0, attach(self->fd, self->domain, device, NULL));
		ASSERT_EQ(0, detach(self->fd, device, NULL));
		ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
		ASSERT_EQ(0, destroy(self->fd, device, NULL));
		EXPECT_EQ(0, ask_blocker(self->fd, "pci", self->name, blocker));
	}
	EXPECT_EQ(0, pinned_kib());
}

/* goes_to_others(): a driver that uses the kernel's DMA gets the device, and leaves it again. */
static bool goes_to_others(int fd, const char *name, char *blocker)
{
	bool bound;

	bind_pci(name, OTHER_DRIVER);
	ask_blocker(fd, "pci", name, blocker);
	bound = !write_file("/sys/bus/pci/drivers/" OTHER_DRIVER "/unbind", name);
	return bound;
}

static bool has_other_driver(void)
{
	return !access("/sys/bus/pci/drivers/" OTHER_DRIVER, F_OK);
}

/* A device that cannot be reset stays blocked, and no other driver gets it. */
TEST_F(edu, stays_in_quarantine_unless_it_is_quiet)
{
	char blocker[64];

	if (!has_other_driver())
		SKIP(return, OTHER_DRIVER " is not loaded");
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	close(self->fd);
	self->fd = open_v3compat();
	EXPECT_EQ(!variant->reset, is_listed(self->name, "quarantined"));
	EXPECT_EQ(variant->reset, is_listed(self->name, "free"));
	ASSERT_EQ(0, unbind_pci(self->name));
	EXPECT_EQ(variant->reset, goes_to_others(self->fd, self->name, blocker));
	EXPECT_EQ(0, strcmp(variant->reset ? OTHER_DRIVER : "", blocker));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	EXPECT_EQ(!variant->reset, is_listed(self->name, "quarantined"));
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

TEST_F(edu, that_was_never_attached_is_free_at_once)
{
	char blocker[64];

	if (!has_other_driver())
		SKIP(return, OTHER_DRIVER " is not loaded");
	/* Only its removal ends the quarantine of what an earlier test has attached. */
	ASSERT_EQ(0, write_attribute(self->name, "remove", "1"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	ASSERT_LT(0, create_pci(self->fd, self->name, 0, NULL));
	close(self->fd);
	self->fd = open_v3compat();
	EXPECT_TRUE(is_listed(self->name, "free"));
	ASSERT_EQ(0, unbind_pci(self->name));
	EXPECT_TRUE(goes_to_others(self->fd, self->name, blocker));
	EXPECT_EQ(0, strcmp(OTHER_DRIVER, blocker));
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
}

TEST_F(edu, needs_isolated_interrupts_unless_allowed)
{
	bool isolated = has_remapping();

	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	ASSERT_EQ(0, write_file(UNSAFE, "N"));
	if (isolated) {
		EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
		return;
	}
	EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_MSI_NOT_ISOLATED, (int)self->result.out_reason);
	ASSERT_EQ(0, write_file(UNSAFE, "Y"));
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

static void drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	syscall(SYS_capget, &header, data);
	data[capability / 32].effective &= ~(1u << capability % 32);
	data[capability / 32].permitted &= ~(1u << capability % 32);
	syscall(SYS_capset, &header, data);
}

TEST_F(edu, is_made_by_the_privileged_and_used_by_anybody)
{
	int domain, event = eventfd(0, EFD_CLOEXEC);

	domain = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	drop_capability(CAP_SYS_RAWIO);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	if (domain > 0) {
		EXPECT_EQ(-EPERM, attach(self->fd, domain, self->device, &self->result));
		EXPECT_EQ(V3COMPAT_REASON_PRIVILEGE, (int)self->result.out_reason);
		EXPECT_EQ(0, command_of(self->name) & PCI_MASTER);
	}
	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_PRIVILEGE, (int)self->result.out_reason);
}

TEST_F(edu, tells_about_itself)
{
	struct v3compat_device_query query = { .device = self->device };
	uint32_t id = 0;
	struct v3compat_input_mappings ids = {
		.device = self->device, .ids = (uintptr_t)&id, .max_ids = 1,
	};

	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	EXPECT_EQ(0U, query.out_flags & (V3COMPAT_DEVICE_GONE | V3COMPAT_DEVICE_ATTACHED));
	EXPECT_NE(0U, query.out_types & (1 << V3COMPAT_DOMAIN_TRANSLATE));
	EXPECT_NE(0U, query.out_iommu[0]);
	ASSERT_EQ(0, CALL(self->fd, INPUT_MAPPINGS, &ids));
	EXPECT_EQ(1U, ids.out_ids);
	EXPECT_EQ(query.out_input_mapping, id);
	EXPECT_NE(0U, id);
	id = 0xcccccccc;
	ids.max_ids = 0;
	ASSERT_EQ(0, CALL(self->fd, INPUT_MAPPINGS, &ids));
	EXPECT_EQ(1U, ids.out_ids);
	EXPECT_EQ(0xcccccccc, id);
	ids.max_ids = 1;
	ids.ids = 8;
	EXPECT_EQ(-EFAULT, CALL(self->fd, INPUT_MAPPINGS, &ids));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	EXPECT_EQ(V3COMPAT_DEVICE_ATTACHED, query.out_flags & V3COMPAT_DEVICE_ATTACHED);
}

/* Devices that iommusim simulates. Nothing tells that one of them is quiet, and none is reset. */
FIXTURE(platform) {
	struct sim sim;
	char neighbour[IOMMUSIM_NAME_SIZE];
	char member[IOMMUSIM_NAME_SIZE];
	int fd;
	int other;
	struct v3compat_result result;
};

FIXTURE_SETUP(platform)
{
	struct sim_config config = { .max_pasids = 64 };
	int ret = open_sim(&self->sim, &config);

	if (ret == -ENOENT)
		SKIP(return, "iommusim is not loaded");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, write_file(UNSAFE, "Y"));
	ASSERT_LE(0, add_device(&self->sim, 7, 0, NULL, 0, self->neighbour));
	ASSERT_LE(0, add_device(&self->sim, 7, 0, NULL, 0, self->member));
	self->fd = open_v3compat();
	self->other = open_v3compat();
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(platform)
{
	close(self->other);
	close(self->fd);
	close_sim(&self->sim);
}

static bool is_listed_platform(const char *name, const char *state)
{
	return is_listed_on("platform", name, state);
}

TEST_F(platform, group_belongs_to_one_file)
{
	int device, neighbour;
	char blocker[64], expected[64];

	snprintf(expected, sizeof(expected), "[%d]", getpid());
	device = create_device(self->fd, self->member, 0, NULL);
	ASSERT_LT(0, device);
	EXPECT_EQ(-EPERM, create_device(self->other, self->neighbour, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_GROUP_CLAIMED, (int)self->result.out_reason);
	EXPECT_EQ(V3COMPAT_REASON_GROUP_CLAIMED,
		  ask_blocker(self->other, "platform", self->neighbour, blocker));
	EXPECT_NE(NULL, strstr(blocker, expected));
	neighbour = create_device(self->fd, self->neighbour, 0, NULL);
	ASSERT_LT(0, neighbour);
	ASSERT_EQ(0, destroy(self->fd, device, NULL));
	EXPECT_TRUE(is_listed_platform(self->member, "free"));
	EXPECT_EQ(-EPERM, create_device(self->other, self->member, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_GROUP_CLAIMED, (int)self->result.out_reason);
	ASSERT_EQ(0, destroy(self->fd, neighbour, NULL));
	EXPECT_LT(0, create_device(self->other, self->member, 0, NULL));
}

TEST_F(platform, quarantine_is_of_the_whole_group)
{
	void *memory = new_memory(PAGE);
	int device, neighbour, domain;

	device = create_device(self->fd, self->member, 0, NULL);
	neighbour = create_device(self->fd, self->neighbour, 0, NULL);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, attach(self->fd, domain, device, NULL));
	ASSERT_EQ(0, detach(self->fd, device, NULL));
	ASSERT_EQ(0, destroy(self->fd, device, NULL));
	EXPECT_TRUE(is_listed_platform(self->member, "quarantined"));
	/* The group is still the file's, which may have it back. */
	EXPECT_EQ(-EPERM, create_device(self->other, self->member, 0, NULL));
	device = create_device(self->fd, self->member, 0, NULL);
	ASSERT_LT(0, device);
	ASSERT_EQ(0, destroy(self->fd, device, NULL));
	ASSERT_EQ(0, destroy(self->fd, neighbour, NULL));
	EXPECT_TRUE(is_listed_platform(self->member, "quarantined"));
	EXPECT_TRUE(is_listed_platform(self->neighbour, "free"));
	/* Whoever claims one of them gets the group. */
	neighbour = create_device(self->other, self->neighbour, 0, NULL);
	ASSERT_LT(0, neighbour);
	EXPECT_EQ(-EPERM, create_device(self->fd, self->member, 0, NULL));
	domain = create_domain(self->other, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, attach(self->other, domain, neighbour, NULL));
	ASSERT_EQ(0, map_fixed(self->other, domain, memory, PAGE, AT));
	close(self->other);
	self->other = open_v3compat();
	EXPECT_TRUE(is_listed_platform(self->neighbour, "quarantined"));
	EXPECT_LT(0, create_device(self->fd, self->member, 0, NULL));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(platform, quarantine_blocks_and_ends_with_a_removal)
{
	void *memory = new_memory(PAGE);
	int device, domain;

	device = create_device(self->fd, self->sim.name, 0, NULL);
	ASSERT_LT(0, device);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, map_fixed(self->fd, domain, memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, domain, device, NULL));
	EXPECT_TRUE(device_writes(&self->sim, AT, memory));
	close(self->fd);
	EXPECT_TRUE(is_refused(&self->sim, AT));
	ASSERT_EQ(0, unbind_device(self->sim.name));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	ASSERT_EQ(0, bind_device(self->sim.name, "v3compat-platform"));
	EXPECT_TRUE(is_listed_platform(self->sim.name, "quarantined"));
	self->fd = open_v3compat();
	device = create_device(self->fd, self->sim.name, 0, NULL);
	ASSERT_LT(0, device);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, attach(self->fd, domain, device, NULL));
	/* The instance goes with its devices, one of which is attached. */
	close_sim(&self->sim);
	self->sim.fd = -1;
	EXPECT_EQ(-ENODEV, attach(self->fd, domain, device, NULL));
	EXPECT_EQ(0, destroy(self->fd, device, NULL));
}

TEST_F(platform, unbound_while_sub_devices_are_attached)
{
	struct v3compat_pasid_create pasid = {};
	int device, domain;

	device = create_device(self->fd, self->sim.name, V3COMPAT_DEVICE_TAGGED, &self->result);
	ASSERT_LT(0, device);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	pasid.device = device;
	ASSERT_EQ(0, CALL(self->fd, PASID_CREATE, &pasid));
	ASSERT_EQ(0, attach(self->fd, domain, pasid.out_pasid, NULL));
	EXPECT_EQ(-EBUSY, destroy(self->fd, device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_IN_USE, (int)self->result.out_reason);
	EXPECT_EQ(pasid.out_pasid, self->result.out_object);
	ASSERT_EQ(0, unbind_device(self->sim.name));
	EXPECT_EQ(-ENODEV, attach(self->fd, domain, pasid.out_pasid, NULL));
	EXPECT_EQ(-ENOENT, detach(self->fd, pasid.out_pasid, NULL));
	EXPECT_EQ(0, destroy(self->fd, pasid.out_pasid, NULL));
	EXPECT_EQ(0, destroy(self->fd, device, NULL));
	EXPECT_EQ(0, destroy(self->fd, domain, NULL));
}

/* hold_again() claims the device, attaches it and lets go of it, again and again, until it dies. */
static void hold_again(const char *name)
{
	void *memory = new_memory(PAGE);
	int fd, device, domain;

	for (;;) {
		fd = open_v3compat();
		device = create_device(fd, name, 0, NULL);
		domain = create_domain(fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
		if (device > 0 && !map_fixed(fd, domain, memory, PAGE, AT) &&
		    !attach(fd, domain, device, NULL) && !detach(fd, device, NULL))
			destroy(fd, device, NULL);
		close(fd);
	}
}

TEST_F(platform, claims_race_with_bindings)
{
	pid_t children[3];
	int i, status;

	for (i = 0; i < 3; i++) {
		children[i] = fork();
		if (!children[i])
			hold_again(i ? self->member : self->neighbour);
	}
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, unbind_device(self->member));
		EXPECT_EQ(0, bind_device(self->member, "v3compat-platform"));
		usleep(i * 100);
	}
	for (i = 0; i < 3; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	EXPECT_LT(0, create_device(self->fd, self->member, 0, NULL));
	EXPECT_LT(0, create_device(self->fd, self->neighbour, 0, NULL));
}

TEST(names_that_there_are_not)
{
	struct v3compat_device_create arg = {};
	struct v3compat_result result;
	int fd = open_v3compat();
	char blocker[64];

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODEV, create_pci(fd, "0000:ff:1f.7", 0, &result));
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, (int)result.out_reason);
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, ask_blocker(fd, "pci", "", blocker));
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, ask_blocker(fd, "usb", "1-1", blocker));
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, ask_blocker(fd, "platform", "x", blocker));
	memset(&arg.name, 'p', sizeof(arg.name));
	EXPECT_EQ(-ENODEV, CALL(fd, DEVICE_CREATE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_NO_SUCH_DEVICE, (int)arg.result.out_reason);
	arg.name = name_of("pci", "0000:00:00.0");
	arg.name.bus[8] = 'x';
	EXPECT_EQ(-ENODEV, CALL(fd, DEVICE_CREATE, &arg));
	arg.flags = 4;
	EXPECT_EQ(-EOPNOTSUPP, CALL(fd, DEVICE_CREATE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, (int)arg.result.out_reason);
	close(fd);
}

/* struct resets: what threads do to a device that others reset. */
struct resets {
	struct _test_data_edu *self;
	unsigned int left;
	unsigned int done;
	int error;		/* something that must not happen */
	bool over;
};

static bool is_over(struct resets *resets)
{
	return __atomic_load_n(&resets->over, __ATOMIC_SEQ_CST);
}

static void *reset_again(void *arg)
{
	struct resets *resets = arg;
	int ret = 0;

	while (!ret && resets->left--) {
		ret = reset(resets->self->edu, NULL);
		if (!ret)
			__atomic_fetch_add(&resets->done, 1, __ATOMIC_SEQ_CST);
	}
	resets->error = ret;
	return NULL;
}

/* attach_again(): a reset takes the device from no attach, and gives no detach a bus master. */
static void *attach_again(void *arg)
{
	struct resets *resets = arg;
	struct _test_data_edu *self = resets->self;

	while (!resets->error && !is_over(resets)) {
		resets->error = attach(self->fd, self->domain, self->device, NULL);
		if (!resets->error)
			resets->error = detach(self->fd, self->device, NULL);
		if (!resets->error && reset(self->edu, NULL) == 0 &&
		    command_of(self->name) & PCI_MASTER)
			resets->error = 1;
		resets->done++;
	}
	return NULL;
}

static void *interrupt_again(void *arg)
{
	struct resets *resets = arg;
	int edu = resets->self->edu, event = eventfd(0, EFD_CLOEXEC);

	while (!resets->error && !is_over(resets)) {
		resets->error = set_irqs(edu, V3COMPAT_INTERRUPT_MSI, event, NULL);
		if (!resets->error)
			resets->error = end_irqs(edu);
		resets->done++;
	}
	close(event);
	return NULL;
}

TEST_F(edu, resets_race_with_what_changes_the_device)
{
	void *(*const work[])(void *) = { reset_again, reset_again, attach_again, interrupt_again };
	struct resets resets[ARRAY_SIZE(work)] = {};
	pthread_t threads[ARRAY_SIZE(work)];
	int event = eventfd(0, EFD_CLOEXEC);
	unsigned int i;

	if (!variant->reset)
		SKIP(return, "the device has no reset");
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		resets[i] = (struct resets) { .self = self, .left = 4 };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, work[i], &resets[i]));
	}
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		if (work[i] != reset_again)
			__atomic_store_n(&resets[i].over, true, __ATOMIC_SEQ_CST);
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, resets[i].error) {
			TH_LOG("thread %u", i);
		}
		EXPECT_LT(0, resets[i].done);
	}
	/* Nothing of the device was lost. */
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(PCI_MEMORY | PCI_MASTER, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, event, NULL));
	/* Also not by a reset while there is an interrupt. */
	ASSERT_EQ(0, reset(self->edu, NULL));
	put(self->bar, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(has_come(event, true));
	put(self->bar, EDU_IRQ_ACK, 1);
}

TEST_F(edu, driver_leaves_while_it_is_reset)
{
	struct resets resets = { .self = self, .left = ~0u };
	unsigned int ms;
	pthread_t thread;

	if (!variant->reset)
		SKIP(return, "the device has no reset");
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_again, &resets));
	for (ms = 0; ms < 20000 && !__atomic_load_n(&resets.done, __ATOMIC_SEQ_CST); ms++)
		usleep(1000);
	unbind_pci(self->name);
	pthread_join(thread, NULL);
	EXPECT_LT(0, resets.done);
	/* One that meets the driver's leaving may fail before the device is gone. */
	EXPECT_TRUE(resets.error == -ENODEV || resets.error == -EBUSY) {
		TH_LOG("got %d", resets.error);
	}
	EXPECT_EQ(-ENODEV, reset(self->edu, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_DEVICE_GONE, (int)self->result.out_reason);
	EXPECT_FALSE(is_listed(self->name, ""));
}

TEST_HARNESS_MAIN
