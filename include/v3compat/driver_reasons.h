/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Why a call of <wdm.h> was refused, where no command of /dev/v3compat can be: tracepoints of the
 * kernel and v3compat_last_refusal() tell these, too.
 */
#ifndef V3COMPAT_DRIVER_REASONS_H
#define V3COMPAT_DRIVER_REASONS_H

/*
 * V3COMPAT_DRIVER_REASONS - reasons beside V3COMPAT_REASONS of <linux/v3compat.h>, whose numbers
 * are smaller
 *
 * X(number, name, values, text), with the meaning that they have there.
 */
#define V3COMPAT_DRIVER_REASONS(X) \
	X(0x8000, NO_PAGES,		NONE,	"MDL describes no locked or nonpaged pages") \
	X(0x8001, LIST_LOOP,		RANGE,	"list does not end") \
	X(0x8002, TOO_MUCH_WORK,	NONE,	"more than is done for a caller that cannot sleep") \
	X(0x8003, BUFFER_TOO_SMALL,	LIMIT,	"buffer is too small") \
	X(0x8004, NOT_REGISTERED,	NONE,	"callback is not registered for the device") \
	X(0x8005, ATOMIC_CONTEXT,	COUNT,	"call may sleep and the context may not") \
	X(0x8006, CLOSING,		NONE,	"reservation is being given back") \
	X(0x8007, OTHER_OWNER,		NONE,	"device and domain have different owners")

#define V3COMPAT_FIRST_DRIVER_REASON	0x8000

enum v3compat_driver_reason {
#define V3COMPAT_X(number, name, values, text) V3COMPAT_REASON_##name = number,
	V3COMPAT_DRIVER_REASONS(V3COMPAT_X)
#undef V3COMPAT_X
};

#endif
