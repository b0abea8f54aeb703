/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_IOMMUS_H
#define V3COMPAT_IOMMUS_H

#include <linux/types.h>

struct device;
struct iommu_domain;

/**
 * DOC: Rules of IOMMU drivers
 *
 * The IOMMU core's calls do not say what a driver makes of a map, an unmap, an attach or an
 * invalidation, and nothing tells at run time. &struct v3c_rules has what differs, and v3c_iommus[]
 * in iommus.c knows the drivers by name; no other file does. A driver that is not listed there goes
 * by the worst rules that cost little.
 *
 * Two known drivers cannot take a map while they attach. VT-d's of 6.12 learns the page sizes and
 * the width of a page table from the first device, and takes levels of the table apart for it.
 * virtio-iommu's keeps a list of mappings while no device is attached, sends it with the next
 * attach, and never tells the IOMMU of what changes while it sends. There, and under drivers that
 * are not listed, such an attach gets a new page table that no map knows before the device is
 * attached; v3c_replay() fills it then.
 */

/**
 * struct v3c_rules - where an IOMMU driver departs from what the core's calls suggest
 * @flush_pages: one invalidation reaches at most an aligned block of so many pages, a power of two;
 *	a wider one is lost without an error. 0 where any is carried out
 * @flush_runs: one invalidation reaches neighbours only: where there is a gap between pages that
 *	are unmapped together the driver sends another one
 * @flush_commands: an invalidation is a command for each page
 * @whole_maps: what one call mapped is unmapped as a whole or not at all
 * @joins: neighbours that are mapped in one call may become one entry of any power of two of pages
 * @allocates: each map takes memory, whatever tables are there
 * @attach_rebuilds: attaching the table through an IOMMU for the first time takes levels of it
 *	apart, so that no map may run at the same time
 * @attach_sends: while no device is attached, maps and unmaps only change a list, which the next
 *	attach sends. The IOMMU is never told of changes made while the attach sends the list, so
 *	that no map or unmap may run at the same time. Comes with @attach_rebuilds
 * @upper_half: negative addresses are translated, too
 *
 * No driver is trusted to cut an entry: some cut it, some drop all of it, some do nothing. The
 * rules are constant once another thread than the one that makes the page table knows it.
 */
struct v3c_rules {
	u64 flush_pages;
	bool flush_runs;
	bool flush_commands;
	bool whole_maps;
	bool joins;
	bool allocates;
	bool attach_rebuilds;
	bool attach_sends;
	bool upper_half;
};

/**
 * struct v3c_iommu_traits - what is known of an IOMMU driver that it does not say itself
 * @match: begins the name of its IOMMUs, or that of the driver of the device that is the IOMMU
 * @name: in the documentation
 * @faults: it tells the owner of a domain about refused DMA
 * @logs_faults: it tells the kernel log only, in words that fault_console.c reads
 * @page_requests: it hands on page requests for paging domains that modules attach to PASIDs
 * @enables_pasids_late: it enables the PASIDs of a PCI device only when that is attached itself
 * @late_tables: a page table is there only once a device is attached to it, and a map before that
 *	crashes the driver: none is allocated
 * @names_rules: the names of its IOMMUs say which rules they go by
 * @rules: those that all of its page tables have
 */
struct v3c_iommu_traits {
	const char *match;
	const char *name;
	bool faults;
	bool logs_faults;
	bool page_requests;
	bool enables_pasids_late;
	bool late_tables;
	bool names_rules;
	struct v3c_rules rules;
};

const struct v3c_iommu_traits *v3c_iommu_traits_of(struct device *dev);
bool v3c_iommu_sends_tags(struct device *dev);
bool v3c_iommu_takes_pasids(struct device *dev);
void v3c_iommu_rules(struct device *dev, const struct iommu_domain *core, struct v3c_rules *rules);

#endif
