// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that an IOMMU driver tells the kernel log and nobody else: VT-d's, taken from the records
 * of the log as they pass by. Off unless the module parameter fault_console asks for it.
 *
 * The tracepoint fires inside printk(), in any context down to NMI and under any lock. So
 * probe_console() takes no lock, prints nothing and only copies a line that may be one of ours into
 * a free slot.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/hex.h>
#include <linux/irq_work.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <trace/events/printk.h>

#include <kunit/visibility.h>

#include "core/fault.h"
#include "core/fault_console.h"

/* V3C_CONSOLE_SLOTS is enough, because the driver prints at most a handful of lines at a time. */
#define V3C_CONSOLE_SLOTS	32
#define V3C_CONSOLE_LINE	160

static const char v3c_prefix[] = "DMAR: [DMA ";

enum v3c_slot_state { V3C_SLOT_FREE, V3C_SLOT_BUSY, V3C_SLOT_FULL };

/**
 * struct v3c_slot - a line on its way out of printk()
 * @state: &enum v3c_slot_state; from FREE to BUSY by cmpxchg
 * @len: of @text
 * @text: not terminated
 */
struct v3c_slot {
	atomic_t state;
	unsigned int len;
	char text[V3C_CONSOLE_LINE];
};

static struct v3c_slot v3c_slots[V3C_CONSOLE_SLOTS];

/* v3c_next_slot: where the next line goes. v3c_lines_lost: lines that found their slot in use. */
static atomic_t v3c_next_slot;
static atomic_t v3c_lines_lost;

static DEFINE_MUTEX(v3c_console_lock);

/* v3c_console_wanted (also read without) and v3c_console_ready are under v3c_console_lock. */
static bool v3c_console_wanted;
static bool v3c_console_ready;

/* struct v3c_scan: what is left of a line. A scan_*() that fails leaves it undefined. */
struct v3c_scan {
	const char *at;
	const char *end;
};

static bool skip_text(struct v3c_scan *scan, const char *text)
{
	size_t len = strlen(text);

	if (scan->end - scan->at < len || memcmp(scan->at, text, len))
		return false;
	scan->at += len;
	return true;
}

/* scan_hex() takes at least one digit, and no more than @max. */
static bool scan_hex(struct v3c_scan *scan, unsigned int max, u64 *out)
{
	unsigned int digits = 0;
	u64 value = 0;
	int digit;

	for (; scan->at < scan->end && digits < max; scan->at++, digits++) {
		digit = hex_to_bin(*scan->at);
		if (digit < 0)
			break;
		value = value << 4 | digit;
	}
	*out = value;
	return digits;
}

/* scan_device() takes "[ssss:bb:dd.f]", on older kernels without "ssss:". */
static bool scan_device(struct v3c_scan *scan, struct v3c_logged_fault *out)
{
	u64 part[3], function;
	unsigned int parts = 0;

	if (!skip_text(scan, "["))
		return false;
	do {
		if (parts == ARRAY_SIZE(part) || !scan_hex(scan, 4, &part[parts++]))
			return false;
	} while (skip_text(scan, ":"));
	if (parts < 2 || !skip_text(scan, ".") || !scan_hex(scan, 1, &function) ||
	    !skip_text(scan, "]"))
		return false;
	if (part[parts - 2] > 0xff || part[parts - 1] > 0x1f || function > 7)
		return false;
	out->segment = parts == 3 ? part[0] : -1;
	out->rid = PCI_DEVID(part[parts - 2], PCI_DEVFN(part[parts - 1], function));
	return true;
}

/**
 * v3c_fault_console_parse() - find a fault in a line of the log
 * @text: the line, not terminated
 * @len: its length
 * @out: result, undefined on failure
 *
 * Return: whether there is one.
 */
bool v3c_fault_console_parse(const char *text, size_t len, struct v3c_logged_fault *out)
{
	struct v3c_scan scan = { text, text + len };
	u64 pasid;

	if (!skip_text(&scan, v3c_prefix))
		return false;
	out->write = skip_text(&scan, "Write ");
	if (!out->write && !skip_text(&scan, "Read "))
		return false;
	out->pasid = V3C_NO_PASID;
	if (!skip_text(&scan, "NO_PASID")) {
		if (!skip_text(&scan, "PASID 0x") || !scan_hex(&scan, 5, &pasid))
			return false;
		out->pasid = pasid;
	}
	return skip_text(&scan, "] Request device ") && scan_device(&scan, out) &&
	       skip_text(&scan, " fault addr 0x") && scan_hex(&scan, 16, &out->address) &&
	       skip_text(&scan, " [fault reason ");
}
EXPORT_SYMBOL_IF_KUNIT(v3c_fault_console_parse);

