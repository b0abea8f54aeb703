// SPDX-License-Identifier: GPL-2.0
/* Compiles, for 64 and for 32 bits, as long as the ABI is what it was. */
#include "abi_layout.h"
