// SPDX-License-Identifier: GPL-2.0
/*
 * The character device behind scenario.h.
 */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "scenario.h"
#include "status_name.h"

#define TRANSCRIPT_SIZE SZ_64K
#define NAME_SIZE 32

/**
 * struct scenario_device - a character device and what it can run
 * @misc: the node under /dev
 * @ref: one for the owner, one for each open file
 * @lock: one scenario at a time; protects @gone and every open file's run
 * @gone: the owner has left, @scenarios and @context with it
 * @scenarios: what can be run
 * @context: handed to each scenario
 */
struct scenario_device {
	struct miscdevice misc;
	struct kref ref;
	struct mutex lock;
	bool gone;
	const struct scenario *scenarios;
	void *context;
};

/**
 * struct scenario_run - an open file: its transcript and its totals
 * @device: the device it is open on
 * @writing: one line at a time: a scenario may have several threads
 * @text: the transcript
 * @length: characters in @text
 * @consumed: characters of @text already read
 * @step: number of the last step of the running scenario
 * @bad: a step of the running scenario failed
 * @skip: why the running scenario cannot be shown here, or NULL
 * @passed: scenarios that passed
 * @failed: scenarios that failed
 * @skipped: scenarios that were skipped
 */
struct scenario_run {
	struct scenario_device *device;
	struct mutex writing;
	char *text;
	size_t length;
	size_t consumed;
	unsigned int step;
	bool bad;
	const char *skip;
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

/* name_status() writes the number of a status that has no name here to @number. */
static const char *name_status(NTSTATUS status, char *number, size_t size)
{
	const char *name = status_name(status);

	if (name)
		return name;
	snprintf(number, size, "0x%08x", (unsigned int)status);
	return number;
}

static __printf(2, 0) void vprint_text(struct scenario_run *run, const char *format, va_list args)
{
	size_t room = TRANSCRIPT_SIZE - run->length;
	int length = vsnprintf(run->text + run->length, room, format, args);

	if (length < room) {
		run->length += length;
		return;
	}
	run->text[run->length] = '\0';
	run->bad = true;
	pr_err_once("%s: transcript too long\n", run->device->misc.name);
}

static __printf(2, 3) void print_text(struct scenario_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint_text(run, format, args);
	va_end(args);
}

static void print_step(struct scenario_run *run, const char *what, const char *status,
		       IOMMU_DMA_LOGICAL_ADDRESS logical, SIZE_T bytes)
{
	print_text(run, "# %3u  %-38s %-29s", ++run->step, what, status);
	if (logical == NO_ADDRESS)
		print_text(run, " %18s", "");
	else
		print_text(run, " 0x%016llx", (unsigned long long)logical);
	if (bytes == NO_BYTES)
		print_text(run, " %9s  ", "");
	else
		print_text(run, " %9zu  ", (size_t)bytes);
}

BOOLEAN ScenarioCall(PSCENARIO_RUN Run, const char *Call, NTSTATUS Status, NTSTATUS Expected,
		     IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes)
{
	char number[16];

	guard(mutex)(&Run->writing);
	print_step(Run, Call, name_status(Status, number, sizeof(number)), Logical, Bytes);
	if (Status == Expected) {
		print_text(Run, Expected == STATUS_SUCCESS ? "ok\n" : "ok: refused\n");
		return TRUE;
	}
	print_text(Run, "NOT OK: expected %s\n", name_status(Expected, number, sizeof(number)));
	Run->bad = true;
	return FALSE;
}

BOOLEAN ScenarioCheck(PSCENARIO_RUN Run, const char *What, IOMMU_DMA_LOGICAL_ADDRESS Logical,
		      SIZE_T Bytes, BOOLEAN Good, const char *Verdict, ...)
{
	va_list args;

	guard(mutex)(&Run->writing);
	print_step(Run, What, "", Logical, Bytes);
	print_text(Run, Good ? "ok: " : "NOT OK: ");
	va_start(args, Verdict);
	vprint_text(Run, Verdict, args);
	va_end(args);
	print_text(Run, "\n");
	if (!Good)
		Run->bad = true;
	return Good;
}

VOID ScenarioSkip(PSCENARIO_RUN Run, const char *Reason)
{
	Run->skip = Reason;
}

static void print_verdict(struct scenario_run *run, const char *name)
{
	unsigned int number = run->passed + run->failed + run->skipped + 1;

	if (run->bad) {
		run->failed++;
		print_text(run, "not ok %u - %s\n", number, name);
	} else if (run->skip) {
		run->skipped++;
		print_text(run, "ok %u - %s # SKIP %s\n", number, name, run->skip);
	} else {
		run->passed++;
		print_text(run, "ok %u - %s\n", number, name);
	}
}

static void run_scenario(struct scenario_run *run, const struct scenario *scenario)
{
	run->step = 0;
	run->bad = false;
	run->skip = NULL;
	print_text(run, "#\n# %s: %s\n", scenario->Name, scenario->Summary);
	print_text(run, "# %4s %-38s %-29s %-18s %9s  %s\n",
		   "step", "call", "status", "logical address", "bytes", "verdict");
	scenario->Run(run, run->device->context);
	print_verdict(run, scenario->Name);
}

static void print_list(struct scenario_run *run)
{
	const struct scenario *scenario;

	for (scenario = run->device->scenarios; scenario->Name; scenario++)
		print_text(run, "%s\n", scenario->Name);
}

static void print_summary(struct scenario_run *run)
{
	print_text(run, "1..%u\n", run->passed + run->failed + run->skipped);
	print_text(run, "%u passed, %u failed, %u skipped\n",
		   run->passed, run->failed, run->skipped);
}

static int obey(struct scenario_run *run, const char *word)
{
	struct scenario_device *device = run->device;
	const struct scenario *scenario;

	if (device->gone)
		return -ENODEV;
	run->length = 0;
	run->consumed = 0;
	if (!strcmp(word, "list")) {
		print_list(run);
		return 0;
	}
	if (!strcmp(word, "summary")) {
		print_summary(run);
		return 0;
	}
	for (scenario = device->scenarios; scenario->Name; scenario++) {
		if (!strcmp(word, scenario->Name)) {
			run_scenario(run, scenario);
			return 0;
		}
	}
	return -ENOENT;
}

static ssize_t scenario_write(struct file *file, const char __user *data, size_t size,
			      loff_t *position)
{
	struct scenario_run *run = file->private_data;
	char word[NAME_SIZE];
	int err;

	if (size >= sizeof(word))
		return -ENOENT;
	if (copy_from_user(word, data, size))
		return -EFAULT;
	word[size] = '\0';

	mutex_lock(&run->device->lock);
	err = obey(run, strim(word));
	mutex_unlock(&run->device->lock);
	return err ?: size;
}

static ssize_t scenario_read(struct file *file, char __user *data, size_t size, loff_t *position)
{
	struct scenario_run *run = file->private_data;
	ssize_t length;

	mutex_lock(&run->device->lock);
	length = min(size, run->length - run->consumed);
	if (copy_to_user(data, run->text + run->consumed, length))
		length = -EFAULT;
	else
		run->consumed += length;
	mutex_unlock(&run->device->lock);
	return length;
}

static int scenario_open(struct inode *inode, struct file *file)
{
	struct scenario_device *device =
		container_of(file->private_data, struct scenario_device, misc);
	struct scenario_run *run = kzalloc(sizeof(*run), GFP_KERNEL);

	if (!run)
		return -ENOMEM;
	run->text = kvmalloc(TRANSCRIPT_SIZE, GFP_KERNEL);
	if (!run->text) {
		kfree(run);
		return -ENOMEM;
	}
	/* misc_deregister() waits for opens, so the owner's reference is still there. */
	kref_get(&device->ref);
	run->device = device;
	mutex_init(&run->writing);
	file->private_data = run;
	return stream_open(inode, file);
}

static void free_device(struct kref *ref)
{
	kfree(container_of(ref, struct scenario_device, ref));
}

static int scenario_release(struct inode *inode, struct file *file)
{
	struct scenario_run *run = file->private_data;

	kref_put(&run->device->ref, free_device);
	kvfree(run->text);
	kfree(run);
	return 0;
}

/* Static, because the VFS looks at it after the last scenario_release(). */
static const struct file_operations scenario_fops = {
	.owner = THIS_MODULE,
	.open = scenario_open,
	.read = scenario_read,
	.write = scenario_write,
	.release = scenario_release,
};

/**
 * scenario_device_create() - make scenarios available under /dev
 * @name: the node's name
 * @scenarios: what can be run; must stay until scenario_device_destroy()
 * @context: handed to each scenario
 *
 * Return: the device, or an ERR_PTR.
 */
struct scenario_device *scenario_device_create(const char *name, const SCENARIO *scenarios,
					       void *context)
{
	struct scenario_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int err;

	if (!device)
		return ERR_PTR(-ENOMEM);
	kref_init(&device->ref);
	mutex_init(&device->lock);
	device->scenarios = scenarios;
	device->context = context;
	device->misc.minor = MISC_DYNAMIC_MINOR;
	device->misc.name = name;
	device->misc.fops = &scenario_fops;
	device->misc.mode = 0600;
	err = misc_register(&device->misc);
	if (err) {
		kfree(device);
		return ERR_PTR(err);
	}
	return device;
}

/**
 * scenario_device_destroy() - withdraw the scenarios
 * @device: from scenario_device_create()
 *
 * Waits for a running scenario. Files still open can only be closed.
 */
void scenario_device_destroy(struct scenario_device *device)
{
	misc_deregister(&device->misc);
	mutex_lock(&device->lock);
	device->gone = true;
	mutex_unlock(&device->lock);
	kref_put(&device->ref, free_device);
}
