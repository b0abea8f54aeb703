/* SPDX-License-Identifier: GPL-2.0 */
/*
 * v3bench: what mapping calls cost, in instructions.
 *
 * A method is one way of mapping memory for the device (the DMA API, the raw
 * IOMMU core, a V3 domain). A shape is what one call maps. Each row of the
 * result is one method doing one shape while a number of other 4 KiB ranges
 * are live in the same address space.
 */
#ifndef V3BENCH_H
#define V3BENCH_H

#include <linux/scatterlist.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct seq_file;

#define V3B_SCATTERED_PAGES	64
/* Twice the scattered pages: every second page of it is one of them. */
#define V3B_SMALL_ORDER		7
#define V3B_MAX_SAMPLES		512
#define V3B_MAX_ROWS		384

/* Shapes a method does not offer, as bits of &struct v3b_method.lacks. */
enum v3b_feature {
	V3B_LARGE	= BIT(0),	/* uses hardware pages above 4 KiB where it can */
	V3B_LEAF	= BIT(1),	/* must come out as 4 KiB leaves */
	V3B_SCATTER	= BIT(2),	/* pages that are not adjacent */
	V3B_MDL		= BIT(3),	/* described by an MDL */
	V3B_RANDOM	= BIT(4),	/* unmap and map again a range chosen among the live ones */
	V3B_GIGANTIC	= BIT(5),	/* more memory than a method may have of its own */
	V3B_UNALIGNED	= BIT(6),	/* starts a page after a boundary, as its address does */
};

/**
 * struct v3b_shape - what one call maps
 * @name: name in the result
 * @nr_pages: length in 4 KiB pages
 * @samples: pairs measured
 * @features: bits of enum v3b_feature
 */
struct v3b_shape {
	const char *name;
	u32 nr_pages;
	u32 samples;
	u32 features;
};

/**
 * struct v3b_job - one shape, ready to be mapped
 * @shape: the shape
 * @phys: first physical byte; for scattered pages that of the first one
 * @size: bytes
 * @place: address (or offset into the token) for methods that are told where to map
 * @index: position of @shape in the table of shapes
 */
struct v3b_job {
	const struct v3b_shape *shape;
	phys_addr_t phys;
	size_t size;
	u64 place;
	u32 index;
};

/**
 * struct v3b_slot - one live mapping
 * @address: device address
 * @segment: storage of the method that needs more
 */
struct v3b_slot {
	u64 address;
	u64 segment[3];
};

/**
 * struct v3b_memory - memory in use, in bytes
 * @total: everything that is not free
 * @tables: page tables of all IOMMUs
 * @slab: slab pages
 */
struct v3b_memory {
	s64 total;
	s64 tables;
	s64 slab;
};

/**
 * struct v3b_mark - where a count begins
 * @memory: memory in use then
 * @clock: what the clock showed
 */
struct v3b_mark {
	struct v3b_memory memory;
	u64 clock;
};

/**
 * struct v3b_stats - instructions of one row, reading the clock already subtracted
 * @map_mean: one map
 * @unmap_mean: one unmap
 * @pair_min: the cheapest pair
 * @pair_median: the typical pair
 * @pair_mean: all pairs divided by their number
 * @pair_max: the dearest pair
 */
struct v3b_stats {
	u64 map_mean;
	u64 unmap_mean;
	u64 pair_min;
	u64 pair_median;
	u64 pair_mean;
	u64 pair_max;
};

struct v3b;

/**
 * struct v3b_method - one way of mapping
 * @name: name in the result and in the run file
 * @lacks: features it has no call for
 * @open: put the device on the address space; may change &v3b.fill_base and &v3b.probe_base
 * @close: undo @open
 * @prepare: optional; keep what every call for @job passes, outside of what is measured
 * @map: map @job, fill @slot
 * @unmap: undo @map
 * @lookup: optional; physical address that a DMA to @address reaches now, 0 when it is refused. By
 *	default what the page table says that the device is attached to
 */
struct v3b_method {
	const char *name;
	u32 lacks;
	int (*open)(struct v3b *b);
	void (*close)(struct v3b *b);
	void (*prepare)(struct v3b *b, const struct v3b_job *job);
	int (*map)(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot);
	void (*unmap)(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot);
	phys_addr_t (*lookup)(struct v3b *b, u64 address);
};

/**
 * struct v3b_call - what a row says that is no pair of map and unmap
 * @study: name of the study
 * @what: what the call works on
 * @op: what is done to it
 * @side: "v3", or "raw" for the same work done by calls of the kernel
 * @live: mapped pages or registered devices
 * @units: pages, blocks or devices that one call works on
 */
struct v3b_call {
	const char *study;
	const char *what;
	const char *op;
	const char *side;
	u32 live;
	u32 units;
};

/**
 * struct v3b_series - samples of one row
 * @nr: number of @ticks
 * @ticks: the samples
 */
struct v3b_series {
	u32 nr;
	u64 ticks[V3B_MAX_SAMPLES];
};

/**
 * struct v3b_study - rows that are no pairs of map and unmap
 * @name: name in the run file
 * @run: measures all of them; levels above the number of live ranges given are left out
 */
