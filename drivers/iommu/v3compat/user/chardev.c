// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/v3compat: what is opened, and how it is taken apart.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "base/phys.h"
#include "core/reclaim.h"
#include "user/call.h"
#include "user/chardev.h"
#include "user/commands.h"
#include "user/device.h"
#include "user/events.h"
#include "user/object.h"
#include "user/payer.h"
#include "user/quota.h"
#include "user/show.h"
#include "user/slot.h"

static const struct v3u_command v3u_commands[] = {
	[V3COMPAT_CMD_INFO] = {
		.name = "INFO", .run = v3u_info, .size = sizeof(struct v3compat_info),
		.member = V3W_IoGetIommuInterfaceEx,
	},
	V3U_COMMAND(DESTROY, destroy, v3u_destroy, DeleteDomain),
	V3U_COMMAND(DOMAIN_CREATE, domain_create, v3u_domain_create, CreateDomainEx),
	V3U_COMMAND(DOMAIN_QUERY, domain_query, v3u_domain_query, QueryDeviceInfo),
	V3U_COMMAND(DOMAIN_CONFIGURE, domain_configure, v3u_domain_configure, ConfigureDomain),
	V3U_COMMAND(DOMAIN_FLUSH, domain_flush, v3u_domain_flush, FlushDomain),
	V3U_COMMAND(DEVICE_CREATE, device_create, v3u_device_create, CreateDevice),
	V3U_COMMAND(DEVICE_QUERY, device_query, v3u_device_query, QueryDeviceInfo),
	V3U_COMMAND(DEVICE_OPEN, device_open, v3u_device_open, CreateDevice),
	V3U_COMMAND(INPUT_MAPPINGS, input_mappings, v3u_input_mappings, QueryInputMappings),
	V3U_COMMAND(PASID_CREATE, pasid_create, v3u_pasid_create, CreatePasidDevice),
	V3U_COMMAND(ATTACH, attach, v3u_attach, AttachDeviceEx),
	V3U_COMMAND(DETACH, attach, v3u_detach, DetachDeviceEx),
	V3U_COMMAND(MEMORY_CREATE, memory_create, v3u_memory_create, MapLogicalRangeEx),
	V3U_COMMAND(MAP, map, v3u_map, MapLogicalRangeEx),
	V3U_COMMAND(UNMAP, unmap, v3u_unmap, UnmapLogicalRange),
	V3U_COMMAND(RESERVE, reserve, v3u_reserve, ReserveLogicalAddressRange),
	V3U_COMMAND(MAP_IDENTITY, identity, v3u_map_identity, MapIdentityRangeEx),
	V3U_COMMAND(UNMAP_IDENTITY, identity, v3u_unmap_identity, UnmapIdentityRangeEx),
	V3U_COMMAND(BATCH, batch, v3u_batch, MapLogicalRangeEx),
	V3U_COMMAND(EVENTS_OPEN, events_open, v3u_events_open,
		    RegisterInterfaceStateChangeCallback),
	V3U_COMMAND(PAGE_RESPONSE, page_response, v3u_page_response, SetDeviceFaultReportingEx),
	V3U_COMMAND(GUARD_QUERY, guard_state, v3u_guard_query, QueryDeviceInfo),
	V3U_COMMAND(GUARD_SET, guard_state, v3u_guard_set, QueryDeviceInfo),
};

enum v3c_reason v3u_info(struct v3u_call *call)
{
	struct v3compat_info *info = call->arg;
	enum v3c_reason reason = v3u_check_flags(call, info->flags, 0);

	if (reason)
		return reason;
	info->out_version = 1;
	info->out_max_entries = V3U_MAX_ENTRIES;
	info->out_max_regions = V3U_MAX_REGIONS;
	info->out_max_flush = V3U_MAX_FLUSH;
	v3u_quota_tell(call->file, info);
	v3u_payer_tell(info);
	return v3u_call_answer(call);
}

enum v3c_reason v3u_destroy(struct v3u_call *call)
{
	const struct v3compat_destroy *arg = call->arg;

	return v3u_object_destroy(call, arg->object);
}

/*
 * close_file() takes everything apart that the file had: devices stop first, memory is given back
 * last. It may wait for page faults of processes that devices have made, so nobody else waits here.
 */
static void close_file(struct work_struct *work)
{
	struct v3u_file *file = container_of(work, struct v3u_file, close_work);

	v3u_events_close(file);
	v3u_devices_stop(file);
	v3c_reclaim(&file->owner, false);
	v3u_devices_release(file);
	v3u_objects_close(file, V3U_PASID);
	v3u_objects_close(file, V3U_DEVICE);
	v3u_objects_close(file, V3U_RESERVATION);
	v3u_objects_close(file, V3U_DOMAIN);
	v3u_objects_close(file, V3U_MEMORY);
	v3u_payer_forget(file);
	v3u_file_delist(file);
	complete_all(&file->gone);
	v3u_file_drop(file);
	module_put(THIS_MODULE);
}

static int open_file(struct inode *inode, struct file *filp)
{
	struct v3u_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	file->owner = (struct v3c_owner) { .name = file->comm, .strict = true, .user = true };
	kref_init(&file->refs);
	file->pid = task_tgid_nr(current);
	get_task_comm(file->comm, current);
	/* XA_FLAGS_ACCOUNT, because the nodes are allocated with flags of the array's own first. */
	xa_init_flags(&file->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&file->payers);
	spin_lock_init(&file->payers_lock);
	INIT_WORK(&file->close_work, close_file);
	init_completion(&file->gone);
	/* The file's own reference to the module ends before close_file() does. */
	__module_get(THIS_MODULE);
	v3u_file_enlist(file);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

/*
 * release_file() waits so that everything is given back when close() returns. Whoever dies does not
 * wait: what is waited for may be a page fault that he would have to serve.
 */
static int release_file(struct inode *inode, struct file *filp)
{
	struct v3u_file *file = filp->private_data;

	v3u_file_hold(file);
	WRITE_ONCE(file->closed, true);
	v3u_close_later(&file->close_work);
	if (!(current->flags & (PF_EXITING | PF_KTHREAD)))
		wait_for_completion_killable(&file->gone);
	v3u_file_drop(file);
	return 0;
}

static long file_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return v3u_ioctl(filp->private_data, NULL, v3u_commands, ARRAY_SIZE(v3u_commands), 0, cmd,
			 arg);
}

static void show_fdinfo(struct seq_file *seq, struct file *filp)
{
	v3u_show_file(seq, filp->private_data);
}

static const struct file_operations v3u_file_ops = {
	.owner = THIS_MODULE,
	.open = open_file,
	.release = release_file,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = show_fdinfo,
};

static struct miscdevice v3u_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "v3compat",
	.mode = 0600,
	.fops = &v3u_file_ops,
};

int v3u_module_init(void)
{
	int ret = v3u_files_init();

	if (ret)
		return ret;
	ret = v3u_slots_init();
	if (ret)
		goto exit_files;
	ret = misc_register(&v3u_misc);
	if (ret)
		goto exit_devices;
	v3u_show_init();
	return 0;

exit_devices:
	v3u_slots_exit();
exit_files:
	v3u_files_exit();
	return ret;
}

/* v3u_module_exit(): no file is open, because each holds the module. */
void v3u_module_exit(void)
{
	v3u_show_exit();
	misc_deregister(&v3u_misc);
	v3u_slots_exit();
	v3u_files_exit();
}
