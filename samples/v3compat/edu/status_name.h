/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of statuses, for transcripts.
 */
#ifndef EDU_STATUS_NAME_H
#define EDU_STATUS_NAME_H

#include <wdm.h>

#define NAMED(status) { status, #status }
static const struct {
	NTSTATUS status;
	const char *name;
} status_names[] = {
	NAMED(STATUS_SUCCESS),
	NAMED(STATUS_UNSUCCESSFUL),
	NAMED(STATUS_NOT_IMPLEMENTED),
	NAMED(STATUS_INVALID_PARAMETER),
	NAMED(STATUS_ACCESS_DENIED),
	NAMED(STATUS_BUFFER_TOO_SMALL),
	NAMED(STATUS_INVALID_PARAMETER_MIX),
	NAMED(STATUS_NONE_MAPPED),
	NAMED(STATUS_INSUFFICIENT_RESOURCES),
	NAMED(STATUS_NOT_SUPPORTED),
	NAMED(STATUS_INVALID_PARAMETER_1),
	NAMED(STATUS_INVALID_PARAMETER_2),
	NAMED(STATUS_INVALID_PARAMETER_3),
	NAMED(STATUS_INVALID_PARAMETER_4),
	NAMED(STATUS_INVALID_PARAMETER_5),
	NAMED(STATUS_INVALID_PARAMETER_6),
	NAMED(STATUS_INVALID_PARAMETER_7),
	NAMED(STATUS_NOT_FOUND),
	NAMED(STATUS_RESOURCE_IN_USE),
};
#undef NAMED

/* status_name() returns NULL for a status that no scenario expects. */
static inline const char *status_name(NTSTATUS status)
{
	size_t i;

	for (i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++)
		if (status_names[i].status == status)
			return status_names[i].name;
	return NULL;
}

#endif