struct v3b_study {
	const char *name;
	int (*run)(struct v3b *b, u32 max_live);
};

/**
 * struct v3b_row - one line of the result
 * @kind: which of the members below are valid
 * @method: name of the method
 * @what: name of the shape, or of what was counted
 * @live: live ranges
 * @count: pairs measured, ranges added, or instructions known to be in the loop
 * @stats: of a cost row
 * @memory: of a memory row, growth from adding @count ranges
 * @ticks: of a memory row, instructions all of it took
 * @clock: of a clock row, what the clock showed and what reading it costs
 * @call: of a call row
 * @call_stats: of a call row; only what is named after pairs, here of single calls
 */
struct v3b_row {
	enum { V3B_ROW_CLOCK, V3B_ROW_COST, V3B_ROW_MEMORY, V3B_ROW_CALL } kind;
	const char *method;
	const char *what;
	u32 live;
	u32 count;
	union {
		struct v3b_stats stats;
		struct {
			struct v3b_memory memory;
			u64 ticks;
		};
		struct {
			u64 ticks;
			u64 read;
		} clock;
		struct {
			struct v3b_call call;
			struct v3b_stats call_stats;
		};
	};
};

/**
 * struct v3b - the benchmark; all members belong to the holder of the lock in main.c
 * @dev: the device
 * @small: 128 adjacent pages owned by the benchmark
 * @huge: 1 GiB of RAM at a 1 GiB boundary that nobody here owns; 0 when there is none
 * @sg: the scattered pages
 * @pfns: the same as frame numbers
 * @slots: live mappings
 * @live: number of them
 * @max_live: how many @slots has room for, and the last level measured
 * @gfp: allocation flags of the context the calls are made from
 * @prot: IOMMU_* protection that the other side uses as well
 * @fill_base: where live range 0 goes
 * @probe_base: where measured mappings go, one step of @probe_step for each shape
 * @probe_step: see @probe_base
 * @empty_pair: cost of measuring two empty calls
 * @empty_call: cost of measuring one empty call
 * @domain: domain of the raw method
 * @pasid: of the DMA that @dev does, where it is a device of iommusim
 * @rows: result of the last command
 * @nr_rows: number of @rows
 * @pairs: samples of the row being measured
 */
struct v3b {
	struct device *dev;
	struct page *small;
	phys_addr_t huge;
	struct scatterlist sg[V3B_SCATTERED_PAGES];
	u64 pfns[V3B_SCATTERED_PAGES];
	struct v3b_slot *slots;
	u32 live;
	u32 max_live;
	gfp_t gfp;
	int prot;
	u64 fill_base;
	u64 probe_base;
	u64 probe_step;
	u64 empty_pair;
	u64 empty_call;
	struct iommu_domain *domain;
	u32 pasid;
	struct v3b_row rows[V3B_MAX_ROWS];
	u32 nr_rows;
	u64 pairs[V3B_MAX_SAMPLES];
};

extern const struct v3b_method v3b_dma;
extern const struct v3b_method v3b_raw;
extern const struct v3b_method v3b_v3_explicit;
extern const struct v3b_method v3b_v3_allocator;
extern const struct v3b_method v3b_v3_reserved;
extern const struct v3b_method v3b_v3_bounded;
extern const struct v3b_method v3b_both_raw;
extern const struct v3b_method v3b_both_explicit;
extern const struct v3b_method v3b_sim_raw;
extern const struct v3b_method v3b_sim_raw_pasid;
extern const struct v3b_method v3b_sim_v3;
extern const struct v3b_method v3b_sim_v3_pasid;

extern const struct v3b_study v3b_pasid;
extern const struct v3b_study v3b_shadow;
extern const struct v3b_study v3b_guard;
extern const struct v3b_study v3b_section;
extern const struct v3b_study v3b_lonely;
extern const struct v3b_study v3b_filling;
extern const struct v3b_study v3b_smp;

int v3b_clock_calibrate(struct v3b *b);
int v3b_measure_empty(struct v3b *b);
int v3b_measure_method(struct v3b *b, const struct v3b_method *method);
void v3b_series_add(struct v3b_series *series, u64 ticks);
int v3b_series_row(struct v3b *b, const struct v3b_call *call, struct v3b_series *series);
int v3b_raw_open(struct v3b *b);
void v3b_raw_close(struct v3b *b);
int v3b_memory_init(struct v3b *b);
void v3b_memory_exit(struct v3b *b);
struct v3b_memory v3b_memory_in_use(void);
struct v3b_memory v3b_memory_settled(void);
struct v3b_mark v3b_mark_now(void);
struct v3b_mark v3b_mark_settled(void);
int v3b_memory_row(struct v3b *b, const char *method, const char *what, u32 count,
		   const struct v3b_mark *before);
int v3b_left_row(struct v3b *b, const char *method, const char *what, u32 count,
		 const struct v3b_mark *before);
struct iommu_domain *v3b_domain_attach(struct v3b *b, struct device *dev);
void v3b_domain_detach(struct iommu_domain *domain, struct device *dev);
struct v3b_row *v3b_row_add(struct v3b *b);

#endif
