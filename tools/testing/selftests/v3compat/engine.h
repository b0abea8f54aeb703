/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who does DMA for a test: a device that iommusim simulates, or devices of the machine behind its
 * IOMMU. The same test runs over either.
 *
 * Of the machine's devices, iommu-testdev is the one that a test attaches. It writes, and tells at
 * once what was refused. What it cannot do is read: for that, engine_reads() attaches an edu to the
 * same domain, and has it carry what it has found to memory of its own in a domain of its own,
 * because the edu does not tell whether it was refused.
 */
#ifndef V3COMPAT_SELFTEST_ENGINE_H
#define V3COMPAT_SELFTEST_ENGINE_H

#include "pci.h"

/* What engine_puts() writes. */
#define ENGINE_WORD	TESTDEV_WORD

#define ENGINE_NAME	64
#define ENGINE_DEVICES	2

/**
 * struct engine - up to two devices that do DMA, each in an IOMMU group of its own
 * @pci: they are the machine's, and otherwise iommusim's
 * @name: of the devices; the functions below that name none mean the first one
 * @sim: iommusim's; without @pci
 * @bar: registers, once they are claimed; with @pci
 * @edu: name of the device that reads; with @pci
 * @fd: file that has claimed the first device
 * @domain: handle of the domain that the first device is attached to; set by the test
 */
struct engine {
	bool pci;
	char name[ENGINE_DEVICES][ENGINE_NAME];
	struct sim sim;
	unsigned int sim_id[ENGINE_DEVICES];
	uint32_t *bar[ENGINE_DEVICES];
	char edu[ENGINE_NAME];
	int fd;
	int domain;
};

#define NO_ENGINE	"the machine has no iommu-testdev and edu behind an IOMMU"

static inline bool find_engine(struct engine *engine)
{
	unsigned int i;

	for (i = 0; i < ENGINE_DEVICES; i++)
		if (!find_pci(TESTDEV, has_iommu, i, engine->name[i], ENGINE_NAME))
			return false;
	return find_pci(EDU, has_iommu, 0, engine->edu, ENGINE_NAME);
}

/* has_engine(): open_engine() will find what it needs. */
static inline bool has_engine(bool pci)
{
	struct engine engine;

	return !pci || find_engine(&engine);
}

static inline int open_engine_pci(struct engine *engine)
{
	unsigned int i;
	int ret;

	if (!find_engine(engine))
		return -ENODEV;
	for (i = 0; i < ENGINE_DEVICES; i++) {
		ret = bind_pci(engine->name[i], DRIVER);
		if (ret)
			return ret;
	}
	return bind_pci(engine->edu, DRIVER);
}

/* open_engine() returns 0 or an errno, negative. */
static inline int open_engine(struct engine *engine, bool pci, const struct sim_config *config)
{
	int ret;

	engine->pci = pci;
	if (pci)
		return open_engine_pci(engine);
	ret = open_sim(&engine->sim, config);
	if (ret)
		return ret;
	strcpy(engine->name[0], engine->sim.name);
	engine->sim_id[0] = engine->sim.device;
	ret = add_device(&engine->sim, 0, 0, NULL, 0, engine->name[1]);
	engine->sim_id[1] = ret;
	return ret < 0 ? ret : 0;
}

/* Devices that stay bound are as good for the next test. */
static inline void close_engine(struct engine *engine)
{
	if (!engine->pci)
		close_sim(&engine->sim);
}

static inline const char *bus_of(const struct engine *engine)
{
	return engine->pci ? "pci" : "platform";
}

/* claim_nth() returns a handle, or an errno, negative. %V3COMPAT_DEVICE_TAGGED is iommusim's. */
static inline int claim_nth(struct engine *engine, int fd, unsigned int number,
			    unsigned int flags, struct v3compat_result *result)
{
	int device, registers;

	if (engine->pci)
		flags &= ~V3COMPAT_DEVICE_TAGGED;
	device = create_device_on(fd, bus_of(engine), engine->name[number], flags, result);
	if (device < 0)
		return device;
	if (!number)
		engine->fd = fd;
	if (!engine->pci)
		return device;
	registers = open_fd(fd, device);
	if (registers < 0)
		return registers;
	if (engine->bar[number])
		munmap(engine->bar[number], TESTDEV_SIZE);
	engine->bar[number] = map_bar(registers, TESTDEV_SIZE);
	close(registers);
	return engine->bar[number] ? device : -errno;
}

static inline int claim(struct engine *engine, int fd, unsigned int flags)
{
	return claim_nth(engine, fd, 0, flags, NULL);
}

/*
 * try_write() is a write of ENGINE_WORD, or of iommusim of @value. It returns
 * &enum iommusim_fault_reason, of which iommu-testdev knows %IOMMUSIM_OK and whatever is not, or an
 * errno, negative. A device that does not decode memory has registers that nobody may touch.
 */
