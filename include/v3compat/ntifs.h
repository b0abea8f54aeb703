/* SPDX-License-Identifier: GPL-2.0 */
/*
 * <wdm.h> under the name by which drivers of file systems, and filters, include it.
 */
#include "wdm.h"

#include "excpt.h"
