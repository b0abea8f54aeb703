/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3BENCH_USER_SPACE_H
#define V3BENCH_USER_SPACE_H

#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE	4096ULL
#define LARGE	(2ULL << 20)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* MAX_BATCH: pieces that are mapped by one call at most. */
#define MAX_BATCH	64

static inline uint64_t now(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* clock.c */
extern uint64_t clock_read_cost;
void clock_calibrate(void);

/**
 * struct piece - memory that one map maps
 * @start: where the program has it
 * @length: in bytes
 * @fd: of the file that it is of, from offset 0 on; or -1
 * @memory: handle of &struct side, where it is registered
 * @offset: of the piece in that
 * @iova: where it is mapped
 */
struct piece {
	char *start;
	uint64_t length;
	int fd;
	uint32_t memory;
	uint64_t offset;
	uint64_t iova;
};

/* memory.c */
struct piece make_scattered(uint64_t length);
struct piece make_huge(uint64_t length);
struct piece make_hugetlb(uint64_t length);
struct piece make_memfd(uint64_t length);
void free_piece(struct piece *piece);
uint64_t frame_of(const void *address);
unsigned int count_runs(const struct piece *piece);

/**
 * struct memory_use - memory in use; only differences of two mean anything
 * @total: bytes that are not free
 * @tables: page tables of IOMMUs
 * @slab: objects of the kernel
 */
struct memory_use {
	int64_t total;
	int64_t tables;
	int64_t slab;
};
struct memory_use memory_in_use(void);

/**
 * struct probe - QEMU's iommu-testdev, which says what it finds at an address
 * @name: below /sys/bus/pci/devices
 * @registers: of the device
 */
struct probe {
	char name[32];
	uint32_t *registers;
};

/* probe.c */
void probe_take(struct probe *probe, const char *driver);
void probe_start(struct probe *probe);
bool probe_reaches(struct probe *probe, uint64_t iova, void *address);
bool probe_is_refused(struct probe *probe, uint64_t iova, void *address);
void write_text(const char *path, const char *text);

/**
 * struct side - one of the interfaces that are compared, with a device of its own
 * @name: in the results
 * @node: what it opens; a kernel without that is measured without the side
 * @chooses: it chooses addresses
 * @batch: most pieces that it takes at once
 * @max_live: mappings that it is asked to have at most
 * @open: gets it ready, with @probe attached
 * @prepare: makes the arguments for mapping @count pieces, which is not measured
 * @map: maps the pieces
 * @unmap: unmaps what @map mapped
 * @tell: sets &piece.iova where it chooses; or NULL
 * @register_memory: sets &piece.memory; or NULL
 * @unregister_memory: undoes that
 * @probe: the device
 */
struct side {
	const char *name;
	const char *node;
	bool chooses;
	unsigned int batch;
	unsigned int max_live;
	void (*open)(struct side *side);
	void (*prepare)(struct side *side, const struct piece *pieces, unsigned int count);
	void (*map)(struct side *side);
	void (*unmap)(struct side *side);
	void (*tell)(struct side *side, struct piece *pieces, unsigned int count);
	void (*register_memory)(struct side *side, struct piece *piece);
	void (*unregister_memory)(struct side *side, struct piece *piece);
	struct probe probe;
	int fd;
	uint32_t domain;
};

extern struct side type1_side, iommufd_side, allocator_side, explicit_side;

/* v3compat.c */
void measure_calls(void);

/* events.c */
void measure_events(void);

/**
 * struct samples - costs of repetitions
 * @value: each
 * @count: how many
 */
struct samples {
	uint64_t value[1024];
	unsigned int count;
};

/* main.c */
void take_sample(struct samples *samples, uint64_t value);
void print_call(const char *what, const char *op, const char *side, unsigned int units,
		struct samples *samples);

#endif
