// SPDX-License-Identifier: GPL-2.0
/*
 * The scenario device and the buffers are those of the edu sample.
 */
#include "buffer.c"
#include "pages.c"
#include "scenario.c"
