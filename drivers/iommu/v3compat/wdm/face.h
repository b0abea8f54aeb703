/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ANSWER() and the checks that the calls of every table make first. For the files of this layer
 * only, hence the plain names.
 */
#ifndef V3COMPAT_WDM_FACE_H
#define V3COMPAT_WDM_FACE_H

#include "base/context.h"
#include "base/why.h"
#include "wdm/status.h"

/* ANSWER(): the status for what a call returned. A refusal is shown to the tracepoint. */
#define ANSWER(member, reason, why)						\
	(unlikely(reason) ? v3w_refuse(V3W_##member, why) : STATUS_SUCCESS)

static inline enum v3c_reason bad_handle(struct v3c_why *why, enum v3c_param param)
{
	return v3c_refuse(why, V3C_REASON_BAD_HANDLE, param, NULL, 0, 0);
}

static inline enum v3c_reason null_pointer(struct v3c_why *why, enum v3c_param param)
{
	return v3c_refuse(why, V3C_REASON_NULL_POINTER, param, NULL, 0, 0);
}

/* refuse_atomic() is for calls that Windows allows below DISPATCH_LEVEL only. */
static inline bool refuse_atomic(struct v3c_why *why)
{
	return unlikely(!v3c_may_sleep()) && v3c_refuse_atomic(why);
}

#endif
