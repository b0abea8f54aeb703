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

/*
 * check_handle() and check_pointer() are for members that may sleep. They begin with
 * refuse_atomic(), because the context is checked before any argument. Members that Windows allows
 * at DISPATCH_LEVEL use bad_handle() and null_pointer(): otherwise they would be refused there.
 *
 * check_handle() takes what v3c_to_domain() and its like found behind the handle.
 */
static inline enum v3c_reason check_handle(const void *object, enum v3c_param param,
					   struct v3c_why *why)
{
	if (refuse_atomic(why))
		return why->reason;
	return object ? 0 : bad_handle(why, param);
}

static inline enum v3c_reason check_pointer(const void *pointer, enum v3c_param param,
					    struct v3c_why *why)
{
	if (refuse_atomic(why))
		return why->reason;
	return pointer ? 0 : null_pointer(why, param);
}

#endif
