// SPDX-License-Identifier: GPL-2.0
/*
 * Names that both Windows and Linux have. Each CASE must not compile, and say what stands beside
 * it; the cases without a sentence must compile. scripts/check-wdm-errors tries both in the kernel.
 */
#if CASE == 1 /* PAGE_ALIGN() was there before <wdm.h> */
#include <linux/mm.h>
#include <wdm.h>
PVOID Page(PVOID Va);
PVOID Page(PVOID Va)
{
	return PAGE_ALIGN(Va);
}
#endif
#if CASE == 2 /* PAGE_ALIGN() was there before <wdm.h> */
#include <linux/dma-mapping.h>
#include <wdm.h>
unsigned long whole(unsigned long size);
unsigned long whole(unsigned long size)
{
	return PAGE_ALIGN(size);
}
#endif
#if CASE == 3 /* makes integer from pointer without a cast */
#include <wdm.h>
#include <linux/mm.h>
unsigned long whole(unsigned long size);
unsigned long whole(unsigned long size)
{
	return PAGE_ALIGN(size);
}
#endif
#if CASE == 4 /* expected expression before */
#include <wdm.h>
SIZE_T Down(SIZE_T Length);
SIZE_T Down(SIZE_T Length)
{
	return ALIGN_DOWN(Length, ULONG);
}
#endif
#if CASE == 5 /* in definition of macro */
#include <wdm.h>
__declspec(allocate("PAGE")) ULONG Paged;
#endif
#if CASE == 6 /* __out */
#include <linux/wait.h>
#include <wdm.h>
VOID Read(__out PULONG Value);
#endif
#if CASE == 7
#include <linux/mm.h>
#include <linux/wait.h>
#include <wdm.h>
unsigned long hangs(struct wait_queue_head *queue, unsigned long *done);
unsigned long hangs(struct wait_queue_head *queue, unsigned long *done)
{
	wait_event(*queue, READ_ONCE(*done));
	return ALIGN(*done, PAGE_SIZE) + ALIGN_DOWN(*done, PAGE_SIZE);
}
#endif
#if CASE == 8
#include <wdm.h>
#include <linux/dma-mapping.h>
#include <linux/hyperv.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vfio.h>
PVOID Page(__in PVOID Va, __out PULONG Value);
PVOID Page(__in PVOID Va, __out PULONG Value)
{
	*Value = BYTE_OFFSET(Va);
	return PAGE_ALIGN(Va);
}
#endif
#if CASE == 9
#include <wdm.h>
NTSTATUS Lock(PMDL Mdl);
NTSTATUS Lock(PMDL Mdl)
{
	try {
		MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
	} except(EXCEPTION_EXECUTE_HANDLER) {
		return GetExceptionCode();
	}
	return STATUS_SUCCESS;
}
#endif
#if CASE == 10
#include <linux/types.h>
#include <wdm.h>
int leave(int try);
int leave(int try)
{
	return try;
}
#endif
