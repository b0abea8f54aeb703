// SPDX-License-Identifier: GPL-2.0
/*
 * A command: how its struct comes in, and how an answer or a refusal goes out.
 */
#include <linux/capability.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/string.h>

#include "base/trace.h"
#include "user/call.h"

/* v3u_refuse() says why a command is refused. The object is the one that it looked up last. */
enum v3c_reason v3u_refuse(struct v3u_call *call, enum v3c_reason reason, enum v3c_param param,
			   u64 first, u64 last)
{
	return v3c_refuse(&call->why, reason, param, NULL, first, last);
}

/* v3u_check_flags() refuses @flags beyond @known with %V3C_REASON_UNKNOWN_FLAG. */
enum v3c_reason v3u_check_flags(struct v3u_call *call, u64 flags, u64 known)
{
	if (likely(!(flags & ~known)))
		return 0;
	return v3u_refuse(call, V3C_REASON_UNKNOWN_FLAG, V3C_PARAM_FLAGS, flags, known);
}

/* v3u_check_reserved() refuses a reserved field that is not 0, likewise. */
enum v3c_reason v3u_check_reserved(struct v3u_call *call, u64 reserved)
{
	if (likely(!reserved))
		return 0;
	return v3u_refuse(call, V3C_REASON_UNKNOWN_FLAG, V3C_PARAM_RESERVED, reserved, 0);
}

/**
 * v3u_check_rawio() - whether the caller may do what needs CAP_SYS_RAWIO
 * @call: the command
 *
 * Whoever opened the file does not count, because he may have passed it on.
 *
 * Context: any of the caller.
 * Return: 0 or %V3C_REASON_PRIVILEGE.
 */
enum v3c_reason v3u_check_rawio(struct v3u_call *call)
{
	if (capable(CAP_SYS_RAWIO))
		return 0;
	return v3u_refuse(call, V3C_REASON_PRIVILEGE, V3C_PARAM_NONE, CAP_SYS_RAWIO, 0);
}

/**
 * v3u_check_physical() - whether the caller may let devices at memory by physical addresses
 * @call: the command
 *
 * Context: any of the caller.
 * Return: 0, %V3C_REASON_PRIVILEGE or %V3C_REASON_LOCKED_DOWN.
 */
enum v3c_reason v3u_check_physical(struct v3u_call *call)
{
	enum v3c_reason reason = v3u_check_rawio(call);

	if (!reason && security_locked_down(LOCKDOWN_DEV_MEM))
		reason = v3u_refuse(call, V3C_REASON_LOCKED_DOWN, V3C_PARAM_NONE, 0, 0);
	return reason;
}

/**
 * v3u_call_answer() - write what a command has to say
 * @call: the command; its struct has the answer
 *
 * Called when nothing else can fail any more, so that the command can be undone.
 *
 * Context: may sleep; without a lock, because the caller's memory may take any time.
 * Return: 0 or %V3C_REASON_BAD_POINTER.
 */
enum v3c_reason v3u_call_answer(struct v3u_call *call)
{
	size_t size = min_t(size_t, call->user_size, call->command->size);

	if (likely(!copy_to_user(call->user, call->arg, size)))
		return 0;
	return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_OUT, (uintptr_t)call->user,
			  (uintptr_t)call->user + size - 1);
}

/**
 * v3u_call_answer_file() - v3u_call_answer() with a file descriptor
 * @call: the command
 * @filp: the file, of which nobody knows yet; released on refusal, before the caller goes on
 * @fd: where the answer has the descriptor, which exec closes
 *
 * Context: may sleep; without a lock.
 * Return: 0; %V3C_REASON_QUOTA when the process can have no more; %V3C_REASON_NO_MEMORY; or
 * %V3C_REASON_BAD_POINTER.
 */
enum v3c_reason v3u_call_answer_file(struct v3u_call *call, struct file *filp, s32 *fd)
{
	u64 limit = rlimit(RLIMIT_NOFILE);
	enum v3c_reason reason;

	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd == -EMFILE) {
		reason = v3u_refuse(call, V3C_REASON_QUOTA, V3C_PARAM_OUT, limit, limit);
	} else if (*fd < 0) {
		reason = v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	} else {
		reason = v3u_call_answer(call);
		if (!reason) {
			fd_install(*fd, filp);
			return 0;
		}
		put_unused_fd(*fd);
	}
	fput(filp);
	return reason;
}

