// SPDX-License-Identifier: GPL-2.0
/*
 * Messages go to the standard error of the program.
 */
#include <errno.h>

#include <ddk/format.h>

#include "internal.h"

ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
			    va_list arglist)
{
	struct v3c_arguments arguments;
	char text[V3C_MESSAGE + 1];
	int error = errno;
	size_t length;

	(void)ComponentId;
	(void)Level;
	if (!Format)
		return (ULONG)STATUS_INVALID_PARAMETER;
	va_copy(arguments.list, arglist);
	length = v3c_format(text, sizeof(text), Prefix, Format, &arguments);
	va_end(arguments.list);
	fwrite(text, 1, length, stderr);
	errno = error;
	return STATUS_SUCCESS;
}

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list arglist)
{
	return vDbgPrintExWithPrefix(NULL, ComponentId, Level, Format, arglist);
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
	ULONG status;
	va_list arglist;

	va_start(arglist, Format);
	status = vDbgPrintEx(ComponentId, Level, Format, arglist);
	va_end(arglist);
	return status;
}

ULONG DbgPrint(PCSTR Format, ...)
{
	ULONG status;
	va_list arglist;

	va_start(arglist, Format);
	status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, arglist);
	va_end(arglist);
	return status;
}
