/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_CHARDEV_H
#define _IOMMUSIM_CHARDEV_H

int iommusim_chardev_register(void);
void iommusim_chardev_unregister(void);

#endif /* _IOMMUSIM_CHARDEV_H */
