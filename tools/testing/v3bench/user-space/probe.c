// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's iommu-testdev: it writes a pattern at an address, and looks whether that has arrived at a
 * physical address.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define PCI		"/sys/bus/pci/devices/"

#define TRIGGER		0x00
#define IOVA_LOW	0x04
#define IOVA_HIGH	0x08
#define LENGTH		0x0c
#define RESULT		0x10
#define DOORBELL	0x14
#define ATTRIBUTES	0x18
#define PHYS_LOW	0x1c
#define PHYS_HIGH	0x20

#define RESULT_FAULT	0xdead0002

#define PCI_COMMAND	4
#define PCI_MEMORY	2
#define PCI_MASTER	4

void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

static bool has_id(const char *name, const char *attribute, const char *id)
{
	char path[320], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), PCI "%s/%s", name, attribute);
	file = fopen(path, "re");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return !strncmp(text, id, strlen(id));
}

static bool is_free(const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), PCI "%s/driver", name);
	return access(path, F_OK);
}

/* probe_take() finds one that nobody has, and binds it to @driver. */
void probe_take(struct probe *probe, const char *driver)
{
	struct dirent *entry;
	DIR *dir = opendir(PCI);
	char path[128];

	while (dir && (entry = readdir(dir)))
		if (has_id(entry->d_name, "vendor", "0x1b36") &&
		    has_id(entry->d_name, "device", "0x0005") && is_free(entry->d_name))
			break;
	if (!dir || !entry)
		errx(1, "no iommu-testdev is left for %s", driver);
	snprintf(probe->name, sizeof(probe->name), "%.31s", entry->d_name);
	closedir(dir);
	snprintf(path, sizeof(path), PCI "%s/driver_override", probe->name);
	write_text(path, driver);
	write_text("/sys/bus/pci/drivers_probe", probe->name);
	if (is_free(probe->name))
		errx(1, "%s does not take %s", driver, probe->name);
}

/* probe_start() maps the registers, and lets the device do DMA, once its user has it open. */
void probe_start(struct probe *probe)
{
	uint16_t command;
	char path[128];
	void *bar;
	int fd;

	snprintf(path, sizeof(path), PCI "%s/config", probe->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err(1, "%s", path);
	command |= PCI_MEMORY | PCI_MASTER;
	if (pwrite(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err(1, "%s", path);
	close(fd);
	snprintf(path, sizeof(path), PCI "%s/resource0", probe->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	bar = fd < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	probe->registers = bar;
}

static void put(struct probe *probe, unsigned int at, uint32_t value)
{
	__atomic_store_n(probe->registers + at / 4, value, __ATOMIC_SEQ_CST);
}

static uint32_t get(struct probe *probe, unsigned int at)
{
	return __atomic_load_n(probe->registers + at / 4, __ATOMIC_SEQ_CST);
}

static bool is_written(void *address)
{
	return __atomic_load_n((uint32_t *)address, __ATOMIC_SEQ_CST);
}

static uint32_t dma(struct probe *probe, uint64_t iova, void *address)
{
	uint64_t phys = frame_of(address) * PAGE + (uintptr_t)address % PAGE;

	__atomic_store_n((uint32_t *)address, 0, __ATOMIC_SEQ_CST);
	put(probe, IOVA_LOW, iova);
	put(probe, IOVA_HIGH, iova >> 32);
	put(probe, PHYS_LOW, phys);
	put(probe, PHYS_HIGH, phys >> 32);
	put(probe, LENGTH, 4);
	put(probe, ATTRIBUTES, 0);
	put(probe, DOORBELL, 1);
	get(probe, TRIGGER);
	return get(probe, RESULT);
}

/* probe_reaches(): a write of the device at @iova arrives at @address. */
bool probe_reaches(struct probe *probe, uint64_t iova, void *address)
{
	return !dma(probe, iova, address) && is_written(address);
}

bool probe_is_refused(struct probe *probe, uint64_t iova, void *address)
{
	return dma(probe, iova, address) == RESULT_FAULT && !is_written(address);
}
