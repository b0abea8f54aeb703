/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_IRQ_H
#define V3COMPAT_USER_IRQ_H

#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/why.h"

struct eventfd_ctx;
struct v3u_call;
struct v3u_device;
struct v3u_slot;

/**
 * struct v3u_irq - an interrupt of a device
 * @slot: whose
 * @event: who is told, or NULL; owned
 * @line: the kernel's number of it
 * @lock: protects @masked
 * @masked: it came, and does not come again until it is unmasked
 * @requested: its handler may be called
 */
struct v3u_irq {
	struct v3u_slot *slot;
	struct eventfd_ctx *event;
	unsigned int line;
	spinlock_t lock;
	bool masked;
	bool requested;
};

/**
 * struct v3u_irqs - the interrupts that a device gets
 * @type: one of &enum v3compat_interrupt_type
 * @count: at least 1
 * @irq: them
 */
struct v3u_irqs {
	u32 type;
	unsigned int count;
	struct v3u_irq irq[] __counted_by(count);
};

int v3u_irqs_request(struct v3u_irqs *irqs, irq_handler_t handler, unsigned long flags,
		     const char *name);
void v3u_irqs_free(struct v3u_irqs *irqs);
irqreturn_t v3u_irq_tell(int line, void *arg);

enum v3c_reason v3u_interrupt_query(struct v3u_call *call);
enum v3c_reason v3u_interrupt_set(struct v3u_call *call);

#endif
