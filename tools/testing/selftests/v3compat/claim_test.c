// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in the way of a claim: VFIO, and who has another device of the IOMMU group. The devices
 * are QEMU's edu, and two functions of its e1000e.
 */
#define _GNU_SOURCE
#include <linux/vfio.h>

#include "nic.h"

#include "../kselftest_harness.h"

#define VFIO_DRIVER	"vfio-pci"

static bool has_driver(const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", driver);
	return !access(path, F_OK);
}

static bool is_bound(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "%s/driver", name);
	return !access(path, F_OK);
}

/* unbind_any() leaves a device without a driver, whichever it has. */
static void unbind_any(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "%s/driver/unbind", name);
	write_file(path, name);
}

static int rebind(const char *name, const char *driver)
{
	unbind_any(name);
	return bind_pci(name, driver);
}

FIXTURE(vfio) {
	char name[64];
	int fd;
	char blocker[64];
	struct v3compat_result result;
};

FIXTURE_SETUP(vfio)
{
	if (!has_driver(VFIO_DRIVER))
		SKIP(return, VFIO_DRIVER " is not loaded");
	if (!find_pci(EDU, has_reset, 0, self->name, sizeof(self->name)))
		SKIP(return, "the machine has no such device");
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(vfio)
{
	close(self->fd);
	unbind_any(self->name);
}

TEST_F(vfio, has_the_device)
{
	ASSERT_EQ(0, rebind(self->name, VFIO_DRIVER));
	EXPECT_EQ(-EPERM, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_HELD_BY_VFIO, (int)self->result.out_reason);
	EXPECT_EQ(V3COMPAT_REASON_HELD_BY_VFIO,
		  ask_blocker(self->fd, "pci", self->name, self->blocker));
	EXPECT_STREQ(VFIO_DRIVER, self->blocker);
	unbind_any(self->name);
	EXPECT_EQ(V3COMPAT_REASON_NOT_BOUND,
		  ask_blocker(self->fd, "pci", self->name, self->blocker));
	EXPECT_STREQ("", self->blocker);
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	EXPECT_EQ(0, ask_blocker(self->fd, "pci", self->name, self->blocker));
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

FIXTURE(pair) {
	char name[64];
	char neighbour[64];
	int fd;
	int other;
	char blocker[64];
	struct v3compat_result result;
};

FIXTURE_SETUP(pair)
{
	if (!find_pci(NIC, has_company, 0, self->name, sizeof(self->name)) ||
	    !find_pci(NIC, has_company, 1, self->neighbour, sizeof(self->neighbour)))
		SKIP(return, "the machine has no such devices");
	unbind_any(self->neighbour);
	ASSERT_EQ(0, rebind(self->name, DRIVER));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->other = open_v3compat();
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(pair)
{
	close(self->other);
	close(self->fd);
	unbind_any(self->neighbour);
	unbind_any(self->name);
}

/* is_claim_refused() tells whether a claim is refused, and a query says so, for this reason. */
static bool is_claim_refused(int fd, const char *name, int reason, char *blocker)
{
	struct v3compat_result result = {};

	return create_pci(fd, name, 0, &result) == -EPERM && (int)result.out_reason == reason &&
	       ask_blocker(fd, "pci", name, blocker) == reason;
}

TEST_F(pair, with_a_neighbour_without_a_driver)
{
	ASSERT_LT(0, create_pci(self->fd, self->name, 0, &self->result));
	EXPECT_TRUE(is_claim_refused(self->other, self->neighbour, V3COMPAT_REASON_NOT_BOUND,
				     self->blocker));
	/* No driver that uses the kernel's DMA gets the neighbour now. */
	if (has_driver(OTHER_DRIVER)) {
		bind_pci(self->neighbour, OTHER_DRIVER);
		EXPECT_FALSE(is_bound(self->neighbour));
	}
	close(self->fd);
	self->fd = open_v3compat();
	if (has_driver(OTHER_DRIVER)) {
		bind_pci(self->neighbour, OTHER_DRIVER);
		EXPECT_TRUE(is_bound(self->neighbour));
	}
}

TEST_F(pair, with_a_neighbour_of_an_ordinary_driver)
{
	if (!has_driver(OTHER_DRIVER))
		SKIP(return, OTHER_DRIVER " is not loaded");
	ASSERT_EQ(0, bind_pci(self->neighbour, OTHER_DRIVER));
	ASSERT_TRUE(is_bound(self->neighbour));
	EXPECT_TRUE(is_claim_refused(self->fd, self->name, V3COMPAT_REASON_GROUP_CLAIMED,
				     self->blocker));
	EXPECT_TRUE(is_claim_refused(self->fd, self->neighbour, V3COMPAT_REASON_NOT_BOUND,
				     self->blocker));
	EXPECT_STREQ(OTHER_DRIVER, self->blocker);
	unbind_any(self->neighbour);
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, NULL));
}

TEST_F(pair, with_a_neighbour_of_another_file)
{
	char expected[64];
	int neighbour;

	snprintf(expected, sizeof(expected), "[%d]", getpid());
	ASSERT_EQ(0, bind_pci(self->neighbour, DRIVER));
	neighbour = create_pci(self->other, self->neighbour, 0, NULL);
	ASSERT_LT(0, neighbour);
	EXPECT_TRUE(is_claim_refused(self->fd, self->name, V3COMPAT_REASON_GROUP_CLAIMED,
				     self->blocker));
	EXPECT_NE(NULL, strstr(self->blocker, expected));
	/* One file may have both. */
	ASSERT_LT(0, create_pci(self->other, self->name, 0, &self->result));
	ASSERT_EQ(0, destroy(self->other, neighbour, NULL));
	EXPECT_TRUE(is_claim_refused(self->fd, self->neighbour, V3COMPAT_REASON_GROUP_CLAIMED,
				     self->blocker));
	close(self->other);
	self->other = open_v3compat();
	EXPECT_LT(0, create_pci(self->fd, self->neighbour, 0, &self->result));
}

/* open_group() gives the group of a device to VFIO. Returns a descriptor or an errno, negative. */
static int open_group(const char *name, int container)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;
	int fd, err;

	snprintf(path, sizeof(path), PCI "%s/iommu_group", name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.16s", strrchr(target, '/') + 1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

TEST_F(pair, with_a_neighbour_of_vfio)
{
	int container, group, device;

	if (!has_driver(VFIO_DRIVER))
		SKIP(return, VFIO_DRIVER " is not loaded");
	ASSERT_EQ(0, bind_pci(self->neighbour, VFIO_DRIVER));
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, container);
	EXPECT_TRUE(is_claim_refused(self->fd, self->neighbour, V3COMPAT_REASON_HELD_BY_VFIO,
				     self->blocker));
	/* A driver of VFIO does nothing before somebody opens the group. */
	device = create_pci(self->fd, self->name, 0, &self->result);
	ASSERT_LT(0, device);
	EXPECT_GT(0, open_group(self->neighbour, container));
	ASSERT_EQ(0, destroy(self->fd, device, NULL));
	/* VFIO wants all devices of a group bound to its drivers, or to none. */
	unbind_any(self->name);
	group = open_group(self->neighbour, container);
	ASSERT_LE(0, group);
	ASSERT_EQ(0, bind_pci(self->name, DRIVER));
	EXPECT_TRUE(is_claim_refused(self->fd, self->name, V3COMPAT_REASON_GROUP_CLAIMED,
				     self->blocker));
	close(group);
	close(container);
	EXPECT_LT(0, create_pci(self->fd, self->name, 0, &self->result));
}

TEST_HARNESS_MAIN