/**
 * v3u_call_tell() - tell the caller why a command, or a part of it, is refused
 * @call: the command
 *
 * Context: may sleep; without a lock.
 * Return: the errno, negative; -EFAULT where the caller cannot be told.
 */
long v3u_call_tell(struct v3u_call *call)
{
	const struct v3c_why *why = &call->why;
	struct v3compat_result result = {
		.out_status = v3w_refuse(call->member, why),
		.out_reason = why->reason,
		.out_parameter = why->param,
		.out_object = call->object,
		.out_first = why->first,
		.out_last = why->last,
	};
	int err = v3c_reason_errno(why->reason);

	if (call->command->result &&
	    copy_to_user(call->user + call->command->result, &result, sizeof(result)))
		return -EFAULT;
	return err;
}

/**
 * v3u_read_words() - copy_from_user() of a few words, which takes fewer instructions
 * @to: where to
 * @from: where from
 * @size: in bytes
 *
 * Context: may sleep.
 * Return: 0; -EAGAIN for what is not whole and aligned words, or not all there, where
 * copy_struct_from_user() may do; or -EFAULT, where it has to fail.
 */
int v3u_read_words(void *to, const void __user *from, size_t size)
{
	const u64 __user *word = from, *end = from + size;
	u64 *into = to;

	might_fault();
	if (unlikely((size | (uintptr_t)from) % sizeof(u64)))
		return -EAGAIN;
	/* Fault injection knows copy_from_user() alone. */
	if (should_fail_usercopy())
		return -EFAULT;
	if (!user_read_access_begin(from, size))
		return -EAGAIN;
	for (; word + 4 <= end; word += 4, into += 4) {
		unsafe_get_user(into[0], word, fault);
		unsafe_get_user(into[1], word + 1, fault);
		unsafe_get_user(into[2], word + 2, fault);
		unsafe_get_user(into[3], word + 3, fault);
	}
	for (; word < end; word++, into++)
		unsafe_get_user(*into, word, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EAGAIN;
}

/* read_command() reads the struct of a command, which says first how many bytes it has. */
static int read_command(struct v3u_call *call, u64 *to)
{
	const size_t size = call->command->size;
	int err = v3u_read_words(to, call->user, size);

	if (likely(!err && *(u32 *)to == size)) {
		call->user_size = size;
		return 0;
	}
	if (err == -EFAULT)
		return err;
	if (get_user(call->user_size, (u32 __user *)call->user))
		return -EFAULT;
	if (call->user_size < size)
		return -EINVAL;
	if (call->user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, size, call->user, call->user_size);
}

/* check_result() refuses what a newer program might mean by a field of its result. */
static enum v3c_reason check_result(struct v3u_call *call)
{
	const struct v3compat_result *result = call->arg + call->command->result;

	return call->command->result ? v3u_check_reserved(call, result->__reserved) : 0;
}

/**
 * v3u_ioctl() - carry out a command
 * @file: of the descriptor, or that of its device
 * @device: of a device's descriptor, its &struct v3u_device, or NULL
 * @commands: those of the descriptor
 * @count: of @commands
 * @base: number of the first one
 * @cmd: of ioctl()
 * @arg: of ioctl()
 *
 * Context: may sleep; without a lock.
 * Return: what ioctl() returns.
 */
long v3u_ioctl(struct v3u_file *file, void *device, const struct v3u_command *commands,
	       unsigned int count, unsigned int base, unsigned int cmd, unsigned long arg)
{
	u64 buffer[V3U_MAX_COMMAND / sizeof(u64)] __uninitialized;
	struct v3u_call call __uninitialized;
	/* Too large also for commands of another type, direction or size. */
	unsigned int number = cmd - _IO(V3COMPAT_IOC_TYPE, base);
	long ret;

	if (number >= count)
		return -ENOTTY;
	call.command = &commands[array_index_nospec(number, count)];
	if (!call.command->run)
		return -ENOTTY;
	/* One by one, because @call.why is filled when somebody reads it. */
	call.file = file;
	call.device = device;
	call.arg = buffer;
	call.user = (void __user *)arg;
	call.object = 0;
	call.ret = 0;
	call.why.reason = 0;
	ret = read_command(&call, buffer);
	if (unlikely(ret))
		return ret;
	call.member = call.command->member;
	ret = check_result(&call) || call.command->run(&call) ? v3u_call_tell(&call) : call.ret;
	trace_v3compat_command(file->number, call.command->name, call.object, ret);
	return ret;
}
