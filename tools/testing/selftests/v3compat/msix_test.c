// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts by MSI-X, whose table is in a BAR of the device and kept back there. The device is
 * QEMU's e1000e.
 */
#define _GNU_SOURCE
#include "nic.h"

#include "../kselftest_harness.h"

#define REGISTERS_SIZE	(128UL << 10)

/* Registers. */
#define CAUSE		0x00c0
#define CAUSE_SET	0x00c8
#define CAUSE_MASK	0x00d0
#define CAUSE_AUTOCLEAR	0x00dc
#define CAUSE_VECTORS	0x00e4

/* Cause CAUSE_FIRST + n goes to vector n. */
#define CAUSE_FIRST	20
#define VECTORS		5
#define VECTORS_IN_ORDER	0xcba98

/* The BAR of the table, which is in its first page. */
#define TABLE_BAR	3
#define TABLE_BAR_SIZE	(16UL << 10)

#define CAPABILITIES	0x34
#define CAPABILITY_MSIX	0x11
#define MSIX_ENABLED	0x8000

FIXTURE(msix) {
	char name[64];
	int fd;
	int device;
	int domain;
	int nic;	/* descriptor of the device */
	uint32_t *bar;
	int events[VECTORS];
	struct v3compat_region_query table;
	struct v3compat_result result;
};

FIXTURE_SETUP(msix)
{
	int i;

	if (!find_pci(NIC, is_alone, 0, self->name, sizeof(self->name)))
		SKIP(return, "the machine has no such device");
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_pci(self->fd, self->name, 0, &self->result);
	ASSERT_LT(0, self->device) {
		TH_LOG("reason %u", (int)self->result.out_reason);
	}
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->nic = open_fd(self->fd, self->device);
	ASSERT_LE(0, self->nic);
	self->bar = map_bar(self->nic, REGISTERS_SIZE);
	ASSERT_NE(NULL, self->bar);
	self->table.index = TABLE_BAR;
	ASSERT_EQ(0, CALL(self->nic, REGION_QUERY, &self->table));
	/* A message is DMA, too. */
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	for (i = 0; i < VECTORS; i++) {
		self->events[i] = eventfd(0, EFD_CLOEXEC);
		ASSERT_LE(0, self->events[i]);
	}
}

FIXTURE_TEARDOWN(msix)
{
	if (self->bar)
		munmap(self->bar, REGISTERS_SIZE);
	if (self->nic > 0)
		close(self->nic);
	if (self->fd > 0)
		close(self->fd);
	if (self->name[0])
		unbind_pci(self->name);
}

/* QEMU may send the message once more, when the time is over that is between two of them. */
static void interrupt(uint32_t *bar, unsigned int vector)
{
	uint32_t cause = 1u << (CAUSE_FIRST + vector);

	put(bar, CAUSE_VECTORS, VECTORS_IN_ORDER);
	put(bar, CAUSE_AUTOCLEAR, cause);
	put(bar, CAUSE, cause);
	put(bar, CAUSE_MASK, cause);
	put(bar, CAUSE_SET, cause);
	/* What was written has arrived when something is read. */
	get(bar, CAUSE_VECTORS);
}

/* came() has a bit for each event that has come after a while, and takes them. */
static unsigned int came(const int *events)
{
	unsigned int i, bits = 0;

	usleep(50000);
	for (i = 0; i < VECTORS; i++)
		if (has_come(events[i], false))
			bits |= 1u << i;
	return bits;
}

/* msix_control() is the register of the capability that says whether it is used, or -1. */
static int msix_control(const char *name)
{
	unsigned char config[256] = {}, at;
	char path[PATH_MAX];
	int fd, control = -1;

	snprintf(path, sizeof(path), PCI "%s/config", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && pread(fd, config, sizeof(config), 0) == sizeof(config))
		for (at = config[CAPABILITIES]; at && control < 0; at = config[at + 1])
			if (config[at] == CAPABILITY_MSIX)
				control = config[at + 2] | config[at + 3] << 8;
	close(fd);
	return control;
}

TEST_F(msix, table_is_kept_back)
{
	const struct v3compat_region_query *table = &self->table;
	void *rest;

	EXPECT_EQ(TABLE_BAR_SIZE, table->out_length);
	EXPECT_EQ(V3COMPAT_REGION_MMAP, table->out_flags);
	EXPECT_EQ(0U, table->out_hole);
	EXPECT_EQ(PAGE, table->out_hole_length);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->nic,
				   table->out_offset));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, self->nic,
				   table->out_offset));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, TABLE_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				   self->nic, table->out_offset));
	EXPECT_EQ(EACCES, errno);
	rest = mmap(NULL, TABLE_BAR_SIZE - PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->nic,
		    table->out_offset + PAGE);
	ASSERT_NE(MAP_FAILED, rest);
	EXPECT_EQ(0U, get(rest, 0));
}

