// SPDX-License-Identifier: GPL-2.0
#include "device.h"
#include "domain.h"
#include "pasid.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
