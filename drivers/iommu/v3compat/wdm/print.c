// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of drivers in the kernel's log.
 */
#include <linux/bitops.h>
#include <linux/kern_levels.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <ddk/format.h>
#include <kcompat.h>
#include <wdm.h>

static const char *log_level(ULONG level)
{
	static const char *const levels[] = {
		[DPFLTR_ERROR_LEVEL] = KERN_ERR,
		[DPFLTR_WARNING_LEVEL] = KERN_WARNING,
		[DPFLTR_TRACE_LEVEL] = KERN_NOTICE,
		[DPFLTR_INFO_LEVEL] = KERN_INFO,
	};
	ULONG bit = level < 32 ? level : __ffs(level);

	return bit < ARRAY_SIZE(levels) ? levels[bit] : KERN_DEBUG;
}

ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
			    va_list arglist)
{
	struct v3c_arguments arguments;
	char text[V3C_MESSAGE + 1];

	if (!Format)
		return STATUS_INVALID_PARAMETER;
	va_copy(arguments.list, arglist);
	v3c_format(text, sizeof(text), Prefix, Format, &arguments);
	va_end(arguments.list);
	/*
	 * KERN_CONT continues a message of the same thread that had no newline, and begins a line
	 * where there is none. The macro printk() is for formats that are known here.
	 */
	_printk(KERN_CONT "%s%s", log_level(Level), text);
	return STATUS_SUCCESS;
}
V3C_EXPORT_NS_GPL(vDbgPrintExWithPrefix, V3COMPAT);

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list arglist)
{
	return vDbgPrintExWithPrefix(NULL, ComponentId, Level, Format, arglist);
}
V3C_EXPORT_NS_GPL(vDbgPrintEx, V3COMPAT);

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
	ULONG status;
	va_list arglist;

	va_start(arglist, Format);
	status = vDbgPrintEx(ComponentId, Level, Format, arglist);
	va_end(arglist);
	return status;
}
V3C_EXPORT_NS_GPL(DbgPrintEx, V3COMPAT);

ULONG DbgPrint(PCSTR Format, ...)
{
	ULONG status;
	va_list arglist;

	va_start(arglist, Format);
	status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, arglist);
	va_end(arglist);
	return status;
}
V3C_EXPORT_NS_GPL(DbgPrint, V3COMPAT);
