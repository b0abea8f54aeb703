/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of one KUnit case: a software IOMMU with a device behind it, the
 * interface tables, and everything the case created. The exit handler releases
 * what a case left, in dependency order, so an aborted case disturbs no other.
 */
#ifndef V3COMPAT_TESTS_FIXTURE_H
#define V3COMPAT_TESTS_FIXTURE_H

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/iommusim.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/v3compat.h>
#include <wdm.h>

#define V3T_POISON	0xcc

/* Permission bits: the documentation names none. */
#define V3T_READ	1
#define V3T_WRITE	2
#define V3T_RW		(V3T_READ | V3T_WRITE)

/* One place for the output of a call, so that 'untouched' can be checked. */
union v3t_out {
	u8 raw[64];
	IOMMU_DMA_LOGICAL_ADDRESS address;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub_device;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_DMA_DEVICE_INFORMATION info;
	INPUT_MAPPING_ELEMENT ids[8];
	ULONG number;
	struct v3compat_capabilities capabilities;
	DMA_IOMMU_INTERFACE legacy;
	DMA_IOMMU_INTERFACE_EX table;
};

/**
 * struct v3t_world - what one case works with; test->priv points to it
 * @legacy: the table of IoGetIommuInterface()
 * @v1: table version 1 of IoGetIommuInterfaceEx()
 * @v2: version 2
 * @v3: version 3
 * @sim: a software IOMMU with the default configuration, and the behaviour of this run
 * @pdo: a device behind @sim
 * @device: DMA device of @pdo, not attached
 * @out: where refused calls are told to write
 * @owned: what the exit handler releases
 */
struct v3t_world {
	DMA_IOMMU_INTERFACE legacy;
	DMA_IOMMU_INTERFACE_EX v1;
	DMA_IOMMU_INTERFACE_EX v2;
	DMA_IOMMU_INTERFACE_EX v3;
	struct iommusim *sim;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	union v3t_out out;
	struct list_head owned;
};

const char *v3t_status_name(NTSTATUS status);
void v3t_poison(struct v3t_world *w);
bool v3t_is_poisoned(const void *data, size_t len);

/*
 * Assertions that make the call themselves. The coverage report reads member
 * and status out of them, so what it lists is what was called and compared.
 *
 * EXPECT_*: the call gives that status. ASSERT_*: the same, and the case ends
 * otherwise. REFUSE_*: the same, and w->out kept its poison.
 */
#define V3T_CHECK(kind, test, expected, name, value)				\
({										\
	NTSTATUS __got = (value);						\
										\
	KUNIT_##kind##_EQ_MSG(test, (u32)__got, (u32)(expected),		\
			      name " returned %s, expected %s",			\
			      v3t_status_name(__got), v3t_status_name(expected)); \
	__got == (expected);							\
})

#define V3T_REFUSE(test, expected, name, call)					\
({										\
	struct v3t_world *__w = (test)->priv;					\
										\
	v3t_poison(__w);							\
	V3T_CHECK(EXPECT, test, expected, name, call);				\
	KUNIT_EXPECT_TRUE_MSG(test,						\
			      v3t_is_poisoned(&__w->out, sizeof(__w->out)),	\
			      name " wrote an output although it failed");	\
})

/* The start of a row of a case table: a call that gives @status, told apart by @text. */
#define V3T_ROW(member, status, text) .name = #member ": " text, .expected = status

#define V3T_V1(test)	(&((struct v3t_world *)(test)->priv)->v1.V1)
#define V3T_V2(test)	(&((struct v3t_world *)(test)->priv)->v2.V2)
#define V3T_V3(test)	(&((struct v3t_world *)(test)->priv)->v3.V3)

