/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WHY_H
#define V3COMPAT_WHY_H

#include <linux/errno.h>
#include <linux/types.h>

#include <uapi/linux/v3compat.h>
#include <v3compat/driver_reasons.h>

/*
 * enum v3c_reason: why a call was refused, see V3COMPAT_REASONS. Those of V3COMPAT_DRIVER_REASONS
 * are no answer to a command of /dev/v3compat.
 */
#define X(number, name, ...) V3C_REASON_##name = number,
enum v3c_reason { V3C_REASON_NONE, V3COMPAT_REASONS(X) V3COMPAT_DRIVER_REASONS(X) };
#undef X

/* v3c_values tells what &v3c_why.first and &v3c_why.last mean, see V3COMPAT_REASONS. */
enum v3c_values {
	V3C_VALUES_NONE,
	V3C_VALUES_RANGE,
	V3C_VALUES_SPAN,
	V3C_VALUES_LIMIT,
	V3C_VALUES_COUNT
};

/* enum v3c_param: the parameter that was wrong, see V3COMPAT_PARAMS. */
#define X(number, name) V3C_PARAM_##name = number,
enum v3c_param { V3C_PARAM_NONE, V3COMPAT_PARAMS(X) V3C_PARAM_COUNT };
#undef X

/**
 * struct v3c_why - what was wrong, and with what
 * @reason: why
 * @param: the parameter that was wrong, or %V3C_PARAM_NONE
 * @err: errno that led to the refusal, of v3compat or of the IOMMU core; 0 if there was none
 * @object: serial of the object concerned, see &struct v3c_handle; 0 for none
 * @first: first value, see V3COMPAT_REASONS
 * @last: second value
 *
 * Written on refusal only: a caller need not initialise it.
 */
struct v3c_why {
	enum v3c_reason reason;
	enum v3c_param param;
	int err;
	u32 object;
	u64 first;
	u64 last;
};

enum v3c_reason v3c_refuse(struct v3c_why *why, enum v3c_reason reason, enum v3c_param param,
			   const void *object, u64 first, u64 last);
enum v3c_reason v3c_refuse_errno(struct v3c_why *why, int err, enum v3c_param param,
				 const void *object, u64 first, u64 last);
bool v3c_refuse_atomic(struct v3c_why *why);

const char *v3c_reason_text(enum v3c_reason reason);
int v3c_reason_errno(enum v3c_reason reason);
enum v3c_values v3c_reason_values(enum v3c_reason reason);
const char *v3c_param_name(enum v3c_param param);

#endif