static inline int try_write(struct engine *engine, unsigned int number, unsigned long long address,
			    unsigned int value)
{
	int command;

	if (!engine->pci)
		return dma_pasid(&engine->sim, engine->sim_id[number], IOMMUSIM_NO_PASID, address,
				 &value, sizeof(value), true);
	command = command_of(engine->name[number]);
	if (command < 0)
		return -EIO;
	if (!(command & PCI_MEMORY))
		return IOMMUSIM_FAULT_BLOCKED;
	switch (testdev_write(engine->bar[number], address)) {
	case TESTDEV_REACHED:
	case TESTDEV_ELSEWHERE:
		return IOMMUSIM_OK;
	case TESTDEV_REFUSED:
		return IOMMUSIM_FAULT_NOT_PRESENT;
	default:
		return -EIO;
	}
}

/* nth_writes(): a write of the device at @address arrives at @memory. */
static inline bool nth_writes(struct engine *engine, unsigned int number,
			      unsigned long long address, void *memory)
{
	unsigned int *word = memory;

	/* A word that is there already would prove nothing. */
	if (__atomic_load_n(word, __ATOMIC_RELAXED) == ENGINE_WORD)
		__atomic_store_n(word, 0, __ATOMIC_RELAXED);
	return try_write(engine, number, address, ENGINE_WORD) == IOMMUSIM_OK &&
	       __atomic_load_n(word, __ATOMIC_RELAXED) == ENGINE_WORD;
}

static inline bool engine_writes(struct engine *engine, unsigned long long address, void *memory)
{
	return nth_writes(engine, 0, address, memory);
}

static inline bool engine_puts(struct engine *engine, unsigned long long address)
{
	return try_write(engine, 0, address, ENGINE_WORD) == IOMMUSIM_OK;
}

static inline bool nth_is_refused(struct engine *engine, unsigned int number,
				  unsigned long long address)
{
	return try_write(engine, number, address, ENGINE_WORD) > IOMMUSIM_OK;
}

static inline bool engine_is_refused(struct engine *engine, unsigned long long address)
{
	return nth_is_refused(engine, 0, address);
}

/* engine_may_not_write(): @address is mapped for reading only. */
static inline bool engine_may_not_write(struct engine *engine, unsigned long long address)
{
	int ret = try_write(engine, 0, address, ENGINE_WORD);

	return engine->pci ? ret > IOMMUSIM_OK : ret == IOMMUSIM_FAULT_PERMISSION;
}

/* move_word() has an edu move a word in this domain. Returns 0 or an errno, negative. */
static inline int move_word(int fd, int domain, int edu, uint32_t *bar, unsigned long long source,
			    unsigned long long target, unsigned int command)
{
	int ret = attach(fd, domain, edu, NULL);

	if (ret)
		return ret;
	start_dma(bar, source, target, sizeof(uint32_t), command);
	ret = wait_dma(bar) ? 0 : -ETIMEDOUT;
	return detach(fd, edu, NULL) ?: ret;
}

#define ENGINE_AT	0x10000000ULL

/* read_by_edu() leaves nothing behind: neither objects nor pinned memory. */
static inline int read_by_edu(struct engine *engine, unsigned long long address,
			      unsigned int *value)
{
	int fd = engine->fd, edu = create_pci(fd, engine->edu, 0, NULL), registers = -1, ret;
	int domain = create_domain(fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	unsigned int *word = new_memory(PAGE);
	uint32_t *bar = NULL;

	if (edu > 0)
		registers = open_fd(fd, edu);
	if (registers >= 0)
		bar = map_bar(registers, EDU_SIZE);
	ret = bar ? 0 : -EIO;
	if (!ret)
		ret = map_fixed(fd, domain, word, PAGE, ENGINE_AT);
	if (!ret)
		ret = move_word(fd, engine->domain, edu, bar, address, EDU_BUFFER, 0);
	if (!ret)
		ret = move_word(fd, domain, edu, bar, EDU_BUFFER, ENGINE_AT, EDU_TO_MEMORY);
	*value = *word;
	if (bar)
		munmap(bar, EDU_SIZE);
	close(registers);
	if (destroy(fd, domain, NULL) || destroy(fd, edu, NULL))
		ret = -EIO;
	munmap(word, PAGE);
	return ret;
}

/* engine_finds(): what a device reads at @address is @value. */
static inline bool engine_finds(struct engine *engine, unsigned long long address,
				unsigned int value)
{
	unsigned int found = ~value;
	int ret;

	if (engine->pci)
		ret = read_by_edu(engine, address, &found);
	else
		ret = dma(&engine->sim, address, &found, sizeof(found), false);
	return !ret && found == value;
}

static inline bool engine_reads(struct engine *engine, unsigned long long address, void *memory)
{
	static unsigned int pattern = 0x1234567;

	__atomic_store_n((unsigned int *)memory, ++pattern, __ATOMIC_RELAXED);
	return engine_finds(engine, address, pattern);
}

#endif
