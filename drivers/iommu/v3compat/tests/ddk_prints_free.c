// SPDX-License-Identifier: GPL-2.0
/*
 * Messages and assertions of a build that is not for debugging: they are not there, and what they
 * name need not be.
 */
#include "ddk_client.h"

static ULONG Called;

static ULONG Next(VOID)
{
	return ++Called;
}

/* Counts what is not as it should be. */
ULONG DdkPrintsFree(VOID)
{
	ULONG Bad = 0;

#if DBG
	Bad++;
#endif
	KdPrint(("%d\n", NotDeclared));
	KdPrintEx((NotDeclared, DPFLTR_INFO_LEVEL, "\n"));
	vKdPrintEx((NotDeclared));
	vKdPrintExWithPrefix((NotDeclared));
	ASSERT(NotDeclared);
	ASSERTMSG("DdkPrints", NotDeclared);
	NT_ASSERT(NotDeclared);
	NT_ASSERTMSG("DdkPrints", NotDeclared);
	NT_ASSERTMSGW(L"DdkPrints", NotDeclared);
	NT_ASSERT_NOASSUME(NotDeclared);
	RTL_SOFT_ASSERT(NotDeclared);
	RTL_SOFT_ASSERTMSG("DdkPrints", NotDeclared);
	NT_ANALYSIS_ASSUME(NotDeclared);
	if (Called)
		ASSERT(FALSE);
	else
		KdPrint(("\n"));

	Bad += NT_VERIFY(Next()) != TRUE;
	Bad += NT_VERIFYMSG("DdkPrints", !Next()) != FALSE;
	Bad += NT_VERIFYMSGW(L"DdkPrints", Next()) != TRUE;
	Bad += RTL_VERIFY(Next() & 0x100) != FALSE;
	Bad += RTL_VERIFYMSG("DdkPrints", Next() << 8) != TRUE;
	Bad += RTL_SOFT_VERIFY(Next()) != TRUE;
	Bad += RTL_SOFT_VERIFYMSG("DdkPrints", Next()) != TRUE;
	NT_VERIFY(Next());
	NT_FRE_ASSERT(Next());
	Bad += Called != 9;
	return Bad;
}
