/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_SLOT_H
#define V3COMPAT_USER_SLOT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "base/why.h"

struct bus_type;
struct device;
struct seq_file;
struct v3compat_device_name;
struct v3u_call;
struct v3u_device;
struct v3u_file;
struct v3u_irqs;
struct v3u_object;
struct v3u_slot;

/**
 * struct v3u_region - memory of a device
 * @start: its physical address
 * @length: in bytes; 0 where there is none
 * @hole: first byte of the pages that are kept back
 * @hole_length: in bytes
 * @mappable: pages of it can be mapped
 */
struct v3u_region {
	u64 start;
	u64 length;
	u64 hole;
	u64 hole_length;
	bool mappable;
};

/* V3U_MAX_DEVICE_REGIONS: indices of regions are smaller, on any bus. */
#define V3U_MAX_DEVICE_REGIONS	64

/**
 * struct v3u_slot_ops - what differs from bus to bus
 * @name: of the bus, as user space says it
 * @driver: of ours
 * @bus: the bus
 * @enable: lets the device answer to memory accesses; returns 0 or an errno
 * @disable: undoes that
 * @master: lets the device do DMA or not, where its bus can keep it from that; or NULL
 * @reset: returns 0; -ENOTTY where there is no way that leaves others alone; -EAGAIN where others
 *	work on the device; or another errno. @locked: the caller has the device's lock
 * @is_quiet: nothing is under way, and nothing new can begin; @reset: the device was just reset
 * @nr_regions: indices of regions are smaller
 * @region: describes one
 * @nr_irqs: how many interrupts of a type there are
 * @irqs_on: gets @irqs->count interrupts of @irqs->type and requests them; returns 0 or an errno
 * @irqs_off: undoes that
 * @unmask: lets automasked interrupt @index come again; false if it is there already, and the
 *	caller must tell of it
 */
struct v3u_slot_ops {
	const char *name;
	const char *driver;
	const struct bus_type *bus;
	int (*enable)(struct v3u_slot *slot);
	void (*disable)(struct v3u_slot *slot);
	void (*master)(struct v3u_slot *slot, bool on);
	int (*reset)(struct v3u_slot *slot, bool locked);
	bool (*is_quiet)(struct v3u_slot *slot, bool reset);
	unsigned int (*nr_regions)(struct v3u_slot *slot);
	void (*region)(struct v3u_slot *slot, unsigned int index, struct v3u_region *region);
	unsigned int (*nr_irqs)(struct v3u_slot *slot, u32 type);
	int (*irqs_on)(struct v3u_slot *slot, struct v3u_irqs *irqs);
	void (*irqs_off)(struct v3u_slot *slot, struct v3u_irqs *irqs);
	bool (*unmask)(struct v3u_slot *slot, struct v3u_irqs *irqs, unsigned int index);
};

/**
 * struct v3u_slot - a device that is bound to a driver of ours
 * @entry: in the list of all, under v3u_slots_lock
 * @refs: the driver, the device objects made of it, and who works on it
 * @dev: the device; referenced
 * @ops: constant
 * @data: of @ops; constant
 * @hole_bar: region that has the MSI-X table of a PCI device, or -1; written by
 *	&v3u_slot_ops.enable
 * @hole: first byte of the table
 * @hole_end: first byte behind it
 * @holder: of the file that has it, or NULL; alive while it is here. Written under @lock and
 *	v3u_slots_lock
 * @leaving: the driver is about to leave; nothing begins any more
 * @lock: held while the slot changes hands, or while the device is attached, detached or reset.
 *	Taken with &v3u_object.use of the device held, and outside the locks of the core
 * @device: @holder, or NULL: nobody may use the device. Written under @lock, @io and @irq_lock
 * @attached: attachments through the device, under @lock
 * @used: its holder may have changed the state of the device, under @lock
 * @unquiet: the device may have work under way, under @lock; while nobody has the slot its group
 *	stays claimed
 * @io: protects @fds, and what they have mapped. Page faults of its mappings take it for reading
 * @resetting: page faults wait, under @io
 * @fds: open files of the device
 * @irq_lock: protects @irqs
 * @irqs: where its interrupts go, or NULL
 */
struct v3u_slot {
	struct list_head entry;
	struct kref refs;
	struct device *dev;
	const struct v3u_slot_ops *ops;
	void *data;
	int hole_bar;
	u64 hole;
	u64 hole_end;
	struct v3u_device *holder;
	bool leaving;
	struct mutex lock;
	struct v3u_device *device;
	unsigned int attached;
	bool used;
	bool unquiet;
	struct rw_semaphore io;
	bool resetting;
	struct list_head fds;
	struct mutex irq_lock;
	struct v3u_irqs *irqs;
};

int v3u_slot_probe(struct device *dev, const struct v3u_slot_ops *ops, void *data);
void v3u_slot_remove(struct device *dev);

enum v3c_reason v3u_slot_refuse_gone(struct v3u_call *call, struct v3u_device *device);
enum v3c_reason v3u_slot_claim(struct v3u_call *call, const struct v3compat_device_name *name,
			       struct v3u_device *device);
enum v3c_reason v3u_slot_blocker(struct v3u_call *call, const struct v3compat_device_name *name,
				 u8 *blocker, size_t size);
void v3u_slot_release(struct v3u_device *device);
void v3u_slot_stop(struct v3u_device *device);
void v3u_slot_end(struct v3u_device *device);
void v3u_slot_put(struct v3u_slot *slot);
enum v3c_reason v3u_slot_reset(struct v3u_call *call, struct v3u_device *device);

enum v3c_reason v3u_slot_lock(struct v3u_call *call, struct v3u_device *device);
void v3u_slot_unlock(struct v3u_device *device);
void v3u_slot_attached(struct v3u_device *device, struct v3u_object *object);
bool v3u_slot_detaching(struct v3u_device *device, struct v3u_object *object);
void v3u_slot_detached(struct v3u_device *device, struct v3u_object *object);

void v3u_slots_show(struct seq_file *seq);

extern const struct v3u_slot_ops v3u_pci_ops;
extern const struct v3u_slot_ops v3u_platform_ops;

int v3u_pci_init(void);
void v3u_pci_exit(void);
int v3u_platform_init(void);
void v3u_platform_exit(void);

/* In device_fd.c and irq.c: */
void v3u_slot_zap(struct v3u_slot *slot);
void v3u_irqs_end(struct v3u_slot *slot);

int v3u_slots_init(void);
void v3u_slots_exit(void);

#endif
