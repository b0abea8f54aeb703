// SPDX-License-Identifier: GPL-2.0
/*
 * move HANDLE [--leave-running]: drives QEMU's edu DMA engine from a program without privilege,
 * which give.c has started. Memory of every kind goes to the engine and comes back, by an address
 * that the program chose, and the end of each transfer is waited for by interrupt. Then a transfer
 * goes where nothing is mapped any more.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <v3compat/v3compat.h>

#define V3COMPAT	3		/* the descriptor that give.c passes */
#define PAGE		4096UL
#define LARGE		(2UL << 20)
#define WHERE		0x10000000ULL	/* a logical address: any will do */
#define TRANSFER	4096

/* Registers of the engine, and where its buffer is for itself. */
#define EDU_ID		0x00
#define EDU_ACKNOWLEDGE	0x64
#define EDU_INTERRUPT	0x24
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	0x1
#define EDU_TO_MEMORY	0x2
#define EDU_TELL	0x4
#define EDU_BUFFER	0x40000

static uint8_t *registers;
static int interrupt, device_fd;
static __u32 domain;

static void refuse(const char *what, const struct v3compat_result *result)
{
	char text[256] = "";

	if (result)
		v3compat_result_sentence(result, text, sizeof(text));
	printf("move: %s: %s %s\n", what, strerror(errno), text);
	exit(1);
}

#define TRY(call) do {								\
	struct v3compat_result result = {};					\
	if ((call) < 0)								\
		refuse(#call, &result);						\
} while (0)

static void set_register(unsigned int offset, uint64_t value)
{
	__atomic_store_n((uint64_t *)(registers + offset), value, __ATOMIC_RELEASE);
}

static uint32_t get_register(unsigned int offset)
{
	return __atomic_load_n((uint32_t *)(registers + offset), __ATOMIC_ACQUIRE);
}

/* acknowledge() ends the interrupt that there is. */
static void acknowledge(void)
{
	__atomic_store_n((uint32_t *)(registers + EDU_ACKNOWLEDGE), get_register(EDU_INTERRUPT),
			 __ATOMIC_RELEASE);
}

static void start_transfer(bool to_memory, uint64_t address)
{
	set_register(EDU_SOURCE, to_memory ? EDU_BUFFER : address);
	set_register(EDU_TARGET, to_memory ? address : EDU_BUFFER);
	set_register(EDU_COUNT, TRANSFER);
	set_register(EDU_COMMAND, EDU_START | EDU_TELL | (to_memory ? EDU_TO_MEMORY : 0));
}

/* transfer() waits for the end by interrupt. */
static void transfer(bool to_memory, uint64_t address)
{
	struct pollfd wait = { .fd = interrupt, .events = POLLIN };
	uint64_t count;

	start_transfer(to_memory, address);
	if (poll(&wait, 1, 10000) != 1 || read(interrupt, &count, sizeof(count)) < 0)
		refuse("no interrupt came", NULL);
	acknowledge();
}

/* go_and_come() moves a pattern from the start of @memory to its end by way of the engine. */
static void go_and_come(const char *kind, uint8_t *memory, size_t size)
{
	static uint8_t salt;
	size_t i, last = size - TRANSFER;

	salt += 17;
	for (i = 0; i < TRANSFER; i++)
		memory[i] = i * 7 + salt;
	if (last)
		memset(memory + last, 0, TRANSFER);
	transfer(false, WHERE);
	if (!last)
		memset(memory, 0, TRANSFER);
	transfer(true, WHERE + last);
	for (i = 0; i < TRANSFER; i++)
		if (memory[last + i] != (uint8_t)(i * 7 + salt))
			refuse("data is not what was sent", NULL);
	printf("  %-34s %7zu KiB: went to the engine and came back\n", kind, size / 1024);
}

static void map_here(struct v3compat_source source)
{
	__u64 address = WHERE;

	TRY(v3compat_map(V3COMPAT, domain, V3COMPAT_MAP_FIXED, V3COMPAT_READ | V3COMPAT_WRITE,
			 &source, &address, 0, 0, &result));
}

static void unmap_here(size_t size)
{
	TRY(v3compat_unmap(V3COMPAT, domain, WHERE, size, &result));
}

static struct v3compat_source own_memory(void *memory, size_t size)
{
	return (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)memory, .length = size,
	};
}

static void use_own(const char *kind, uint8_t *memory, size_t size)
{
	map_here(own_memory(memory, size));
	go_and_come(kind, memory, size);
	unmap_here(size);
}

