/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/v3c-share0: the device works in the address space of the process that opens it and says
 * SHARE_BIND. It reads and writes what the process could, at the same addresses; nothing is mapped
 * or pinned for it.
 */
#ifndef MOVER_SHARE_H
#define MOVER_SHARE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct share_move - ioctl(SHARE_MOVE): let the device move data
 * @source: virtual address that it reads
 * @destination: virtual address that it writes
 * @length: bytes, 1 to SHARE_MOST
 * @out_fault: virtual address that it could not read or write, if @out_refused
 * @out_refused: 1 if there was one; the data before it was moved
 * @out_pasid: what the device's transfers were tagged with
 *
 * Fails with EINVAL for a bad length, EPERM in another process than that which opened the file,
 * ENOTCONN before SHARE_BIND, ENODEV when the device is gone, ENOMEM, EFAULT and EINTR.
 */
struct share_move {
	__u64 source;
	__u64 destination;
	__u64 length;
	__u64 out_fault;
	__u32 out_refused;
	__u32 out_pasid;
};

#define SHARE_MOVE _IOWR(0xE8, 0, struct share_move)
#define SHARE_MOST (1 << 20)

/*
 * ioctl(SHARE_BIND): let the device into the memory of the process until the file is closed.
 *
 * Waits, until it is done or the process is killed, for other processes that end their sharing.
 * Fails with EOPNOTSUPP where the kernel lets no device into a process, EBUSY the second time,
 * EPERM in another process than that which opened the file, ENODEV when the device is gone, ENOSPC
 * without a PASID, ENOMEM and EIO.
 */
#define SHARE_BIND _IO(0xE8, 1)

#ifdef __KERNEL__
struct mover_adapter;
struct share_device;

struct share_device *share_device_create(int number, struct mover_adapter *adapter);
void share_device_destroy(struct share_device *device);
#endif

#endif
