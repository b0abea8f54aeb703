/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the calls of every table check first, and how they show a refusal. For the files of that layer
 * only, hence the plain names.
 */
#ifndef V3COMPAT_CHECK_H
#define V3COMPAT_CHECK_H

#include "base/context.h"
#include "base/status.h"
#include "base/trace.h"

/* Hands @status on, and shows a refusal. */
#define ANSWER(member, status_, why)						\
({										\
	NTSTATUS __status = (status_);						\
										\
	if (unlikely(!NT_SUCCESS(__status)))					\
		trace_v3compat_refused(#member, __status, why);			\
	__status;								\
})

static inline NTSTATUS bad_handle(struct v3c_why *why, NTSTATUS status, const void *handle)
{
	return v3c_refuse(why, status, V3C_REASON_BAD_HANDLE, handle, 0, 0);
}

static inline NTSTATUS null_pointer(struct v3c_why *why, NTSTATUS status)
{
	return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);
}

/* Windows allows the call below DISPATCH_LEVEL only. */
static inline bool refuse_atomic(struct v3c_why *why)
{
	return unlikely(!v3c_may_sleep()) && v3c_refuse_atomic(why);
}

#endif
