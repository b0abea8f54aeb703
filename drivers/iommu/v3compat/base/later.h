/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_LATER_H
#define V3COMPAT_LATER_H

struct delayed_work;

void v3c_queue_later(struct delayed_work *work, unsigned long delay);

#endif
