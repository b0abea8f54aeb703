/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the debugger, which are lines of the kernel's log here, and assertions.
 *
 * Messages of KdPrint() and assertions are there where DBG is not 0, as in a debug build of
 * Windows. A driver says so in its Kbuild (ccflags-y += -DDBG=1), or before it includes <wdm.h>.
 */
#ifndef _V3COMPAT_DDK_DEBUG_H
#define _V3COMPAT_DDK_DEBUG_H

#include "types.h"

/* DBG has a value in every build, because a kernel is built with -Wundef. */
#ifndef DBG
#define DBG 0
#endif

#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3
#define DPFLTR_MASK 0x80000000

/* Components of DbgPrintEx(). Those for drivers are DPFLTR_IHV*_ID. */
typedef enum _DPFLTR_TYPE {
	DPFLTR_SYSTEM_ID = 0,
	DPFLTR_SMSS_ID, DPFLTR_SETUP_ID, DPFLTR_NTFS_ID, DPFLTR_FSTUB_ID, DPFLTR_CRASHDUMP_ID,
	DPFLTR_CDAUDIO_ID, DPFLTR_CDROM_ID, DPFLTR_CLASSPNP_ID, DPFLTR_DISK_ID, DPFLTR_REDBOOK_ID,
	DPFLTR_STORPROP_ID, DPFLTR_SCSIPORT_ID, DPFLTR_SCSIMINIPORT_ID, DPFLTR_CONFIG_ID,
	DPFLTR_I8042PRT_ID, DPFLTR_SERMOUSE_ID, DPFLTR_LSERMOUS_ID, DPFLTR_KBDHID_ID,
	DPFLTR_MOUHID_ID, DPFLTR_KBDCLASS_ID, DPFLTR_MOUCLASS_ID, DPFLTR_TWOTRACK_ID,
	DPFLTR_WMILIB_ID, DPFLTR_ACPI_ID, DPFLTR_AMLI_ID, DPFLTR_HALIA64_ID, DPFLTR_VIDEO_ID,
	DPFLTR_SVCHOST_ID, DPFLTR_VIDEOPRT_ID, DPFLTR_TCPIP_ID, DPFLTR_DMSYNTH_ID,
	DPFLTR_NTOSPNP_ID, DPFLTR_FASTFAT_ID, DPFLTR_SAMSS_ID, DPFLTR_PNPMGR_ID, DPFLTR_NETAPI_ID,
	DPFLTR_SCSERVER_ID, DPFLTR_SCCLIENT_ID, DPFLTR_SERIAL_ID, DPFLTR_SERENUM_ID, DPFLTR_UHCD_ID,
	DPFLTR_RPCPROXY_ID, DPFLTR_AUTOCHK_ID, DPFLTR_DCOMSS_ID, DPFLTR_UNIMODEM_ID, DPFLTR_SIS_ID,
	DPFLTR_FLTMGR_ID, DPFLTR_WMICORE_ID, DPFLTR_BURNENG_ID, DPFLTR_IMAPI_ID, DPFLTR_SXS_ID,
	DPFLTR_FUSION_ID, DPFLTR_IDLETASK_ID, DPFLTR_SOFTPCI_ID, DPFLTR_TAPE_ID, DPFLTR_MCHGR_ID,
	DPFLTR_IDEP_ID, DPFLTR_PCIIDE_ID, DPFLTR_FLOPPY_ID, DPFLTR_FDC_ID, DPFLTR_TERMSRV_ID,
	DPFLTR_W32TIME_ID, DPFLTR_PREFETCHER_ID, DPFLTR_RSFILTER_ID, DPFLTR_FCPORT_ID,
	DPFLTR_PCI_ID, DPFLTR_DMIO_ID, DPFLTR_DMCONFIG_ID, DPFLTR_DMADMIN_ID,
	DPFLTR_WSOCKTRANSPORT_ID, DPFLTR_VSS_ID, DPFLTR_PNPMEM_ID, DPFLTR_PROCESSOR_ID,
	DPFLTR_DMSERVER_ID, DPFLTR_SR_ID, DPFLTR_INFINIBAND_ID,
	DPFLTR_IHVDRIVER_ID = 77,
	DPFLTR_IHVVIDEO_ID, DPFLTR_IHVAUDIO_ID, DPFLTR_IHVNETWORK_ID, DPFLTR_IHVSTREAMING_ID,
	DPFLTR_IHVBUS_ID,
	DPFLTR_HPS_ID, DPFLTR_RTLTHREADPOOL_ID, DPFLTR_LDR_ID, DPFLTR_TCPIP6_ID, DPFLTR_ISAPNP_ID,
	DPFLTR_SHPC_ID, DPFLTR_STORPORT_ID, DPFLTR_STORMINIPORT_ID, DPFLTR_PRINTSPOOLER_ID,
	DPFLTR_VSSDYNDISK_ID, DPFLTR_VERIFIER_ID, DPFLTR_VDS_ID, DPFLTR_VDSBAS_ID, DPFLTR_VDSDYN_ID,
	DPFLTR_VDSDYNDR_ID, DPFLTR_VDSLDR_ID, DPFLTR_VDSUTIL_ID, DPFLTR_DFRGIFC_ID,
	DPFLTR_DEFAULT_ID = 101,
	DPFLTR_MM_ID, DPFLTR_DFSC_ID, DPFLTR_WOW64_ID, DPFLTR_ALPC_ID, DPFLTR_WDI_ID,
	DPFLTR_PERFLIB_ID, DPFLTR_KTM_ID, DPFLTR_IOSTRESS_ID, DPFLTR_HEAP_ID, DPFLTR_WHEA_ID,
	DPFLTR_USERGDI_ID, DPFLTR_MMCSS_ID, DPFLTR_TPM_ID, DPFLTR_THREADORDER_ID, DPFLTR_ENVIRON_ID,
	DPFLTR_EMS_ID, DPFLTR_WDT_ID, DPFLTR_FVEVOL_ID, DPFLTR_NDIS_ID, DPFLTR_NVCTRACE_ID,
	DPFLTR_LUAFV_ID, DPFLTR_APPCOMPAT_ID, DPFLTR_USBSTOR_ID, DPFLTR_SBP2PORT_ID,
	DPFLTR_COVERAGE_ID, DPFLTR_CACHEMGR_ID, DPFLTR_MOUNTMGR_ID, DPFLTR_CFR_ID, DPFLTR_TXF_ID,
	DPFLTR_KSECDD_ID, DPFLTR_FLTREGRESS_ID, DPFLTR_MPIO_ID, DPFLTR_MSDSM_ID, DPFLTR_UDFS_ID,
	DPFLTR_PSHED_ID, DPFLTR_STORVSP_ID, DPFLTR_LSASS_ID, DPFLTR_SSPICLI_ID, DPFLTR_CNG_ID,
	DPFLTR_EXFAT_ID, DPFLTR_FILETRACE_ID, DPFLTR_XSAVE_ID, DPFLTR_SE_ID,
	DPFLTR_DRIVEEXTENDER_ID = 145,
	DPFLTR_ENDOFTABLE_ID
} DPFLTR_TYPE;

