// SPDX-License-Identifier: GPL-2.0
/*
 * Domains as objects (&struct v3c_domain): the pool, and whether quick operations may start.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/string.h>

#include "core/domain.h"
#include "table/gate.h"

static void domain_init_once(void *object)
{
	struct v3c_domain *domain = object;

	mutex_init(&domain->mutex);
	mutex_init(&domain->configuring);
	v3c_space_init_once(&domain->space);
}

struct v3c_pool v3c_domain_pool =
	V3C_POOL(v3c_domain_pool, V3C_KIND_DOMAIN, struct v3c_domain, "domain", domain_init_once);
EXPORT_SYMBOL_IF_KUNIT(v3c_domain_pool);

/**
 * v3c_domain_allow_quick() - quick operations may start again if there is one table for them
 * @domain: the domain
 *
 * Context: under the domain's mutex.
 */
void v3c_domain_allow_quick(struct v3c_domain *domain)
{
	u8 slots = domain->space.slots;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	if (!v3c_domain_is_mapped_by_us(domain) || hweight8(slots) != 1)
		return;
	hwpt = domain->hwpts[__ffs(slots)];
	/* smp_store_release(): a reader of @domain->sole must see the table complete. */
	smp_store_release(&domain->sole, hwpt);
	if (domain->space.account)
		return;
	if (domain->space.allocates) {
		/* As @sole. */
		smp_store_release(&domain->sole_allocates, hwpt);
	} else {
		/* As @sole. */
		smp_store_release(&domain->sole_explicit, hwpt);
	}
}

/**
 * v3c_domain_forbid_quick() - wait for the quick operations under way, and let none start
 * @domain: the domain
 *
 * Other operations that have started are waited for, too. One call is enough for each change of the
 * set of tables or of what is withheld, because no quick operation starts until
 * v3c_domain_allow_quick().
 *
 * Context: may sleep; under the domain's mutex, without v3c_topology.
 */
void v3c_domain_forbid_quick(struct v3c_domain *domain)
{
	lockdep_assert_held(&domain->mutex);

	WRITE_ONCE(domain->sole, NULL);
	WRITE_ONCE(domain->sole_explicit, NULL);
	WRITE_ONCE(domain->sole_allocates, NULL);
	v3c_gate_quiesce(&domain->space);
}
