// SPDX-License-Identifier: GPL-2.0
/* Misbehaves on request, so that the lab can be seen to notice. */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *kind = "none";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "warn, oops, overflow, leak or none");

static void write_beyond(void)
{
	char *small = kmalloc(16, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(small);
	if (small)
		small[16] = 1;
	kfree(small);
}

/* Several, for a stale pointer somewhere on a stack may keep one of them alive. */
static void lose_memory(void)
{
	int i;

	for (i = 0; i < 16; i++) {
		char *lost = kmalloc(40, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static void misbehave(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "v3lab_splat was asked to warn\n");
	else if (!strcmp(kind, "oops"))
		WRITE_ONCE(*(int *)8UL, 1);
	else if (!strcmp(kind, "overflow"))
		write_beyond();
	else if (!strcmp(kind, "leak"))
		lose_memory();
}

static int __init v3lab_splat_init(void)
{
	misbehave();
	return 0;
}

static void __exit v3lab_splat_exit(void)
{
}

module_init(v3lab_splat_init);
module_exit(v3lab_splat_exit);
MODULE_DESCRIPTION("Kernel reports on request, for the lab's own test");
MODULE_LICENSE("GPL");
