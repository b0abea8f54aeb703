/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lower case names of structured exceptions. <ntddk.h> and <ntifs.h> include this, and <wdm.h>
 * does in a kernel's file that includes no header of Linux before.
 */
#ifndef _V3COMPAT_EXCPT_H
#define _V3COMPAT_EXCPT_H

#ifndef __cplusplus
#define try __try
#define except(filter) __except(filter)
#define finally __finally
#define leave __leave
#endif

#endif /* _V3COMPAT_EXCPT_H */
