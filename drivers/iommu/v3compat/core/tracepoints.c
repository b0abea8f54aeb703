// SPDX-License-Identifier: GPL-2.0
#include "core/device.h"
#include "core/domain.h"
#include "core/pasid.h"

#define CREATE_TRACE_POINTS
#include "base/trace.h"
