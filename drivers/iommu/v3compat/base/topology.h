/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TOPOLOGY_H
#define V3COMPAT_TOPOLOGY_H

#include <linux/mutex.h>
#include <linux/types.h>

/**
 * DOC: Locks
 *
 * From the outside inwards; a lock may be taken with those above it held:
 *
 * ==========================  ========  =======================================================
 * lock                        kind      what it protects
 * ==========================  ========  =======================================================
 * ``v3c_console_lock``        mutex     whether the kernel log is read for faults
 * ``v3c_domain.configuring``  mutex     the tables that the owner of an Unmanaged domain brought
 * ``v3c_domain.mutex``        mutex     a domain's page tables, attachments and tokens
 * ``v3c_topology``            mutex     devices, groups, who is attached to what, the guard
 *                                       policy, and who watches it
 * ``v3c_pool.lock``           mutex     the lists of live and of dead objects of one kind
 * ``v3c_space.drain``         mutex     who waits for the operations on a domain that have started
 * ``v3c_shadow.lock``         spinlock  one mirror, and what is mapped in its page table
 * ``v3c_space.lock``          spinlock  which page tables operations work on, and how far one of
 *                                       them is filled
 * ``v3c_space.pins``          spinlock  where the payloads of ranges are found, see &struct xarray
 * ``v3c_space.tokens``        spinlock  where reservations are found, likewise
 * ``v3c_fault_lock``          spinlock  who is told of whose faults, and what waits to be told
 * ==========================  ========  =======================================================
 *
 * The mutexes of two domains are never held together, nor are two of the spinlocks. Spinlocks are
 * taken with interrupts off, from any context, but for that of &v3c_space.tokens, which is taken
 * where the caller may sleep. What is mapped where is under no lock, see table/cells.h.
 *
 * &v3c_domain.mutex is held by an attach while the IOMMU core works. A reservation that is made or
 * given back takes it for a bounded step at a time.
 *
 * With v3c_topology held no device leaves its IOMMU, because the bus notifier takes it. Unbinding
 * the driver of an IOMMU is the exception, because that frees what the core keeps for each device
 * behind it without waiting for anything: it must not be done to an IOMMU in use. v3c_topology is
 * released for whatever may wait for a process, for a callback or for operations on a domain, see
 * v3c_group_begin(): what the wait is about is marked as busy, and whoever needs that waits without
 * the lock, too.
 *
 * A map or an unmap holds no lock while the IOMMU driver works, because its range is its own by
 * state. IOMMU drivers are called with a spinlock held in three places: a mirror is changed under
 * &v3c_shadow.lock; and what a domain has mapped already is copied into a page table under
 * construction, and compared with what a device's platform wants mapped, under &v3c_space.lock.
 *
 * No section with interrupts off goes through more than 256 pages, or past more than 64 leaves of
 * cells; what has more to do releases the lock in between. The exceptions are a last-level page
 * table of a mirror that is given back, and a node of cells that is, whose 512 entries are dealt
 * with at once; and, under &v3c_space.lock, the cells of one range, and its pages where it is
 * compared as above.
 *
 * Under v3c_fault_lock only locks of the workqueue are taken, because IOMMU drivers report faults
 * in any context and with locks of theirs held.
 */

/*
 * v3c_topology protects devices, groups and who is attached to what. v3c_bus_watch() has the
 * notifiers that take it for each device that leaves.
 */
extern struct mutex v3c_topology;

u64 v3c_topology_changed(void);
u64 v3c_topology_changes(void);
void v3c_topology_on_change(void (*hook)(void));

#endif