V3COMPAT_BEGIN

/**
 * DbgPrint() - print a message
 * @Format: what to print, in the formats of Windows
 * @...: what @Format names
 *
 * DbgPrintEx() of DPFLTR_DEFAULT_ID at DPFLTR_INFO_LEVEL.
 *
 * Context: Any.
 * Return: As DbgPrintEx().
 *
 * Source: wdm.h page dbgprint.
 */
ULONG DbgPrint(PCSTR Format, ...);

/**
 * DbgPrintEx() - print a message of some importance
 * @ComponentId: a DPFLTR_*_ID; every component is printed
 * @Level: DPFLTR_ERROR_LEVEL, DPFLTR_WARNING_LEVEL, DPFLTR_TRACE_LEVEL, DPFLTR_INFO_LEVEL, another
 *	number of a bit up to 31, or a bit mask, which is as important as its lowest bit
 * @Format: what to print, in the formats of Windows
 * @...: what @Format names
 *
 * In the kernel, the four levels are those of error, warning, notice and info of the log, and all
 * others are debug. A program prints all of them to its standard error. There are no filter masks,
 * because the log level of the console does what those do on Windows.
 *
 * A message ends at its newline. One without is continued by the next message of the same thread.
 *
 * Behind its percent sign, a conversion has flags, width, precision, size and type, as that of
 * printf(), the types being ``d i u o x X c C s S Z p``. Flags are ``- + # 0`` and a blank; width
 * and precision may be ``*``. Sizes of numbers are ``hh``, ``h``, ``l`` and ``I32`` (32 bits, as
 * ULONG and LONG have them), ``ll``, ``I64`` and ``j``, and ``I``, ``z`` and ``t`` (that of a
 * pointer). ``s``, ``hs``, ``c`` and ``hc`` are of CHAR; ``S``, ``ws``, ``ls``, ``C``, ``wc`` and
 * ``lc`` are of WCHAR, and printed as UTF-8, with U+FFFD for half a surrogate pair; ``Z`` and
 * ``hZ`` are a PANSI_STRING, ``wZ`` and ``lZ`` a PUNICODE_STRING. Width and precision count the
 * CHARs or WCHARs of the argument. A string at NULL is ``(null)``, one in the first or the last
 * page of addresses is ``(efault)``, and characters of value 0 are left out.
 *
 * ``p`` is in the kernel what Linux's printf() makes of it: a hash of the address, unless the
 * kernel was booted with no_hash_pointers. ``I64x`` prints the address.
 *
 * Types of floating point (``a A e E f F g G``), which Windows does not support here either, print
 * themselves: code for the kernel cannot pass such a number, and that of a program is passed over.
 * ``n`` writes nothing. Any other conversion prints itself and takes no argument.
 *
 * A message has 512 bytes at most; what is beyond them is lost.
 *
 * Context: Any, with any format; Windows prints strings of WCHARs at PASSIVE_LEVEL only.
 * Return: STATUS_SUCCESS, also for a message that lost its end, or STATUS_INVALID_PARAMETER for a
 * @Format of NULL.
 *
 * Source: wdm.h page dbgprintex; page reading-and-filtering-debugging-messages; page
 * format-specification-syntax-printf-and-wprintf-functions.
 */
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);

