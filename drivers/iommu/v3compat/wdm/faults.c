// SPDX-License-Identifier: GPL-2.0
/*
 * v3w_fault_handler(): faults, told in Windows' words.
 */
#include <kunit/visibility.h>
#include <linux/iommu.h>
#include <linux/v3compat.h>

#include "base/why.h"
#include "core/fault.h"
#include "wdm/faults.h"

static_assert((int)V3COMPAT_FAULT_UNRECOVERABLE == V3C_FAULT_UNRECOVERABLE);
static_assert((int)V3COMPAT_FAULT_PAGE_REQUEST == V3C_FAULT_PAGE_REQUEST);
static_assert(V3COMPAT_NO_PASID == V3C_NO_PASID);
static_assert((int)V3COMPAT_REFUSED_PERMISSION == PermissionFault);
static_assert((int)V3COMPAT_REFUSED_TRANSLATION == TranslationFault);

static void fill_arm64(FAULT_INFORMATION_ARM64 *out, const struct v3c_fault_source *source,
		       const struct v3c_fault_record *record, FAULT_INFORMATION_ARM64_TYPE type)
{
	*out = (FAULT_INFORMATION_ARM64) {
		.DomainHandle = record->domain,
		.FaultAddress = (PVOID)record->address,
		.PhysicalDeviceObject = source->pdo,
		.InputMappingId = source->input_mapping,
		.Flags = {
			.WriteNotRead = !!(record->perm & IOMMU_FAULT_PERM_WRITE),
			.InstructionNotData = !!(record->perm & IOMMU_FAULT_PERM_EXEC),
			.Privileged = !!(record->perm & IOMMU_FAULT_PERM_PRIV),
			.FaultAddressValid = 1,
		},
		.Type = type,
	};
}

static void fill_x64(FAULT_INFORMATION_X64 *out, const struct v3c_fault_source *source,
		     const struct v3c_fault_record *record, FAULT_INFORMATION_X64_TYPE type)
{
	*out = (FAULT_INFORMATION_X64) {
		.DomainHandle = record->domain,
		.FaultAddress = (PVOID)record->address,
		.Flags = { .FaultAddressValid = 1 },
		.Type = type,
		.PciSegment = source->segment,
	};
}

/**
 * v3w_fault_fill() - put a fault into Windows' words
 * @information: result
 * @arch: the form
 * @source: where it comes from
 * @record: what happened
 * @type: why
 *
 * No kernel says where the registers of the IOMMU are: that field is 0.
 */
void v3w_fault_fill(FAULT_INFORMATION *information, FAULT_INFORMATION_ARCH arch,
		    const struct v3c_fault_source *source, const struct v3c_fault_record *record,
		    FAULT_INFORMATION_X64_TYPE type)
{
	memset(information, 0, sizeof(*information));
	information->Type = arch;
	information->IsStage1 = record->stage1;
	if (arch == FaultInformationArm64)
		fill_arm64(&information->Arm64, source, record, type);
	else
		fill_x64(&information->X64, source, record, type);
}
EXPORT_SYMBOL_IF_KUNIT(v3w_fault_fill);

static enum v3c_fault_verdict tell_handler(const struct v3c_fault_handler *handler,
					   const struct v3c_fault_report *report)
{
	FAULT_INFORMATION_ARCH arch = IS_ENABLED(CONFIG_ARM64) ? FaultInformationArm64 :
								 FaultInformationX64;
	struct v3compat_fault fault = {
		.kind = (enum v3compat_fault_kind)report->record->kind,
		.pasid = report->record->pasid,
		.write = report->record->perm & IOMMU_FAULT_PERM_WRITE,
		.lost = report->lost,
	};

	v3w_fault_fill(&fault.information, arch, report->source, report->record,
		       report->permission ? PermissionFault : TranslationFault);
	((PIOMMU_DEVICE_FAULT_HANDLER)handler->callback)(handler->context, &fault.information);
	/* V3C_FAULT_AT_RETURN, because Windows gives drivers no call that answers. */
	return V3C_FAULT_AT_RETURN;
}

/**
 * v3w_fault_handler() - who is told of faults
 * @config: the caller's, may be NULL
 * @handler: result
 *
 * Context: any.
 * Return: @handler, or NULL when @config has none.
 */
const struct v3c_fault_handler *v3w_fault_handler(const DEVICE_FAULT_CONFIGURATION *config,
						  struct v3c_fault_handler *handler)
{
	PIOMMU_DEVICE_FAULT_HANDLER function = config ? READ_ONCE(config->FaultHandler) : NULL;

	if (!function)
		return NULL;
	*handler = (struct v3c_fault_handler) {
		.tell = tell_handler,
		.callback = (void (*)(void))function,
		.context = READ_ONCE(config->FaultContext),
	};
	return handler;
}
