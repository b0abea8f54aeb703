// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_trim.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "table/trim.h"

/*
 * v3c_trim_free() frees the nodes after a grace period. One by one, because kvfree_rcu() would free
 * many at a time and keep others waiting. May sleep.
 */
void v3c_trim_free(struct v3c_trim *trim)
{
	if (!trim->count)
		return;
	synchronize_rcu();
	while (trim->count) {
		kfree(trim->node[--trim->count]);
		cond_resched();
	}
}

/* v3c_trim_node() is for a node that is found no more. May sleep. */
void v3c_trim_node(struct v3c_trim *trim, void *node)
{
	trim->node[trim->count++] = node;
	if (trim->count == V3C_TRIM_NODES)
		v3c_trim_free(trim);
}
