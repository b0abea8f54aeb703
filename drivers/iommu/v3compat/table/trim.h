/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nodes on their way out: what the work item of a space has taken away, until nobody looks at it.
 */
#ifndef V3COMPAT_TRIM_H
#define V3COMPAT_TRIM_H

struct v3c_space;

/* V3C_TRIM_NODES wait for one grace period. */
#define V3C_TRIM_NODES	256

/**
 * struct v3c_trim - nodes that are nowhere any more
 * @space: whose they were
 * @count: how many
 * @node: the nodes
 */
struct v3c_trim {
	struct v3c_space *space;
	unsigned int count;
	void *node[V3C_TRIM_NODES];
};

void v3c_trim_free(struct v3c_trim *trim);
void v3c_trim_node(struct v3c_trim *trim, void *node);

#endif
