/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3BENCH_SIM_H
#define V3BENCH_SIM_H

#include <linux/types.h>

#include "v3bench.h"

struct device;

/* What methods on iommusim have no rows for: the maps of a PASID's domain are to be compared. */
#define V3B_SIM_LACKS	(V3B_GIGANTIC | V3B_LEAF | V3B_SCATTER | V3B_RANDOM | V3B_UNALIGNED)
/* What methods on the general path have no rows for. */
#define V3B_GENERAL_LACKS	(V3B_GIGANTIC | V3B_LEAF | V3B_SCATTER | V3B_LARGE)

struct device *v3b_sim_device(void);
int v3b_sim_enter(struct v3b *b);
void v3b_sim_leave(struct v3b *b);
phys_addr_t v3b_both_lookup(struct v3b *b, struct device *other, u64 address);
phys_addr_t v3b_sim_lookup(struct v3b *b, u64 address);
void v3b_sim_exit(void);
void v3b_sim_fail_tables(unsigned int skip, unsigned int times);
u64 v3b_sim_tables(void);
u64 v3b_sim_leaves(void);

#endif
