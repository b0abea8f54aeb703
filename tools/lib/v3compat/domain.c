// SPDX-License-Identifier: GPL-2.0
/*
 * Domains.
 */
#include "internal.h"

/* What the kernel takes. */
#define MAX_REGIONS 64
#define MAX_FLUSH 4096

static NTSTATUS read_allocator(IOMMU_DMA_DOMAIN_TYPE type,
			       const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *config, __u32 *width)
{
	*width = 0;
	if (!config)
		return STATUS_SUCCESS;
	if (config->LogicalAllocatorType != IommuDmaLogicalAllocatorBuddy)
		return V3L_REFUSE(V3L_ORDINAL(3), BAD_ENUM, ALLOCATOR, config->LogicalAllocatorType,
				  0);
	*width = config->BuddyAllocatorConfig.AddressWidth;
	if (*width <= PAGE_SHIFT || *width > 63)
		return V3L_REFUSE(V3L_ORDINAL(3), BAD_CONFIG, ALLOCATOR, *width, 63);
	if (type == DomainTypePassThrough || type == DomainTypeUnmanaged)
		return V3L_REFUSE(V3L_ORDINAL(3), WRONG_TYPE, ALLOCATOR, type, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS read_regions(IOMMU_DMA_DOMAIN_TYPE type, const IOMMU_DMA_RESERVED_REGION *first,
			     struct v3compat_region *regions, __u32 *count)
{
	const IOMMU_DMA_RESERVED_REGION *region, *met = first;
	__u64 pages;

	*count = 0;
	if (first && (type == DomainTypePassThrough || type == DomainTypeUnmanaged))
		return V3L_REFUSE(V3L_ORDINAL(4), WRONG_TYPE, REGIONS, type, 0);
	for (region = first; region; region = region->RegionNext) {
		if (*count == MAX_REGIONS)
			return V3L_REFUSE(STATUS_INSUFFICIENT_RESOURCES, TOO_MANY, REGIONS,
					  *count + 1, MAX_REGIONS);
		pages = region->NumberOfPages;
		if (pages > UINT64_MAX >> PAGE_SHIFT)
			return V3L_REFUSE(V3L_ORDINAL(4), WRAPS, REGIONS, region->Base, pages);
		regions[(*count)++] = (struct v3compat_region) {
			.base = region->Base,
			.length = pages << PAGE_SHIFT,
			.flags = region->ShouldMap ? V3COMPAT_REGION_MAP : 0,
		};
		if (region->RegionNext == met)
			return V3L_REFUSE(V3L_ORDINAL(4), LIST_LOOP, REGIONS, region->Base,
					  region->Base);
		if (!(*count & (*count - 1)))
			met = region;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type, __u32 width,
			      const struct v3compat_region *regions, __u32 count,
			      PIOMMU_DMA_DOMAIN *out)
{
	PIOMMU_DMA_DOMAIN domain = calloc(1, sizeof(*domain));
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;
	__u32 handle;

	if (!domain)
		return v3l_no_memory();
	status = v3l_answer(v3compat_domain_create(v3compat_file(), type, width, regions, count,
						   &handle, &result), &result);
	if (!NT_SUCCESS(status)) {
		free(domain);
		return status;
	}
	pthread_mutex_init(&domain->gathered.lock, NULL);
	v3l_object_add(&domain->object, V3L_DOMAIN, handle, domain);
	*out = domain;
	return STATUS_SUCCESS;
}

NTSTATUS v3l_create_domain_ex(IOMMU_DMA_DOMAIN_TYPE DomainType,
			      IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
			      PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
			      PIOMMU_DMA_RESERVED_REGION ReservedRegions,
			      PIOMMU_DMA_DOMAIN *DomainOut)
{
	struct v3compat_region regions[MAX_REGIONS];
	__u32 width, count;
	NTSTATUS status;

	if ((unsigned int)DomainType >= DomainTypeMax)
		return V3L_REFUSE(V3L_ORDINAL(1), BAD_ENUM, TYPE, DomainType, DomainTypeMax);
	if (Flags.AsUlonglong)
		return V3L_REFUSE(V3L_ORDINAL(2), RESERVED_BITS, FLAGS, Flags.AsUlonglong, 0);
	status = read_allocator(DomainType, LogicalAllocatorConfig, &width);
	if (NT_SUCCESS(status))
		status = read_regions(DomainType, ReservedRegions, regions, &count);
	if (!NT_SUCCESS(status))
		return status;
	if (!DomainOut)
		return V3L_REFUSE_NULL(5, OUT);
	return create_domain(DomainType, width, regions, count, DomainOut);
}

NTSTATUS v3l_create_domain(BOOLEAN OsManagedPageTable, PIOMMU_DMA_DOMAIN *DomainOut)
{
	if (!DomainOut)
		return V3L_REFUSE_NULL(2, OUT);
	return create_domain(OsManagedPageTable ? DomainTypeTranslate : DomainTypeUnmanaged, 0,
			     NULL, 0, DomainOut);
}

/*
 * drop_mappings() takes away what the library has reserved for mappings, because they go with
 * their domain. One that is in use is left alone: it is not going to be deleted.
 */
static NTSTATUS drop_mappings(PIOMMU_DMA_DOMAIN domain)
{
	NTSTATUS status = STATUS_SUCCESS;
	struct v3l_pieces *pieces;

	while (!domain->users && NT_SUCCESS(status) &&
	       (pieces = v3l_list_take_any(&domain->gathered)))
		status = v3l_release_gathered(domain, pieces);
	return status;
}

NTSTATUS v3l_delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = drop_mappings(domain);
	if (NT_SUCCESS(status))
		status = v3l_answer(v3compat_destroy(v3compat_file(), domain->object.handle,
						     &result), &result);
	if (NT_SUCCESS(status))
		v3l_object_remove(&domain->object);
	v3l_object_put(&domain->object);
	return status;
}

static void read_arm64(const DOMAIN_CONFIGURATION_ARM64 *config,
		       struct v3compat_domain_configure *tables)
{
	if (!config->TranslationEnabled)
		return;
	tables->format = V3COMPAT_TABLES_ARM64;
	tables->root = config->Ttbr0.QuadPart;
	tables->root_high = config->Ttbr1.QuadPart;
	tables->width = config->InputSize0;
	tables->width_high = config->InputSize1;
}

/* read_x64() takes tables of four levels, because a program cannot know what the processor uses. */
static void read_x64(const DOMAIN_CONFIGURATION_X64 *config,
		     struct v3compat_domain_configure *tables)
{
	if (!config->TranslationEnabled)
		return;
	tables->format = V3COMPAT_TABLES_X64;
	tables->root = config->FirstLevelPageTableRoot.QuadPart;
	tables->width = 48;
}

static NTSTATUS read_tables(const DOMAIN_CONFIGURATION *config,
			    struct v3compat_domain_configure *tables)
{
	switch (config->Type) {
	case DomainConfigurationArm64:
		read_arm64(&config->Arm64, tables);
		return STATUS_SUCCESS;
	case DomainConfigurationX64:
		read_x64(&config->X64, tables);
		return STATUS_SUCCESS;
	default:
		return V3L_REFUSE(V3L_ORDINAL(2), BAD_ENUM, CONFIG, config->Type,
				  DomainConfigurationInvalid);
	}
}

static NTSTATUS configure_domain(PIOMMU_DMA_DOMAIN domain, const DOMAIN_CONFIGURATION *config)
{
	struct v3compat_domain_configure tables = {
		.domain = domain->object.handle, .format = V3COMPAT_TABLES_IDENTITY,
	};
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!config)
		return V3L_REFUSE_NULL(2, CONFIG);
	status = read_tables(config, &tables);
	if (!NT_SUCCESS(status))
		return status;
	if (tables.format != V3COMPAT_TABLES_IDENTITY)
		tables.memory = v3l_pool.handle;
	/* Physical memory that is not the pool is not the program's to read tables from. */
	if (tables.format != V3COMPAT_TABLES_IDENTITY && !tables.memory)
		return V3L_REFUSE(STATUS_NOT_SUPPORTED, NOT_OFFERED, SOURCE,
				  V3COMPAT_SOURCE_PHYSICAL, V3COMPAT_SOURCE_MEMORY);
	return v3l_answer(v3compat_domain_configure(v3compat_file(), &tables, &result), &result);
}

NTSTATUS v3l_configure_domain(PIOMMU_DMA_DOMAIN Domain, PDOMAIN_CONFIGURATION Configuration)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = configure_domain(domain, Configuration);
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_flush_domain(PIOMMU_DMA_DOMAIN Domain)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = v3l_answer(v3compat_domain_flush(v3compat_file(), domain->object.handle, NULL, 0,
						  &result), &result);
	v3l_object_put(&domain->object);
	return status;
}

static NTSTATUS flush_list(PIOMMU_DMA_DOMAIN domain, const __u64 *list, ULONG count)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status = STATUS_SUCCESS;
	ULONG n;

	if (count && !list)
		return V3L_REFUSE_NULL(4, LIST);
	while (count && NT_SUCCESS(status)) {
		n = count < MAX_FLUSH ? count : MAX_FLUSH;
		status = v3l_answer(v3compat_domain_flush(v3compat_file(), domain->object.handle,
							  list, n, &result), &result);
		list += n;
		count -= n;
	}
	return status;
}

NTSTATUS v3l_flush_domain_by_va_list(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel, ULONG Number,
				     PVOID VaList)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	NTSTATUS status;

	(void)LastLevel;
	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = flush_list(domain, VaList, Number);
	v3l_object_put(&domain->object);
	return status;
}