static void use_memfd(void)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_MEMFD, .start = PAGE, .length = 16 * PAGE,
	};
	int fd = memfd_create("move", MFD_CLOEXEC);
	uint8_t *memory;

	if (fd < 0 || ftruncate(fd, 32 * PAGE))
		refuse("memfd", NULL);
	memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	if (memory == MAP_FAILED)
		refuse("mmap", NULL);
	source.object = fd;
	map_here(source);
	go_and_come("a memfd", memory, 16 * PAGE);
	unmap_here(16 * PAGE);
	munmap(memory, 16 * PAGE);
	close(fd);
}

static void use_registered(uint8_t *memory, size_t size)
{
	struct v3compat_source source = own_memory(memory, size);
	__u32 registered;

	TRY(v3compat_memory_create(V3COMPAT, &source, 0, &registered, &result));
	source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_MEMORY, .object = registered, .length = size,
	};
	map_here(source);
	go_and_come("registered memory", memory, size);
	unmap_here(size);
	TRY(v3compat_destroy(V3COMPAT, registered, &result));
}

static void use_reservation(uint8_t *memory, size_t size)
{
	struct v3compat_source source = own_memory(memory, size);
	__u64 address = WHERE, offset = 0;
	__u32 reservation;

	TRY(v3compat_reserve(V3COMPAT, domain, V3COMPAT_MAP_FIXED, LARGE, &address, 0, 0,
			     &reservation, &result));
	TRY(v3compat_map(V3COMPAT, reservation, 0, V3COMPAT_READ | V3COMPAT_WRITE, &source, &offset,
			 0, 0, &result));
	go_and_come("reserved addresses", memory, size);
	TRY(v3compat_unmap(V3COMPAT, reservation, 0, size, &result));
	TRY(v3compat_destroy(V3COMPAT, reservation, &result));
}

/* try_stray() lets the engine write where @memory was mapped before. */
static void try_stray(uint8_t *memory)
{
	size_t i;

	map_here(own_memory(memory, PAGE));
	transfer(false, WHERE);
	unmap_here(PAGE);
	memset(memory, 0x11, PAGE);
	transfer(true, WHERE);
	for (i = 0; i < PAGE; i++)
		if (memory[i] != 0x11)
			refuse("a transfer arrived after the unmap", NULL);
	printf("  a transfer to where nothing is mapped any more did not arrive\n");
}

static void tell_pinned(void)
{
	struct v3compat_info info;

	if (v3compat_info(V3COMPAT, &info))
		refuse("info", NULL);
	printf("  user %d has %llu KiB pinned, of %llu KiB that he may\n", (int)getuid(),
	       (unsigned long long)info.out_pinned.used / 1024,
	       (unsigned long long)info.out_pinned.max / 1024);
	if (info.out_pinned.used)
		exit(1);
}

/* wait_idle() waits for a transfer of whoever had the engine before: no reset ends one. */
static void wait_idle(void)
{
	while (get_register(EDU_COMMAND) & EDU_START)
		usleep(1000);
	acknowledge();
}

static void set_up(__u32 device)
{
	struct v3compat_region_query region = {};
	void *mapped;

	TRY(v3compat_domain_create(V3COMPAT, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL, 0, &domain,
				   &result));
	TRY(v3compat_attach(V3COMPAT, domain, device, &result));
	TRY(device_fd = v3compat_device_open(V3COMPAT, device, &result));
	TRY(v3compat_region_query(device_fd, 0, &region, &result));
	mapped = mmap(NULL, region.out_length, PROT_READ | PROT_WRITE, MAP_SHARED, device_fd,
		      region.out_offset);
	if (mapped == MAP_FAILED)
		refuse("mmap of the registers", NULL);
	registers = mapped;
	wait_idle();
	interrupt = eventfd(0, EFD_CLOEXEC);
	TRY(v3compat_interrupt_set(device_fd, V3COMPAT_INTERRUPT_MSI, &interrupt, 1, &result));
	printf("  the engine says %#x; interrupts come to an eventfd\n",
	       get_register(EDU_ID));
}

int main(int argc, char **argv)
{
	uint8_t *memory = aligned_alloc(PAGE, 64 * PAGE), *huge;

	setlinebuf(stdout);
	if (argc < 2 || !memory)
		return 2;
	tell_pinned();
	set_up(atoi(argv[1]));
	if (argc > 2) {
		map_here(own_memory(memory, 64 * PAGE));
		start_transfer(true, WHERE);
		printf("  mapped 256 KiB, and a transfer is running\n");
		for (;;)
			pause();
	}
	use_own("memory of malloc()", memory, 64 * PAGE);
	huge = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge == MAP_FAILED)
		refuse("no huge page", NULL);
	use_own("a huge page", huge, LARGE);
	use_memfd();
	use_registered(memory, 64 * PAGE);
	use_reservation(memory, 16 * PAGE);
	try_stray(memory);
	tell_pinned();
	return 0;
}
