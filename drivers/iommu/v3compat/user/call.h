/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_CALL_H
#define V3COMPAT_USER_CALL_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include <uapi/linux/v3compat.h>

#include "base/why.h"
#include "user/file.h"
#include "wdm/status.h"

struct file;
struct v3u_call;

/**
 * struct v3u_command - how a command is carried out
 * @name: in traces
 * @run: carries it out; fills @call->why on refusal
 * @size: of its struct
 * @result: where its &struct v3compat_result is, or 0
 * @member: of the interface, whose status a refusal has; a command that is more than one member
 *	changes @call->member
 */
struct v3u_command {
	const char *name;
	enum v3c_reason (*run)(struct v3u_call *call);
	u16 size;
	u16 result;
	enum v3w_member member;
};

/**
 * struct v3u_call - a command under way
 * @file: on which
 * @device: of a command of a device's descriptor, the &struct v3u_device; otherwise NULL
 * @command: which
 * @arg: its struct, read once
 * @user: where the caller has it
 * @user_size: bytes that he has
 * @member: see &struct v3u_command
 * @object: handle that a refusal names
 * @ret: what ioctl() returns on success
 * @why: filled on refusal
 */
struct v3u_call {
	struct v3u_file *file;
	void *device;
	const struct v3u_command *command;
	void *arg;
	void __user *user;
	u32 user_size;
	enum v3w_member member;
	u32 object;
	long ret;
	struct v3c_why why;
};

/* V3U_MAX_COMMAND: bytes of the largest struct of a command. */
#define V3U_MAX_COMMAND		512

/* V3U_COMMAND(): a row of a table of commands. @type is the struct's name without v3compat_. */
#define V3U_COMMAND(number, type, run_, member_)					\
	[V3COMPAT_CMD_##number & V3U_COMMAND_MASK] = {					\
		.name = #number,							\
		.run = run_,								\
		.size = sizeof(struct v3compat_##type) +				\
			BUILD_BUG_ON_ZERO(sizeof(struct v3compat_##type) > V3U_MAX_COMMAND), \
		.result = offsetof(struct v3compat_##type, result),			\
		.member = V3W_##member_,						\
	}
#define V3U_COMMAND_MASK	0x7f

/* What one command takes. */
#define V3U_MAX_ENTRIES		1024
#define V3U_MAX_REGIONS		64
#define V3U_MAX_FLUSH		4096
#define V3U_MAX_RANGES		4096u

long v3u_ioctl(struct v3u_file *file, void *device, const struct v3u_command *commands,
	       unsigned int count, unsigned int base, unsigned int cmd, unsigned long arg);
int v3u_read_words(void *to, const void __user *from, size_t size);
enum v3c_reason v3u_call_answer(struct v3u_call *call);
enum v3c_reason v3u_call_answer_file(struct v3u_call *call, struct file *filp, s32 *fd);
long v3u_call_tell(struct v3u_call *call);
enum v3c_reason v3u_refuse(struct v3u_call *call, enum v3c_reason reason, enum v3c_param param,
			   u64 first, u64 last);
enum v3c_reason v3u_check_flags(struct v3u_call *call, u64 flags, u64 known);
enum v3c_reason v3u_check_reserved(struct v3u_call *call, u64 reserved);
enum v3c_reason v3u_check_physical(struct v3u_call *call);
enum v3c_reason v3u_check_rawio(struct v3u_call *call);

#endif
