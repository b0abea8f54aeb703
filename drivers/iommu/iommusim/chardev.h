/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_CHARDEV_H
#define IOMMUSIM_CHARDEV_H

int iommusim_chardev_register(void);
void iommusim_chardev_unregister(void);

#endif