#define EXPECT_V3(test, expected, member, ...) \
	V3T_CHECK(EXPECT, test, expected, #member, V3T_V3(test)->member(__VA_ARGS__))
#define ASSERT_V3(test, expected, member, ...) \
	V3T_CHECK(ASSERT, test, expected, #member, V3T_V3(test)->member(__VA_ARGS__))
#define REFUSE_V3(test, expected, member, ...) \
	V3T_REFUSE(test, expected, #member, V3T_V3(test)->member(__VA_ARGS__))

#define EXPECT_V2(test, expected, member, ...) \
	V3T_CHECK(EXPECT, test, expected, "V2 " #member, V3T_V2(test)->member(__VA_ARGS__))
#define REFUSE_V2(test, expected, member, ...) \
	V3T_REFUSE(test, expected, "V2 " #member, V3T_V2(test)->member(__VA_ARGS__))

#define EXPECT_V1(test, expected, member, ...) \
	V3T_CHECK(EXPECT, test, expected, "V1 " #member, V3T_V1(test)->member(__VA_ARGS__))
#define ASSERT_V1(test, expected, member, ...) \
	V3T_CHECK(ASSERT, test, expected, "V1 " #member, V3T_V1(test)->member(__VA_ARGS__))
#define REFUSE_V1(test, expected, member, ...) \
	V3T_REFUSE(test, expected, "V1 " #member, V3T_V1(test)->member(__VA_ARGS__))

#define EXPECT_CALL(test, expected, function, ...) \
	V3T_CHECK(EXPECT, test, expected, #function, function(__VA_ARGS__))
#define ASSERT_CALL(test, expected, function, ...) \
	V3T_CHECK(ASSERT, test, expected, #function, function(__VA_ARGS__))
#define REFUSE_CALL(test, expected, function, ...) \
	V3T_REFUSE(test, expected, #function, function(__VA_ARGS__))

/* For calls made where a failing expectation may not allocate or abort. */
#define EXPECT_RESULT(test, expected, member, result) \
	V3T_CHECK(EXPECT, test, expected, #member, result)
#define ASSERT_RESULT(test, expected, member, result) \
	V3T_CHECK(ASSERT, test, expected, #member, result)

int v3t_init(struct kunit *test);
void v3t_exit(struct kunit *test);

/*
 * The suite can be run on instances of which all have certain quirks or page sizes, as named by the
 * module's parameter 'behaviour'. A case that cannot hold on them asks and adapts.
 */
bool v3t_behaves(u32 quirks);
bool v3t_joins_pages(void);
/* Every map takes memory of its own, so a reservation cannot take it in advance. */
bool v3t_maps_take_memory(void);
/*
 * The end of sign-extended addresses is that of all; the map itself finds out that one is between.
 */
#define V3T_NO_WIDTH "the driver does not tell how wide the halves are"
/* Ends the case where all instances have one of @quirks. */
void v3t_skip_where(struct kunit *test, u32 quirks, const char *reason);

/* Creation asserts success; what is made is released when the case ends. */
struct iommusim *v3t_sim(struct kunit *test, const struct iommusim_config *config);
struct device *v3t_pdo(struct kunit *test, struct iommusim *sim,
		       const struct iommusim_device_config *config);
void v3t_unplug(struct kunit *test, struct device *pdo);

PIOMMU_DMA_DEVICE v3t_device(struct kunit *test, struct device *pdo);
void v3t_adopt_device(struct kunit *test, PIOMMU_DMA_DEVICE device);
void v3t_delete_device(struct kunit *test, PIOMMU_DMA_DEVICE device);

/* @width: address width of a Buddy allocator, 0 for explicit addresses. */
PIOMMU_DMA_DOMAIN v3t_domain(struct kunit *test, IOMMU_DMA_DOMAIN_TYPE type, ULONG width);
PIOMMU_DMA_DOMAIN v3t_explicit(struct kunit *test);
PIOMMU_DMA_DOMAIN v3t_buddy(struct kunit *test);
void v3t_adopt_domain(struct kunit *test, PIOMMU_DMA_DOMAIN domain);
void v3t_delete_domain(struct kunit *test, PIOMMU_DMA_DOMAIN domain);

/* Sub-devices, and a device that can have some, behind an instance that has PASIDs. */
PIOMMU_DMA_DEVICE v3t_tagged_device(struct kunit *test, struct device *pdo);
PIOMMU_DMA_PASID_DEVICE v3t_sub_device(struct kunit *test, PIOMMU_DMA_DEVICE device, ULONG *pasid);
void v3t_adopt_sub_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub);
/* One that is bound to a process. */
void v3t_adopt_bound_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub);
void v3t_delete_sub_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub);
void v3t_attach_pasid(struct kunit *test, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_PASID_DEVICE sub);
void v3t_detach_pasid(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub);

void v3t_attach(struct kunit *test, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device);
void v3t_detach(struct kunit *test, PIOMMU_DMA_DEVICE device);

PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN v3t_reserve(struct kunit *test, PIOMMU_DMA_DOMAIN domain,
					     SIZE_T size, const u64 *at);
void v3t_adopt_token(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token);
void v3t_free_token(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token);
PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT
v3t_map_reserved(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset,
		 IOMMU_MAP_PHYSICAL_ADDRESS what);
void v3t_unmap_reserved(struct kunit *test,
			PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment);

/* Pages with a content of their own; scattered ones have no two neighbours. */
struct page *v3t_pages(struct kunit *test, unsigned int order);
struct page **v3t_scattered(struct kunit *test, unsigned int count);

/* Physical descriptions. The memory they point to lives as long as the case. */
IOMMU_MAP_PHYSICAL_ADDRESS v3t_contiguous(phys_addr_t base, size_t size);
IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_page(struct page *page);
IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_pages(struct page *page, unsigned long count);
IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_mdl(PMDL mdl);
IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_pfns(struct kunit *test, struct page **pages,
				       unsigned int count);
PMDL v3t_mdl(struct kunit *test, void *address, size_t size);
PMDL v3t_mdl_of(struct kunit *test, struct page **pages, unsigned int count);

u64 v3t_map_at(struct kunit *test, PIOMMU_DMA_DOMAIN domain, IOMMU_MAP_PHYSICAL_ADDRESS what,
	       u64 address);
u64 v3t_map(struct kunit *test, PIOMMU_DMA_DOMAIN domain, IOMMU_MAP_PHYSICAL_ADDRESS what);
void v3t_unmap(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 address, u64 pages);

/* What the device sees: a word moved both ways, or a fault. */
void v3t_expect_reaches(struct kunit *test, struct device *pdo, u64 address, struct page *page);
void v3t_expect_reaches_all(struct kunit *test, struct device *pdo, u64 address,
			    struct page **pages, unsigned int count);
void v3t_expect_blocked(struct kunit *test, struct device *pdo, u64 address);
void v3t_expect_misses(struct kunit *test, struct device *pdo, u64 address, struct page *page);
void v3t_expect_fault(struct kunit *test, struct device *pdo, u64 address, bool write,
		      enum iommusim_fault_reason reason);
void v3t_expect_tagged_reaches(struct kunit *test, struct device *pdo, u32 pasid, u64 address,
			       struct page *page);
void v3t_expect_tagged_fault(struct kunit *test, struct device *pdo, u32 pasid, u64 address,
			     enum iommusim_fault_reason reason);
struct iommusim_stats v3t_stats(struct iommusim *sim);
void v3t_expect_no_stale_hits(struct kunit *test, struct iommusim *sim);

#endif