/**
 * vDbgPrintEx() - DbgPrintEx() with a list of arguments
 * @ComponentId: as for DbgPrintEx()
 * @Level: as for DbgPrintEx()
 * @Format: as for DbgPrintEx()
 * @arglist: what @Format names; the caller still ends it
 *
 * Context: Any.
 * Return: As DbgPrintEx().
 *
 * Source: wdm.h page vdbgprintex.
 */
ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list arglist);

/**
 * vDbgPrintExWithPrefix() - vDbgPrintEx() of a message that begins with a prefix
 * @Prefix: what comes before the message and counts as part of it, or NULL
 * @ComponentId: as for DbgPrintEx()
 * @Level: as for DbgPrintEx()
 * @Format: as for DbgPrintEx()
 * @arglist: what @Format names; the caller still ends it
 *
 * Context: Any.
 * Return: As DbgPrintEx().
 *
 * Source: wdm.h page vdbgprintexwithprefix.
 */
ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
			    va_list arglist);

/**
 * RtlAssert() - say that an assertion failed
 * @FailedAssertion: its expression, a string
 * @FileName: where it stands, a string
 * @LineNumber: where in that file
 * @Message: what else there is to say, or NULL
 *
 * Prints all that as an error and returns, as the debugger of Windows, which stops there, may go
 * on. This is no WARN(), because that would taint the kernel for a mistake of the driver's, and
 * stop one that was booted with panic_on_warn.
 *
 * Context: Any.
 *
 * Source: page debugging-related-macros.
 */
static inline void RtlAssert(const VOID *FailedAssertion, const VOID *FileName, ULONG LineNumber,
			     PCSTR Message)
{
	DbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, "%s:%u: assertion failed: %s%s%s\n",
		   FileName, LineNumber, FailedAssertion, Message ? ": " : "",
		   Message ? Message : "");
}

/* V3cTruth(), V3cAssert() and V3cAssertW() return Condition, which their callers may ignore. */
static inline BOOLEAN V3cTruth(BOOLEAN Condition)
{
	return Condition;
}

static inline BOOLEAN V3cAssert(BOOLEAN Condition, PCSTR Expression, PCSTR File, ULONG Line,
				PCSTR Message)
{
	if (!Condition)
		RtlAssert(Expression, File, Line, Message);
	return Condition;
}

static inline BOOLEAN V3cAssertW(BOOLEAN Condition, PCSTR Expression, PCSTR File, ULONG Line,
				 PCWSTR Message)
{
	if (!Condition)
		DbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL,
			   "%s:%u: assertion failed: %s: %ws\n", File, Line, Expression, Message);
	return Condition;
}

V3COMPAT_END

