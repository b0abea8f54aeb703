// SPDX-License-Identifier: GPL-2.0
/*
 * The engine of QEMU's edu device, from a program.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user.h"

#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000

#define EDU_COMMAND_RUN 1
#define EDU_COMMAND_TO_MEMORY 2
#define EDU_COMMAND_IRQ 4

/* A transfer takes 100 ms. */
#define EDU_TIMEOUT_MS 5000
#define EDU_LOOK_MS 250

/* Each access is one, and in its place: by orders that cost no instruction that locks. */
static uint32_t read32(struct edu_engine *engine, size_t at)
{
	return __atomic_load_n((uint32_t *)(engine->regs + at), __ATOMIC_ACQUIRE);
}

static void write32(struct edu_engine *engine, size_t at, uint32_t value)
{
	__atomic_store_n((uint32_t *)(engine->regs + at), value, __ATOMIC_RELEASE);
}

static uint64_t read64(struct edu_engine *engine, size_t at)
{
	return __atomic_load_n((uint64_t *)(engine->regs + at), __ATOMIC_ACQUIRE);
}

static void write64(struct edu_engine *engine, size_t at, uint64_t value)
{
	__atomic_store_n((uint64_t *)(engine->regs + at), value, __ATOMIC_RELEASE);
}

/* is_master() tells whether the device may send, which an interrupt by message needs, too. */
static bool is_master(struct edu_engine *engine)
{
	unsigned char command = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", engine->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (pread(fd, &command, 1, 4) != 1)
		command = 4;
	close(fd);
	return command & 4;
}

/* take_interrupt() waits a while for an interrupt. */
static bool take_interrupt(struct edu_engine *engine)
{
	struct pollfd fd = { .fd = engine->interrupts, .events = POLLIN };
	uint64_t count;

	if (poll(&fd, 1, EDU_LOOK_MS) != 1)
		return false;
	return read(engine->interrupts, &count, sizeof(count)) == sizeof(count);
}

static void acknowledge(struct edu_engine *engine)
{
	write32(engine, EDU_IRQ_ACK, read32(engine, EDU_IRQ_STATUS));
	if (engine->automasked)
		v3compat_interrupt_unmask(engine->fd, engine->type, 1, NULL);
}

/*
 * wait_for_end(): the end is told by an interrupt, unless the device must not send one because it
 * is attached nowhere.
 */
static bool wait_for_end(struct edu_engine *engine)
{
	unsigned int waited;

	for (waited = 0; waited < EDU_TIMEOUT_MS; waited += EDU_LOOK_MS) {
		if (take_interrupt(engine)) {
			engine->interrupted++;
			return true;
		}
		if (!(read64(engine, EDU_DMA_COMMAND) & EDU_COMMAND_RUN) && !is_master(engine))
			return true;
	}
	return false;
}

NTSTATUS EduTransfer(PEDU_ENGINE Engine, EDU_DIRECTION Direction, IOMMU_DMA_LOGICAL_ADDRESS Memory,
		     ULONG Length)
{
	bool to_memory = Direction == EduEngineToMemory, ended;
	uint64_t command = EDU_COMMAND_RUN | EDU_COMMAND_IRQ;

	if (to_memory)
		command |= EDU_COMMAND_TO_MEMORY;
	write64(Engine, EDU_DMA_SOURCE, to_memory ? EDU_BUFFER : Memory);
	write64(Engine, EDU_DMA_DESTINATION, to_memory ? Memory : EDU_BUFFER);
	write64(Engine, EDU_DMA_COUNT, Length);
	write64(Engine, EDU_DMA_COMMAND, command);
	ended = wait_for_end(Engine);
	acknowledge(Engine);
	if (!ended || (read64(Engine, EDU_DMA_COMMAND) & EDU_COMMAND_RUN))
		return STATUS_UNSUCCESSFUL;
	Engine->transfers++;
	return STATUS_SUCCESS;
}

VOID EduPrepareWork(PEDU_ENGINE Engine, VOID (*Routine)(PVOID Context), PVOID Context)
{
	Engine->routine = Routine;
	Engine->context = Context;
}

static void *do_work(void *context)
{
	struct edu_engine *engine = context;

	engine->routine(engine->context);
	return NULL;
}

VOID EduStartWork(PEDU_ENGINE Engine)
{
	pthread_mutex_lock(&Engine->lock);
	if (!Engine->working)
		Engine->working = !pthread_create(&Engine->worker, NULL, do_work, Engine);
	pthread_mutex_unlock(&Engine->lock);
}

VOID EduFinishWork(PEDU_ENGINE Engine)
{
	bool working;

	/* The worker is started by a callback, which a thread of the library calls. */
	v3compat_settle(Engine->device);
	pthread_mutex_lock(&Engine->lock);
	working = Engine->working;
	pthread_mutex_unlock(&Engine->lock);
	if (!working)
		return;
	pthread_join(Engine->worker, NULL);
	pthread_mutex_lock(&Engine->lock);
	Engine->working = false;
	pthread_mutex_unlock(&Engine->lock);
}

ULONG EduTableLevels(VOID)
{
	return 4;
}

static bool set_policy(struct edu_engine *engine, uint32_t policy)
{
	if (v3compat_guard_set(v3compat_file(), V3COMPAT_GUARD_SET_POLICY, policy, 0, NULL))
		return false;
	v3compat_settle(engine->device);
	return true;
}

BOOLEAN EduGuardEveryDevice(PEDU_ENGINE Engine)
{
	uint32_t locked;

	return !v3compat_guard_query(v3compat_file(), &Engine->policy, &locked, NULL) &&
	       set_policy(Engine, V3COMPAT_GUARD_POLICY_ALL);
}

BOOLEAN EduRestoreGuard(PEDU_ENGINE Engine)
{
	return set_policy(Engine, Engine->policy);
}

static bool map_registers(struct edu_engine *engine)
{
	struct v3compat_region_query region;
	void *regs;

	if (v3compat_region_query(engine->fd, 0, &region, NULL))
		return false;
	regs = mmap(NULL, region.out_length, PROT_READ | PROT_WRITE, MAP_SHARED, engine->fd,
		    region.out_offset);
	if (regs == MAP_FAILED)
		return false;
	engine->regs = regs;
	return true;
}

static bool use_interrupt(struct edu_engine *engine, uint32_t type)
{
	uint32_t count, flags;
	int32_t fd = engine->interrupts;

	if (v3compat_interrupt_query(engine->fd, type, &count, &flags, NULL) || !count)
		return false;
	engine->type = type;
	engine->automasked = flags & V3COMPAT_INTERRUPT_AUTOMASKED;
	return !v3compat_interrupt_set(engine->fd, type, &fd, 1, NULL);
}

/* start_engine() makes the engine of @engine->device ready. */
bool start_engine(struct edu_engine *engine)
{
	pthread_mutex_init(&engine->lock, NULL);
	engine->interrupts = eventfd(0, EFD_CLOEXEC);
	engine->fd = v3compat_device_open(v3compat_file(), v3compat_handle(engine->device), NULL);
	return engine->interrupts >= 0 && engine->fd >= 0 && map_registers(engine) &&
	       (use_interrupt(engine, V3COMPAT_INTERRUPT_MSI) ||
		use_interrupt(engine, V3COMPAT_INTERRUPT_INTX));
}

void stop_engine(struct edu_engine *engine)
{
	v3compat_interrupt_set(engine->fd, engine->type, NULL, 0, NULL);
	close(engine->fd);
	close(engine->interrupts);
}
