// SPDX-License-Identifier: GPL-2.0
/*
 * v3w_status(): the status that Windows gives for a refusal: by the member, the reason and the
 * parameter.
 */
#include <linux/array_size.h>
#include <linux/kernel.h>

#include "base/trace.h"
#include "wdm/status.h"

/* v3w_reasons: the status for a reason; that of others is the ordinal of the parameter. */
static const struct {
	enum v3c_reason reason;
	NTSTATUS status;
} v3w_reasons[] = {
	{ V3C_REASON_ALLOCATOR_RULE,	STATUS_NOT_SUPPORTED },
	{ V3C_REASON_BOUNDS,		STATUS_INVALID_PARAMETER_MIX },
	{ V3C_REASON_NO_SPACE,		STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_NO_PASID,		STATUS_NONE_MAPPED },
	{ V3C_REASON_NO_MEMORY,		STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_OVERLAP,		STATUS_RESOURCE_IN_USE },
	{ V3C_REASON_NOT_MAPPED,	STATUS_INVALID_PARAMETER },
	{ V3C_REASON_CUT_LARGE_PAGE,	STATUS_INVALID_PARAMETER },
	{ V3C_REASON_SHORT_UNMAP,	STATUS_UNSUCCESSFUL },
	{ V3C_REASON_NO_IOMMU,		STATUS_NOT_FOUND },
	{ V3C_REASON_NOT_AVAILABLE,	STATUS_ACCESS_DENIED },
	{ V3C_REASON_ATTACHED,		STATUS_RESOURCE_IN_USE },
	{ V3C_REASON_IN_USE,		STATUS_RESOURCE_IN_USE },
	{ V3C_REASON_GROUP_BUSY,	STATUS_ACCESS_DENIED },
	{ V3C_REASON_MSI,		STATUS_ACCESS_DENIED },
	{ V3C_REASON_REGION_CONFLICT,	STATUS_INVALID_PARAMETER },
	{ V3C_REASON_TOO_MANY_TABLES,	STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_TABLES_TOO_LARGE,	STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_TOO_MUCH_WORK,	STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_KILLED,		STATUS_INSUFFICIENT_RESOURCES },
	{ V3C_REASON_NO_FAULTS,		STATUS_NOT_IMPLEMENTED },
	{ V3C_REASON_NOT_ENABLED,	STATUS_UNSUCCESSFUL },
	{ V3C_REASON_BUFFER_TOO_SMALL,	STATUS_BUFFER_TOO_SMALL },
	{ V3C_REASON_REGISTERED,	STATUS_RESOURCE_IN_USE },
	{ V3C_REASON_NOT_REGISTERED,	STATUS_UNSUCCESSFUL },
	{ V3C_REASON_ATOMIC_CONTEXT,	STATUS_UNSUCCESSFUL },
	{ V3C_REASON_CLOSING,		STATUS_UNSUCCESSFUL },
	{ V3C_REASON_OTHER_OWNER,	STATUS_ACCESS_DENIED },
};

/* v3w_exceptions: members whose page gives a reason another status than v3w_reasons does. */
static const struct {
	enum v3w_member member;
	enum v3c_reason reason;
	NTSTATUS status;
} v3w_exceptions[] = {
	{ V3W_CreateDomain,		V3C_REASON_NO_IOMMU,		STATUS_NOT_SUPPORTED },
	{ V3W_CreateDomain,		V3C_REASON_NOT_AVAILABLE,	STATUS_NOT_SUPPORTED },
	{ V3W_CreateDomainEx,		V3C_REASON_NO_IOMMU,		STATUS_NOT_SUPPORTED },
	{ V3W_CreateDomainEx,		V3C_REASON_NOT_AVAILABLE,	STATUS_NOT_SUPPORTED },
	{ V3W_QueryInputMappings,	V3C_REASON_NO_IOMMU,		STATUS_UNSUCCESSFUL },
	{ V3W_AttachDevice,		V3C_REASON_ATTACHED,		STATUS_INVALID_PARAMETER },
	{ V3W_AttachDeviceEx,		V3C_REASON_ATTACHED,		STATUS_INVALID_PARAMETER },
	{ V3W_AttachPasidDevice,	V3C_REASON_ATTACHED,		STATUS_UNSUCCESSFUL },
	{ V3W_RegisterInterfaceStateChangeCallback, V3C_REASON_REGISTERED, STATUS_UNSUCCESSFUL },
};

static const struct {
	const char *name;
	NTSTATUS hardware;
	u8 ordinals[V3C_PARAM_COUNT];
} v3w_members[] = {
#define P(param, ordinal) [V3C_PARAM_##param] = ordinal,
#define X(name_, status, ordinals_)							\
	[V3W_##name_] = { #name_, STATUS_##status, { ordinals_ } },
	V3W_MEMBERS(X)
#undef X
#undef P
};

/* STATUS_INVALID_PARAMETER_1 to _12 follow each other. */
static_assert(STATUS_INVALID_PARAMETER_7 - STATUS_INVALID_PARAMETER_1 == 6);

/**
 * v3w_status() - the status for a refusal
 * @member: what refuses
 * @reason: why; %V3C_REASON_NONE is no refusal
 * @param: the parameter that was wrong
 *
 * Context: any.
 * Return: the status. A parameter that the member's page gives no ordinal makes
 * STATUS_INVALID_PARAMETER.
 */
NTSTATUS v3w_status(enum v3w_member member, enum v3c_reason reason, enum v3c_param param)
{
	unsigned int i;
	u8 ordinal;

	if (reason == V3C_REASON_NONE)
		return STATUS_SUCCESS;
	for (i = 0; i < ARRAY_SIZE(v3w_exceptions); i++)
		if (v3w_exceptions[i].member == member && v3w_exceptions[i].reason == reason)
			return v3w_exceptions[i].status;
	if (reason == V3C_REASON_HARDWARE)
		return v3w_members[member].hardware;
	for (i = 0; i < ARRAY_SIZE(v3w_reasons); i++)
		if (v3w_reasons[i].reason == reason)
			return v3w_reasons[i].status;
	ordinal = v3w_members[member].ordinals[param];
	return ordinal ? STATUS_INVALID_PARAMETER_1 + ordinal - 1 : STATUS_INVALID_PARAMETER;
}

static const char *status_name(NTSTATUS status)
{
#define S(name) case STATUS_##name: return #name
	switch (status) {
	S(SUCCESS);
	S(UNSUCCESSFUL);
	S(NOT_IMPLEMENTED);
	S(INVALID_PARAMETER);
	S(ACCESS_DENIED);
	S(BUFFER_TOO_SMALL);
	S(INVALID_PARAMETER_MIX);
	S(NONE_MAPPED);
	S(INSUFFICIENT_RESOURCES);
	S(NOT_SUPPORTED);
	S(INVALID_PARAMETER_1);
	S(INVALID_PARAMETER_2);
	S(INVALID_PARAMETER_3);
	S(INVALID_PARAMETER_4);
	S(INVALID_PARAMETER_5);
	S(INVALID_PARAMETER_6);
	S(INVALID_PARAMETER_7);
	S(NOT_FOUND);
	S(RESOURCE_IN_USE);
	}
#undef S
	return "?";
}

/* v3w_refuse() shows a refusal to the tracepoint, and turns it into a status. */
noinline NTSTATUS v3w_refuse(enum v3w_member member, const struct v3c_why *why)
{
	NTSTATUS status = v3w_status(member, why->reason, why->param);

	trace_v3compat_refused(v3w_members[member].name, status, status_name(status), why);
	return status;
}