/*
 * Each of these stands for the macros of Windows that do the same. Those name it without its
 * parameters, because a parameter that is passed on is expanded before it becomes a string.
 */
#define V3C_VERIFY(exp) V3cAssert(!!(exp), #exp, __FILE__, __LINE__, NULL)
#define V3C_VERIFYMSG(msg, exp) V3cAssert(!!(exp), #exp, __FILE__, __LINE__, (msg))
#define V3C_VERIFYMSGW(msg, exp) V3cAssertW(!!(exp), #exp, __FILE__, __LINE__, (msg))
#define V3C_ASSERT(exp) ((VOID)V3cAssert(!!(exp), #exp, __FILE__, __LINE__, NULL))
#define V3C_ASSERTMSG(msg, exp) ((VOID)V3cAssert(!!(exp), #exp, __FILE__, __LINE__, (msg)))
#define V3C_ASSERTMSGW(msg, exp) ((VOID)V3cAssertW(!!(exp), #exp, __FILE__, __LINE__, (msg)))
#define V3C_EVALUATE(exp) V3cTruth(!!(exp))
#define V3C_EVALUATEMSG(msg, exp) V3cTruth(!!(exp))
#define V3C_IGNORE(exp) ((VOID)0)
#define V3C_IGNOREMSG(msg, exp) ((VOID)0)

#define NT_ANALYSIS_ASSUME V3C_IGNORE

#if DBG

#define KdPrint(args) DbgPrint args
#define KdPrintEx(args) DbgPrintEx args
#define vKdPrintEx(args) vDbgPrintEx args
#define vKdPrintExWithPrefix(args) vDbgPrintExWithPrefix args

#define ASSERT V3C_ASSERT
#define ASSERTMSG V3C_ASSERTMSG
#define NT_ASSERT V3C_ASSERT
#define NT_ASSERTMSG V3C_ASSERTMSG
#define NT_ASSERTMSGW V3C_ASSERTMSGW
#define RTL_SOFT_ASSERT V3C_ASSERT
#define RTL_SOFT_ASSERTMSG V3C_ASSERTMSG

#define NT_VERIFY V3C_VERIFY
#define NT_VERIFYMSG V3C_VERIFYMSG
#define NT_VERIFYMSGW V3C_VERIFYMSGW
#define RTL_VERIFY V3C_VERIFY
#define RTL_VERIFYMSG V3C_VERIFYMSG
#define RTL_SOFT_VERIFY V3C_VERIFY
#define RTL_SOFT_VERIFYMSG V3C_VERIFYMSG

#else

#define KdPrint(args) ((VOID)0)
#define KdPrintEx(args) ((VOID)0)
#define vKdPrintEx(args) ((VOID)0)
#define vKdPrintExWithPrefix(args) ((VOID)0)

#define ASSERT V3C_IGNORE
#define ASSERTMSG V3C_IGNOREMSG
#define NT_ASSERT V3C_IGNORE
#define NT_ASSERTMSG V3C_IGNOREMSG
#define NT_ASSERTMSGW V3C_IGNOREMSG
#define RTL_SOFT_ASSERT V3C_IGNORE
#define RTL_SOFT_ASSERTMSG V3C_IGNOREMSG

#define NT_VERIFY V3C_EVALUATE
#define NT_VERIFYMSG V3C_EVALUATEMSG
#define NT_VERIFYMSGW V3C_EVALUATEMSG
#define RTL_VERIFY V3C_EVALUATE
#define RTL_VERIFYMSG V3C_EVALUATEMSG
#define RTL_SOFT_VERIFY V3C_EVALUATE
#define RTL_SOFT_VERIFYMSG V3C_EVALUATEMSG

#endif

/* These are the same in all builds. */
#define NT_FRE_ASSERT V3C_ASSERT
#define NT_FRE_ASSERTMSG V3C_ASSERTMSG
#define NT_FRE_ASSERTMSGW V3C_ASSERTMSGW

#define NT_ASSERT_ASSUME NT_ASSERT
#define NT_ASSERTMSG_ASSUME NT_ASSERTMSG
#define NT_ASSERTMSGW_ASSUME NT_ASSERTMSGW
#define NT_ASSERT_NOASSUME NT_ASSERT
#define NT_ASSERTMSG_NOASSUME NT_ASSERTMSG
#define NT_ASSERTMSGW_NOASSUME NT_ASSERTMSGW

#endif /* _V3COMPAT_DDK_DEBUG_H */
