/* SPDX-License-Identifier: GPL-2.0 */
/*
 * <wdm.h> under the name by which most drivers include it.
 */
#include "wdm.h"

#include "excpt.h"