/* A mapping can lose its beginning and move, and then still shows what it showed there. */
TEST_F(msix, table_is_not_behind_a_mapping_that_was_moved)
{
	char *rest = mmap(NULL, TABLE_BAR_SIZE - PAGE, PROT_READ, MAP_SHARED, self->nic,
			  self->table.out_offset + PAGE);

	ASSERT_NE(MAP_FAILED, rest);
	ASSERT_EQ(0, munmap(rest, PAGE));
	rest = mremap(rest + PAGE, PAGE, PAGE, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, rest);
	EXPECT_EQ(0U, get((uint32_t *)rest, 0));
	EXPECT_EQ(MAP_FAILED, mremap(rest, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
}

TEST_F(msix, each_interrupt_has_an_event_of_its_own)
{
	struct v3compat_interrupt_query arg = { .type = V3COMPAT_INTERRUPT_MSIX };
	int i;

	ASSERT_EQ(0, CALL(self->nic, INTERRUPT_QUERY, &arg));
	EXPECT_EQ(VECTORS, arg.out_count);
	EXPECT_EQ(0U, arg.out_flags);
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, self->events, VECTORS, NULL));
	for (i = 0; i < VECTORS; i++) {
		interrupt(self->bar, i);
		EXPECT_TRUE(has_come(self->events[i], true));
		EXPECT_EQ(0U, came(self->events) & ~(1u << i));
	}
}

TEST_F(msix, nobody_is_told_of_some)
{
	const int events[VECTORS] = { -1, self->events[1], -1, self->events[3], -1 };

	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, VECTORS, NULL));
	interrupt(self->bar, 0);
	interrupt(self->bar, 2);
	interrupt(self->bar, 3);
	EXPECT_TRUE(has_come(self->events[3], true));
	interrupt(self->bar, 1);
	EXPECT_TRUE(has_come(self->events[1], true));
	EXPECT_EQ(0U, came(self->events) & ~(1u << 1 | 1u << 3));
}

TEST_F(msix, events_are_replaced)
{
	int events[VECTORS], others[VECTORS], i;

	memcpy(events, self->events, sizeof(events));
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, VECTORS, NULL));
	for (i = 0; i < VECTORS; i++)
		others[i] = eventfd(0, EFD_CLOEXEC);
	/* As many, */
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, others, VECTORS, NULL));
	interrupt(self->bar, 4);
	EXPECT_TRUE(has_come(others[4], true));
	EXPECT_EQ(0U, came(events));
	EXPECT_EQ(0U, came(others) & ~(1u << 4));
	/* fewer, */
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, 2, NULL));
	interrupt(self->bar, 1);
	EXPECT_TRUE(has_come(events[1], true));
	EXPECT_EQ(0U, came(others));
	EXPECT_EQ(0U, came(events) & ~(1u << 1));
	/* and more. */
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, others, 4, NULL));
	interrupt(self->bar, 3);
	EXPECT_TRUE(has_come(others[3], true));
	EXPECT_EQ(0U, came(events));
	EXPECT_EQ(0U, came(others) & ~(1u << 3));
}

TEST_F(msix, too_many_are_refused)
{
	int events[VECTORS + 1];

	memcpy(events, self->events, sizeof(self->events));
	events[VECTORS] = self->events[0];
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, VECTORS, NULL));
	EXPECT_EQ(-E2BIG, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, VECTORS + 1,
				      &self->result));
	EXPECT_EQ(V3COMPAT_REASON_TOO_MANY, (int)self->result.out_reason);
	EXPECT_EQ(VECTORS + 1, self->result.out_first);
	EXPECT_EQ(VECTORS, self->result.out_last);
	events[VECTORS - 1] = self->fd;
	EXPECT_EQ(-EBADF, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, events, VECTORS,
				      &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_FILE, (int)self->result.out_reason);
	/* What was set before is as it was. */
	interrupt(self->bar, VECTORS - 1);
	EXPECT_TRUE(has_come(self->events[VECTORS - 1], true));
}

TEST_F(msix, is_off_when_nobody_wants_it)
{
	EXPECT_EQ(0, msix_control(self->name) & MSIX_ENABLED);
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, self->events, VECTORS, NULL));
	EXPECT_EQ(MSIX_ENABLED, msix_control(self->name) & MSIX_ENABLED);
	ASSERT_EQ(0, end_irqs(self->nic));
	EXPECT_EQ(0, msix_control(self->name) & MSIX_ENABLED);
	interrupt(self->bar, 0);
	EXPECT_EQ(0U, came(self->events));
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, self->events, VECTORS, NULL));
	interrupt(self->bar, 2);
	EXPECT_TRUE(has_come(self->events[2], true));
	/* Closing the file ends it, too, although the events and the descriptor live on. */
	came(self->events);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, msix_control(self->name) & MSIX_ENABLED);
	EXPECT_EQ(-ENODEV, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, self->events, VECTORS,
				       &self->result));
}

TEST_F(msix, survives_a_reset)
{
	ASSERT_EQ(0, set_vectors(self->nic, V3COMPAT_INTERRUPT_MSIX, self->events, VECTORS, NULL));
	interrupt(self->bar, 0);
	ASSERT_TRUE(has_come(self->events[0], true));
	ASSERT_EQ(0, reset(self->nic, &self->result));
	interrupt(self->bar, 3);
	EXPECT_TRUE(has_come(self->events[3], true));
	EXPECT_EQ(0U, came(self->events) & ~(1u << 3));
}

TEST_HARNESS_MAIN
