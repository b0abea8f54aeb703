// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_reasons[] and v3c_driver_reasons[] describe every reason for which a call is refused;
 * v3c_errnos[] maps the IOMMU core's errno to a reason.
 */
#include <linux/array_size.h>
#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>

#include "base/handle.h"
#include "base/why.h"

static const struct {
	int err;
	enum v3c_reason reason;
} v3c_errnos[] = {
	{ -ENOMEM,	V3C_REASON_NO_MEMORY },
	{ -ENOSPC,	V3C_REASON_NO_SPACE },
	{ -EXFULL,	V3C_REASON_TOO_MANY_TABLES },
	{ -E2BIG,	V3C_REASON_TABLES_TOO_LARGE },
	{ -EDQUOT,	V3C_REASON_TOO_MUCH_WORK },
	{ -EINTR,	V3C_REASON_KILLED },
	{ -EADDRINUSE,	V3C_REASON_OVERLAP },
	{ -EEXIST,	V3C_REASON_OVERLAP },
	{ -EUCLEAN,	V3C_REASON_SHORT_UNMAP },
	{ -EBUSY,	V3C_REASON_GROUP_BUSY },
	{ -EPERM,	V3C_REASON_GROUP_BUSY },
	{ -ESTALE,	V3C_REASON_BAD_HANDLE },
};

/* struct reason: @err is what user space gets, or 0 for a reason that it cannot get. */
struct reason {
	const char *text;
	int err;
	enum v3c_values values;
};

static const struct reason v3c_reasons[] = {
	[V3C_REASON_NONE] = { "no reason recorded" },
#define X(number, name, values_, err_, text_)							\
	[number] = { .text = text_, .err = err_, .values = V3C_VALUES_##values_ },
	V3COMPAT_REASONS(X)
#undef X
};

static const struct reason v3c_driver_reasons[] = {
#define X(number, name, values_, text_)								\
	[number - V3COMPAT_FIRST_DRIVER_REASON] = {						\
		.text = text_, .values = V3C_VALUES_##values_,					\
	},
	V3COMPAT_DRIVER_REASONS(X)
#undef X
};

static const struct reason *find_reason(enum v3c_reason reason)
{
	static const struct reason unknown = { "?" };
	unsigned int index = reason - V3COMPAT_FIRST_DRIVER_REASON;

	if (reason < ARRAY_SIZE(v3c_reasons))
		return &v3c_reasons[reason];
	return index < ARRAY_SIZE(v3c_driver_reasons) ? &v3c_driver_reasons[index] : &unknown;
}

/**
 * v3c_refuse() - say why a call is refused
 * @why: filled; the fields are filled on the refusing path only, so that success costs nothing
 * @reason: why
 * @param: what was wrong
 * @object: begins with a &struct v3c_handle that is or was alive, or NULL
 * @first: first value of @reason
 * @last: second value
 *
 * Context: any.
 * Return: @reason.
 */
noinline enum v3c_reason v3c_refuse(struct v3c_why *why, enum v3c_reason reason,
				    enum v3c_param param, const void *object, u64 first, u64 last)
{
	const struct v3c_handle *handle = object;

	*why = (struct v3c_why) {
		.reason = reason, .param = param, .object = handle ? READ_ONCE(handle->serial) : 0,
		.first = first, .last = last,
	};
	return reason;
}

/**
 * v3c_refuse_errno() - say why a call is refused that an errno ends
 * @why: filled
 * @err: the errno
 * @param: what was wrong, unless it is the domain, which was deleted meanwhile (-ESTALE)
 * @object: as for v3c_refuse()
 * @first: first value
 * @last: second value
 *
 * Context: any.
 * Return: the reason; %V3C_REASON_HARDWARE for what only the IOMMU driver understood.
 */
noinline enum v3c_reason v3c_refuse_errno(struct v3c_why *why, int err, enum v3c_param param,
					  const void *object, u64 first, u64 last)
{
	enum v3c_reason reason = V3C_REASON_HARDWARE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v3c_errnos); i++)
		if (v3c_errnos[i].err == err)
			reason = v3c_errnos[i].reason;
	if (reason == V3C_REASON_BAD_HANDLE)
		v3c_refuse(why, reason, V3C_PARAM_DOMAIN, NULL, 0, 0);
	else if (v3c_reason_values(reason) == V3C_VALUES_NONE)
		v3c_refuse(why, reason, V3C_PARAM_NONE, object, 0, 0);
	else
		v3c_refuse(why, reason, param, object, first, last);
	why->err = err;
	return reason;
}

/*
 * v3c_refuse_atomic() warns only once, whichever call it was. It is always true, so that a
 * condition can end with it.
 */
bool v3c_refuse_atomic(struct v3c_why *why)
{
	WARN_ONCE(1, "v3compat: a call that may sleep was made from atomic context\n");
	v3c_refuse(why, V3C_REASON_ATOMIC_CONTEXT, V3C_PARAM_NONE, NULL, preempt_count(),
		   irqs_disabled());
	return true;
}

const char *v3c_reason_text(enum v3c_reason reason)
{
	return find_reason(reason)->text;
}

/* v3c_reason_errno() is what user space gets for @reason, negative. */
int v3c_reason_errno(enum v3c_reason reason)
{
	int err = find_reason(reason)->err;

	return WARN_ON_ONCE(!err) ? -EINVAL : -err;
}

enum v3c_values v3c_reason_values(enum v3c_reason reason)
{
	return find_reason(reason)->values;
}

const char *v3c_param_name(enum v3c_param param)
{
	static const char * const names[] = {
		[V3C_PARAM_NONE] = "NONE",
#define X(number, name) [number] = #name,
		V3COMPAT_PARAMS(X)
#undef X
	};

	return param < ARRAY_SIZE(names) ? names[param] : "?";
}
