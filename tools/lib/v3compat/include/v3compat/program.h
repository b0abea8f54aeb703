/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a program that was written for <wdm.h> has besides: where its devices come from, what its
 * physical addresses are, and why a call was refused.
 */
#ifndef V3COMPAT_PROGRAM_H
#define V3COMPAT_PROGRAM_H

#include <v3compat/v3compat.h>
#include <driver_reasons.h>
#include <wdm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * v3compat_use() - say which open file of /dev/v3compat the calls of <wdm.h> are for
 * @fd: the descriptor, which stays the caller's and has to stay open
 *
 * Before everything else. Without it the first call that needs one opens /dev/v3compat.
 *
 * Return: 0, or -1 with errno EBUSY when one is in use already.
 */
int v3compat_use(int fd);

/**
 * v3compat_file() - the open file that the calls of <wdm.h> are for
 *
 * Return: its descriptor, or -1 with errno of v3compat_open().
 */
int v3compat_file(void);

/**
 * v3compat_open_device() - get a device object by its name
 * @bus: "pci" or "platform"
 * @name: below /sys/bus/BUS/devices
 *
 * The program has the device to itself until v3compat_close_device(). It is made for tagged DMA
 * where it can be; CreateDevice decides whether that is used.
 *
 * Return: the device object, or NULL with errno, see v3compat_last_refusal().
 */
PDEVICE_OBJECT v3compat_open_device(const char *bus, const char *name);

/**
 * v3compat_adopt_device() - get a device object for a device that the file has already
 * @handle: of the device
 * @flags: that it was created with, %V3COMPAT_DEVICE_TAGGED
 * @segment: PCI segment that fault reports say
 *
 * For a program that got the file from a process with more privilege. The device stays the file's
 * when it is closed.
 *
 * Return: the device object, or NULL with errno ENOMEM.
 */
PDEVICE_OBJECT v3compat_adopt_device(__u32 handle, __u32 flags, __u32 segment);

/**
 * v3compat_close_device() - give a device object back
 * @device: the object, or NULL; not inside one of its callbacks
 *
 * Return: 0, or -1 with errno EBUSY while it is attached or has a DMA device.
 */
int v3compat_close_device(PDEVICE_OBJECT device);

/**
 * v3compat_handle() - what the commands of /dev/v3compat call an object
 * @object: a PDEVICE_OBJECT, PIOMMU_DMA_DOMAIN, PIOMMU_DMA_DEVICE, PIOMMU_DMA_PASID_DEVICE or
 *	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN
 *
 * Return: its handle, or 0 for what is none of these.
 */
__u32 v3compat_handle(const void *object);

/**
 * v3compat_last_refusal() - why the last call of <wdm.h> in this thread that was refused was
 *
 * Return: the reason, for v3compat_result_sentence(), which may also be one of
 * <driver_reasons.h>; never NULL.
 */
const struct v3compat_result *v3compat_last_refusal(void);

/**
 * v3compat_use_pool() - make a piece of the program's memory its physical memory
 * @base: first byte, page-aligned
 * @length: in bytes, whole pages
 *
 * The memory is pinned, and charged, until the file is closed. From then on a physical address is
 * an offset in it: in the PFN arrays of MDLs, in what map calls are given, and in the page tables
 * of Unmanaged domains. Needs no privilege. Identity mappings are refused then.
 *
 * Return: 0, or -1 with errno, see v3compat_last_refusal(); EBUSY when there is one.
 */
int v3compat_use_pool(void *base, size_t length);

/**
 * v3compat_use_machine_frames() - write the machine's page frame numbers into MDLs
 *
 * They are right as long as the memory is not moved, for which mlock() is not enough. Needs
 * CAP_SYS_ADMIN. Without this, and without a pool, the PFN arrays of MDLs are filled with ones.
 *
 * Return: 0, or -1 with errno.
 */
int v3compat_use_machine_frames(void);

/**
 * v3compat_settle() - wait until the callbacks for all that has happened so far have run
 * @device: the device object; not inside one of its callbacks
 */
void v3compat_settle(PDEVICE_OBJECT device);

#ifdef __cplusplus
}
#endif

#endif /* V3COMPAT_PROGRAM_H */