static void report_slot(struct v3c_slot *slot)
{
	struct v3c_logged_fault fault;

	if (atomic_read_acquire(&slot->state) != V3C_SLOT_FULL)
		return;
	if (v3c_fault_console_parse(slot->text, slot->len, &fault))
		v3c_fault_logged(&fault);
	atomic_set_release(&slot->state, V3C_SLOT_FREE);
}

static void report_lines(struct work_struct *work)
{
	unsigned int first = atomic_read(&v3c_next_slot), i, lost;

	/* v3c_next_slot comes first, because the slot that is used next has the oldest line. */
	for (i = 0; i < V3C_CONSOLE_SLOTS; i++)
		report_slot(&v3c_slots[(first + i) % V3C_CONSOLE_SLOTS]);
	lost = atomic_xchg(&v3c_lines_lost, 0);
	if (lost)
		pr_warn_ratelimited("%u lines about faults passed by unread\n", lost);
}

static DECLARE_WORK(v3c_console_work, report_lines);

static void leave_printk(struct irq_work *work)
{
	schedule_work(&v3c_console_work);
}

static DEFINE_IRQ_WORK(v3c_console_irq_work, leave_printk);

static void take_line(const char *text, size_t len)
{
	unsigned int at = (unsigned int)atomic_fetch_inc(&v3c_next_slot) % V3C_CONSOLE_SLOTS;
	struct v3c_slot *slot = &v3c_slots[at];

	if (atomic_cmpxchg_acquire(&slot->state, V3C_SLOT_FREE, V3C_SLOT_BUSY) != V3C_SLOT_FREE) {
		atomic_inc(&v3c_lines_lost);
	} else {
		slot->len = min_t(size_t, len, sizeof(slot->text));
		memcpy(slot->text, text, slot->len);
		atomic_set_release(&slot->state, V3C_SLOT_FULL);
	}
	irq_work_queue(&v3c_console_irq_work);
}

static void probe_console(void *data, const char *text, size_t len)
{
	if (len >= sizeof(v3c_prefix) - 1 && !memcmp(text, v3c_prefix, sizeof(v3c_prefix) - 1))
		take_line(text, len);
}

static int start_probing(void)
{
	lockdep_assert_held(&v3c_console_lock);

	return register_trace_console(probe_console, NULL);
}

static void stop_probing(void)
{
	lockdep_assert_held(&v3c_console_lock);

	unregister_trace_console(probe_console, NULL);
	tracepoint_synchronize_unregister();
	irq_work_sync(&v3c_console_irq_work);
	flush_work(&v3c_console_work);
}

bool v3c_fault_console_enabled(void)
{
	return READ_ONCE(v3c_console_wanted);
}

/* set_console() runs before v3c_fault_console_init() for an option given at load time. */
static int set_console(const char *val, const struct kernel_param *kp)
{
	bool wanted;
	int ret;

	ret = val ? kstrtobool(val, &wanted) : -EINVAL;
	if (ret)
		return ret;
	guard(mutex)(&v3c_console_lock);
	if (v3c_console_ready && wanted != v3c_console_wanted) {
		ret = wanted ? start_probing() : 0;
		if (ret)
			return ret;
		if (!wanted)
			stop_probing();
	}
	WRITE_ONCE(v3c_console_wanted, wanted);
	return 0;
}

static const struct kernel_param_ops v3c_console_ops = {
	.set = set_console,
	.get = param_get_bool,
};

module_param_cb(fault_console, &v3c_console_ops, &v3c_console_wanted, 0644);
MODULE_PARM_DESC(fault_console,
		 "Report VT-d's faults from the lines of the kernel log (default: no)");

int v3c_fault_console_init(void)
{
	int ret = 0;

	guard(mutex)(&v3c_console_lock);
	if (v3c_console_wanted)
		ret = start_probing();
	v3c_console_ready = !ret;
	return ret;
}

void v3c_fault_console_exit(void)
{
	guard(mutex)(&v3c_console_lock);
	if (v3c_console_wanted)
		stop_probing();
	v3c_console_ready = false;
}
