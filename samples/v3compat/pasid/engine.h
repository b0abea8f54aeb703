/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine, for the Linux parts of the driver.
 */
#ifndef MOVER_ENGINE_H
#define MOVER_ENGINE_H

#include <linux/types.h>

#include "mover_hw.h"

struct device;
struct workqueue_struct;

/**
 * struct mover_engine - the hardware
 * @dev: the simulated device
 * @queues: what its queues run on
 */
struct mover_engine {
	struct device *dev;
	struct workqueue_struct *queues;
};

int mover_move(struct mover_engine *engine, struct mover_transfer *transfer);

#endif
