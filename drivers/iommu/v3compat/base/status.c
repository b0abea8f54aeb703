// SPDX-License-Identifier: GPL-2.0
/*
 * One table each from errno to NTSTATUS, from NTSTATUS to its name and from a reason to its words.
 */
#include <linux/array_size.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/preempt.h>

#include "base/status.h"

static const struct {
	int err;
	NTSTATUS status;
	enum v3c_reason reason;
} v3c_errnos[] = {
	{ -ENOMEM,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_NO_MEMORY },
	{ -ENOSPC,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_NO_SPACE },
	{ -EXFULL,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_TOO_MANY_TABLES },
	{ -E2BIG,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_TABLES_TOO_LARGE },
	{ -EDQUOT,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_TOO_MUCH_WORK },
	{ -EINTR,	STATUS_INSUFFICIENT_RESOURCES,	V3C_REASON_KILLED },
	{ -EADDRINUSE,	STATUS_RESOURCE_IN_USE,		V3C_REASON_OVERLAP },
	{ -EEXIST,	STATUS_RESOURCE_IN_USE,		V3C_REASON_OVERLAP },
	{ -EUCLEAN,	STATUS_UNSUCCESSFUL,		V3C_REASON_SHORT_UNMAP },
	{ -EBUSY,	STATUS_ACCESS_DENIED,		V3C_REASON_GROUP_BUSY },
	{ -EPERM,	STATUS_ACCESS_DENIED,		V3C_REASON_GROUP_BUSY },
	{ -ESTALE,	STATUS_INVALID_PARAMETER_1,	V3C_REASON_BAD_HANDLE },
};

/* The fields are filled on the refusing path only, so that success costs nothing. */
noinline NTSTATUS v3c_refuse(struct v3c_why *why, NTSTATUS status, enum v3c_reason reason,
			     const void *object, u64 first, u64 last)
{
	*why = (struct v3c_why) {
		.reason = reason, .object = object, .first = first, .last = last,
	};
	return status;
}

/*
 * @otherwise is the status for every errno that the table does not know, that is, for what only the
 * IOMMU driver understood.
 */
noinline NTSTATUS v3c_refuse_errno(struct v3c_why *why, int err, NTSTATUS otherwise,
				   const void *object, u64 first, u64 last)
{
	unsigned int i;

	v3c_refuse(why, otherwise, V3C_REASON_HARDWARE, object, first, last);
	why->err = err;
	for (i = 0; i < ARRAY_SIZE(v3c_errnos); i++) {
		if (v3c_errnos[i].err != err)
			continue;
		why->reason = v3c_errnos[i].reason;
		return v3c_errnos[i].status;
	}
	return otherwise;
}

/* Always true. One warning only, whichever call it was. */
bool v3c_refuse_atomic(struct v3c_why *why)
{
	WARN_ONCE(1, "v3compat: a call that may sleep was made from atomic context\n");
	v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_ATOMIC_CONTEXT, NULL, preempt_count(),
		   irqs_disabled());
	return true;
}

const char *v3c_reason_text(enum v3c_reason reason)
{
#define X(name, text) [V3C_REASON_##name] = text,
	static const char * const texts[] = { V3C_REASONS(X) };
#undef X

	return reason < V3C_REASON_COUNT ? texts[reason] : "?";
}

const char *v3c_status_name(NTSTATUS status)
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
