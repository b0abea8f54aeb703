// SPDX-License-Identifier: GPL-2.0
#include <linux/workqueue.h>

#include "base/compat.h"
#include "base/later.h"

/**
 * v3c_queue_later() - do work that may take long after a while
 * @work: the work
 * @delay: in jiffies
 *
 * On an unbound workqueue, because work that keeps a processor busy must not keep the other work of
 * that processor.
 *
 * Context: any.
 */
void v3c_queue_later(struct delayed_work *work, unsigned long delay)
{
	queue_delayed_work(V3C_UNBOUND_WQ, work, delay);
}
