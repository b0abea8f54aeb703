// SPDX-License-Identifier: GPL-2.0
/*
 * What a sleep of the system leaves of devices that are in use: mappings, attachments and
 * interrupts. The kernel's own test of sleeping wakes the system again.
 */
#define _GNU_SOURCE
#include "device.h"

#include "../kselftest_harness.h"

#define AT		0x40000000ULL
#define PM_STATE	"/sys/power/state"
#define PM_TEST		"/sys/power/pm_test"
#define PM_DELAY	"/sys/module/suspend/parameters/pm_test_delay"
#define INTX_OFF	0x400

/* can_sleep() tells whether a file of words has this one. */
static bool can_sleep(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[128] = "";
	bool found = false;
	char *each;

	if (file && fgets(line, sizeof(line), file))
		for (each = strtok(line, " []\n"); each && !found; each = strtok(NULL, " []\n"))
			found = !strcmp(each, word);
	if (file)
		fclose(file);
	return found;
}

/* sleep_and_wake() returns when the system is awake again: 0 or an errno, negative. */
static int sleep_and_wake(const char *state, const char *depth)
{
	int ret = write_file(PM_TEST, depth);

	write_file(PM_DELAY, "1");
	ret = ret ? ret : write_file(PM_STATE, state);
	write_file(PM_TEST, "none");
	return ret;
}

FIXTURE(sleep) {
	char name[64];
	struct sim sim;
	int fd;
	int device;
	int domain;
	int edu;	/* descriptor of the device */
	int event;
	uint32_t *bar;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(sleep) {
	const char *state;
	const char *depth;
};

FIXTURE_VARIANT_ADD(sleep, of_devices) { .state = "freeze", .depth = "platform" };
FIXTURE_VARIANT_ADD(sleep, of_the_iommu) { .state = "mem", .depth = "core" };

FIXTURE_SETUP(sleep)
{
	struct sim_config config = {};

	self->fd = -1;
	self->sim.fd = -1;
	if (!can_sleep(PM_STATE, variant->state) || !can_sleep(PM_TEST, variant->depth))
		SKIP(return, "the kernel cannot try that");
	if (!find_pci(EDU, has_reset, 0, self->name, sizeof(self->name)))
		SKIP(return, "the machine has no such device");
	ASSERT_EQ(0, open_sim(&self->sim, &config));
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
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	self->event = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, self->event);
}

FIXTURE_TEARDOWN(sleep)
{
	write_file(UNSAFE, "N");
	if (self->fd >= 0)
		close(self->fd);
	if (self->name[0])
		unbind_pci(self->name);
	if (self->sim.fd >= 0)
		close_sim(&self->sim);
}

static bool interrupts(uint32_t *bar, int event)
{
	bool come;

	put(bar, EDU_IRQ_RAISE, 1);
	come = has_come(event, true);
	put(bar, EDU_IRQ_ACK, 1);
	return come;
}

TEST_F(sleep, leaves_an_attached_device_at_work)
{
	int command;

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_MSI, self->event, NULL));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
	EXPECT_TRUE(interrupts(self->bar, self->event));
	command = command_of(self->name);
	EXPECT_EQ(PCI_MEMORY | PCI_MASTER, command & (PCI_MEMORY | PCI_MASTER));
	ASSERT_EQ(0, sleep_and_wake(variant->state, variant->depth));
	EXPECT_EQ(command, command_of(self->name));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
	EXPECT_TRUE(interrupts(self->bar, self->event));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	EXPECT_EQ(0, command_of(self->name) & PCI_MASTER);
}

/* INTx of a device whose user wants none is off: nobody would answer it. */
TEST_F(sleep, leaves_a_claimed_device_quiet)
{
	int command = command_of(self->name);

	EXPECT_EQ(PCI_MEMORY | INTX_OFF, command & (PCI_MEMORY | PCI_MASTER | INTX_OFF));
	ASSERT_EQ(0, sleep_and_wake(variant->state, variant->depth));
	EXPECT_EQ(command, command_of(self->name));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_TRUE(edu_moves_data(self->bar, self->memory, AT));
}

TEST_F(sleep, leaves_a_masked_line_masked)
{
	ASSERT_EQ(0, set_irqs(self->edu, V3COMPAT_INTERRUPT_INTX, self->event, NULL));
	put(self->bar, EDU_IRQ_RAISE, 1);
	ASSERT_TRUE(has_come(self->event, true));
	EXPECT_EQ(INTX_OFF, command_of(self->name) & INTX_OFF);
	ASSERT_EQ(0, sleep_and_wake(variant->state, variant->depth));
	EXPECT_EQ(INTX_OFF, command_of(self->name) & INTX_OFF);
	EXPECT_FALSE(has_come(self->event, false));
	put(self->bar, EDU_IRQ_RAISE, 1);
	ASSERT_EQ(0, unmask(self->edu, V3COMPAT_INTERRUPT_INTX));
	EXPECT_TRUE(has_come(self->event, true));
	put(self->bar, EDU_IRQ_ACK, 1);
	ASSERT_EQ(0, unmask(self->edu, V3COMPAT_INTERRUPT_INTX));
	EXPECT_TRUE(interrupts(self->bar, self->event));
}

TEST_F(sleep, leaves_a_free_device_off)
{
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	ASSERT_EQ(0, sleep_and_wake(variant->state, variant->depth));
	EXPECT_EQ(0, command_of(self->name) & (PCI_MEMORY | PCI_MASTER));
	self->fd = open_v3compat();
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

TEST_F(sleep, leaves_a_platform_device_at_work)
{
	int id, device, platform, domain;
	char name[IOMMUSIM_NAME_SIZE];
	struct sim sim = self->sim;
	char *page;

	id = add_device(&self->sim, 0, IOMMUSIM_DEVICE_RESOURCES, NULL, 0, name);
	ASSERT_LT(0, id);
	ASSERT_EQ(0, write_file(UNSAFE, "Y"));
	device = create_device(self->fd, name, 0, NULL);
	ASSERT_LT(0, device);
	platform = open_fd(self->fd, device);
	ASSERT_LE(0, platform);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, platform, 0);
	ASSERT_NE(MAP_FAILED, page);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, map_fixed(self->fd, domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach(self->fd, domain, device, NULL));
	ASSERT_EQ(0, set_irqs(platform, V3COMPAT_INTERRUPT_WIRED, self->event, NULL));
	sim.device = id;
	EXPECT_TRUE(device_writes(&sim, AT, self->memory));
	ASSERT_EQ(0, set_line(&sim, id, true));
	EXPECT_TRUE(has_come(self->event, false));
	ASSERT_EQ(0, sleep_and_wake(variant->state, variant->depth));
	EXPECT_TRUE(device_writes(&sim, AT, self->memory));
	EXPECT_TRUE(device_reads(&sim, AT, self->memory));
	EXPECT_STREQ(name, page);
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, unmask(platform, V3COMPAT_INTERRUPT_WIRED));
	EXPECT_TRUE(has_come(self->event, true));
	ASSERT_EQ(0, set_line(&sim, id, false));
}

TEST_HARNESS_MAIN
