/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices of /dev/v3compat, and two of QEMU's that do DMA: edu, which moves data both ways and
 * tells nobody what was refused, and iommu-testdev, which only writes, and says at once whether it
 * was let.
 */
#ifndef V3COMPAT_SELFTEST_PCI_H
#define V3COMPAT_SELFTEST_PCI_H

#include <dirent.h>
#include <limits.h>

#include "user.h"

#define PCI	"/sys/bus/pci/devices/"
#define DRIVER	"v3compat-pci"
#define UNSAFE	"/sys/module/v3compat/parameters/allow_unsafe_interrupts"

#define PCI_COMMAND_OFFSET	4
#define PCI_MEMORY		2
#define PCI_MASTER		4

/* Vendor and device. */
#define EDU		"0x1234 0x11e8"
#define TESTDEV		"0x1b36 0x0005"

/* Registers of edu, and its buffer as its DMA engine sees it. */
#define EDU_ID		0x00
#define EDU_LIVE	0x04
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SOURCE	0x80
#define EDU_DMA_TARGET	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98
#define EDU_BUFFER	0x40000
#define EDU_SIZE	(1UL << 20)

#define EDU_START	1
#define EDU_TO_MEMORY	2

/* Registers of iommu-testdev. A read of TESTDEV_TRIGGER makes it write TESTDEV_WORD. */
#define TESTDEV_TRIGGER		0x00
#define TESTDEV_ADDRESS_LOW	0x04
#define TESTDEV_ADDRESS_HIGH	0x08
#define TESTDEV_LENGTH		0x0c
#define TESTDEV_RESULT		0x10
#define TESTDEV_DOORBELL	0x14
#define TESTDEV_PHYSICAL_LOW	0x1c
#define TESTDEV_PHYSICAL_HIGH	0x20
#define TESTDEV_SIZE		PAGE

#define TESTDEV_ARM		1
#define TESTDEV_WORD		0x12345678U

/* It has written, and found the word, or did not find it, at the physical address. */
#define TESTDEV_REACHED		0U
#define TESTDEV_ELSEWHERE	0xdead0004U
#define TESTDEV_REFUSED		0xdead0002U

static inline bool read_text(const char *name, const char *attribute, char *text, size_t size)
{
	char path[PATH_MAX];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), PCI "%s/%s", name, attribute);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return length >= 0;
}

static inline int write_attribute(const char *name, const char *attribute, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "%s/%s", name, attribute);
	return write_file(path, text);
}

/* command_of() is the register that says what the device may do, or -1. */
static inline int command_of(const char *name)
{
	unsigned short command = 0;
	char path[PATH_MAX];
	ssize_t length = 0;
	int fd;

	snprintf(path, sizeof(path), PCI "%s/config", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = pread(fd, &command, sizeof(command), PCI_COMMAND_OFFSET);
		close(fd);
	}
	return length == sizeof(command) ? command : -1;
}

static inline bool has_reset(const char *name)
{
	char method[64];

	return read_text(name, "reset_method", method, sizeof(method)) && method[0] > ' ';
}

static inline bool has_iommu(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "%s/iommu_group", name);
	return !access(path, F_OK);
}

/* find_pci() finds the device of this kind with @index others before it that are @like it. */
static inline bool find_pci(const char *kind, bool (*like)(const char *name), unsigned int index,
			    char *name, size_t size)
{
	char vendor[16], device[16], both[40];
	DIR *dir = opendir(PCI);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !read_text(entry->d_name, "vendor", vendor, sizeof(vendor)) ||
		    !read_text(entry->d_name, "device", device, sizeof(device)))
			continue;
		snprintf(both, sizeof(both), "%.6s %.6s", vendor, device);
		found = !strcmp(both, kind) && like(entry->d_name) && !index--;
		if (found)
			snprintf(name, size, "%.63s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static inline int bind_pci(const char *name, const char *driver)
{
	int ret = write_attribute(name, "driver_override", driver);

	return ret ? ret : write_file("/sys/bus/pci/drivers_probe", name);
}

static inline int unbind_pci(const char *name)
{
	return write_file("/sys/bus/pci/drivers/" DRIVER "/unbind", name);
}

static inline int create_pci(int fd, const char *name, unsigned int flags,
			     struct v3compat_result *result)
{
	return create_device_on(fd, "pci", name, flags, result);
}

static inline int open_fd(int fd, int device)
{
	struct v3compat_device_open arg = { .device = device };
	int ret = CALL(fd, DEVICE_OPEN, &arg);

	return ret ? ret : arg.out_fd;
}

/* map_bar() returns the first region of a descriptor of a device, or NULL. */
static inline uint32_t *map_bar(int fd, size_t size)
{
	void *bar = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return bar == MAP_FAILED ? NULL : bar;
}

static inline uint32_t get(uint32_t *bar, unsigned int at)
{
	return __atomic_load_n(bar + at / 4, __ATOMIC_SEQ_CST);
}

static inline void put(uint32_t *bar, unsigned int at, uint32_t value)
{
	__atomic_store_n(bar + at / 4, value, __ATOMIC_SEQ_CST);
}

static inline void put64(uint32_t *bar, unsigned int at, uint64_t value)
{
	__atomic_store_n((uint64_t *)bar + at / 8, value, __ATOMIC_SEQ_CST);
}

static inline void start_dma(uint32_t *bar, uint64_t source, uint64_t target, uint64_t count,
			     uint64_t command)
{
	put64(bar, EDU_DMA_SOURCE, source);
	put64(bar, EDU_DMA_TARGET, target);
	put64(bar, EDU_DMA_COUNT, count);
	put64(bar, EDU_DMA_COMMAND, command | EDU_START);
}

/* wait_dma() gives a transfer half a minute, and tells whether it has ended. */
static inline bool wait_dma(uint32_t *bar)
{
	unsigned int tries;

	for (tries = 0; tries < 30000 && get(bar, EDU_DMA_COMMAND) & EDU_START; tries++)
		usleep(1000);
	return tries < 30000;
}

#define EDU_BLOCK	64

/*
 * edu_moves_data(): an edu reads EDU_BLOCK bytes at @memory, which it finds at @address, and writes
 * them 1024 behind that. No two calls move the same.
 */
static inline bool edu_moves_data(uint32_t *bar, char *memory, uint64_t address)
{
	static char next;
	unsigned int i;

	next++;
	for (i = 0; i < EDU_BLOCK; i++)
		memory[i] = i + next;
	start_dma(bar, address, EDU_BUFFER, EDU_BLOCK, 0);
	if (!wait_dma(bar))
		return false;
	start_dma(bar, EDU_BUFFER, address + 1024, EDU_BLOCK, EDU_TO_MEMORY);
	return wait_dma(bar) && !memcmp(memory, memory + 1024, EDU_BLOCK);
}

/* testdev_write() returns what the device says became of its write. */
static inline uint32_t testdev_write(uint32_t *bar, uint64_t address)
{
	put(bar, TESTDEV_ADDRESS_LOW, address);
	put(bar, TESTDEV_ADDRESS_HIGH, address >> 32);
	put(bar, TESTDEV_PHYSICAL_LOW, 0);
	put(bar, TESTDEV_PHYSICAL_HIGH, 0);
	put(bar, TESTDEV_LENGTH, sizeof(uint32_t));
	put(bar, TESTDEV_DOORBELL, TESTDEV_ARM);
	get(bar, TESTDEV_TRIGGER);
	return get(bar, TESTDEV_RESULT);
}

#endif
