/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_RESOURCES_H
#define IOMMUSIM_RESOURCES_H

struct iommusim_device_config;
struct iommusim_resources;
struct platform_device;

struct iommusim_resources *iommusim_resources_alloc(const struct iommusim_device_config *cfg);
void iommusim_resources_free(struct iommusim_resources *resources);
int iommusim_resources_add(struct iommusim_resources *resources, struct platform_device *pdev);
void iommusim_resources_label(struct iommusim_resources *resources, const char *name);
void iommusim_resources_interrupt(struct iommusim_resources *resources, bool on);

#endif
