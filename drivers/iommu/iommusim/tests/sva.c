// SPDX-License-Identifier: GPL-2.0
/* Tests of PASIDs that are bound to a process. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "fixture.h"

#define SIZE	(2 * PAGE_SIZE)

/* struct sim_process - a process bound to a device, or as much of one as the kernel can make */
struct sim_process {
	struct iommusim *sim;
	struct device *dev;
	unsigned long memory;
	struct iommu_sva *bond;
	u32 pasid;
};

static struct sim_process new_process(struct kunit *test, u32 features, unsigned long prot)
{
	struct iommusim_config config = {
		.max_pasids = 64,
		.features = IOMMUSIM_SVA | features,
		.quirks = IOMMUSIM_SVA_PASIDS_ONLY,
	};
	struct sim_process process;

	if (!IS_ENABLED(CONFIG_IOMMU_SVA))
		kunit_skip(test, "the kernel has no SVA");
	process.sim = new_sim(test, &config);
	process.dev = new_device(test, process.sim, NULL);
	process.memory = kunit_vm_mmap(test, NULL, 0, SIZE, prot, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, !process.memory || IS_ERR_VALUE(process.memory));
	process.bond = iommu_sva_bind_device(process.dev, current->mm);
	if (PTR_ERR(process.bond) == -EOPNOTSUPP)
		kunit_skip(test, "the kernel refuses to bind");
	KUNIT_ASSERT_FALSE(test, IS_ERR(process.bond));
	process.pasid = iommu_sva_get_pasid(process.bond);
	return process;
}

/* Return: enum iommusim_fault_reason of an access to one byte of the process */
static int probe_process(const struct sim_process *process, unsigned long offset, u8 *byte,
			 bool write)
{
	struct iommusim_fault fault = { .reason = IOMMUSIM_OK };
	u64 address = process->memory + offset;

	if (write)
		iommusim_dma_write_prq(process->dev, process->pasid, address, byte, 1, &fault);
	else
		iommusim_dma_read_prq(process->dev, process->pasid, address, byte, 1, &fault);
	return fault.reason;
}

static void device_reaches_process(struct kunit *test)
{
	struct sim_process process = new_process(test, IOMMUSIM_PAGE_REQUESTS,
						 PROT_READ | PROT_WRITE);
	u8 byte = 0x77, got = 1;

	/* A DMA reads what put_user() wrote. */
	KUNIT_ASSERT_EQ(test, put_user(0x33, (u8 __user *)process.memory), 0);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &got, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, got, 0x33);
	KUNIT_EXPECT_EQ(test, stats_of(process.sim).page_requests, 0ULL);

	/* get_user() reads what a DMA wrote, also where nothing was yet. */
	KUNIT_EXPECT_EQ(test, probe_process(&process, PAGE_SIZE + 5, &byte, true), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(process.sim).page_requests, 1ULL);
	KUNIT_ASSERT_EQ(test, get_user(got, (u8 __user *)process.memory + PAGE_SIZE + 5), 0);
	KUNIT_EXPECT_EQ(test, got, 0x77);

	/* vm_munmap() takes the page from the device too. */
	KUNIT_EXPECT_EQ(test, vm_munmap(process.memory + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, probe_process(&process, PAGE_SIZE, &byte, false),
			IOMMUSIM_FAULT_PAGE_REQUEST);
	iommu_sva_unbind_device(process.bond);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false), IOMMUSIM_FAULT_PASID);
}

static void page_of_zeroes(struct kunit *test)
{
	struct sim_process process = new_process(test, IOMMUSIM_PAGE_REQUESTS,
						 PROT_READ | PROT_WRITE);
	u8 byte = 1, one = 1;

	KUNIT_EXPECT_EQ(test, probe_process(&process, 3, &byte, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, byte, 0);
	/* ZERO_PAGE() is shared by all processes, so writing needs another page. */
	KUNIT_EXPECT_EQ(test, probe_process(&process, 3, &one, true), IOMMUSIM_OK);
	KUNIT_ASSERT_EQ(test, get_user(byte, (u8 __user *)process.memory + 3), 0);
	KUNIT_EXPECT_EQ(test, byte, 1);
	iommu_sva_unbind_device(process.bond);
}

static void process_without_requests(struct kunit *test)
{
	struct sim_process process = new_process(test, 0, PROT_READ | PROT_WRITE);
	u8 byte = 0x77;

	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, true), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_ASSERT_EQ(test, put_user(0, (u8 __user *)process.memory), 0);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, true), IOMMUSIM_OK);
	iommu_sva_unbind_device(process.bond);
}

static void process_says_what_is_writable(struct kunit *test)
{
	struct sim_process process = new_process(test, 0, PROT_READ);
	struct sim_process asking = new_process(test, IOMMUSIM_PAGE_REQUESTS, PROT_READ);
	u8 byte = 0x77;

	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, true), IOMMUSIM_FAULT_PERMISSION);
	KUNIT_EXPECT_EQ(test, probe_process(&asking, 0, &byte, true), IOMMUSIM_FAULT_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, probe_process(&asking, 0, &byte, false), IOMMUSIM_OK);
	iommu_sva_unbind_device(asking.bond);
	iommu_sva_unbind_device(process.bond);
}

/* -EWOULDBLOCK, because a walk of the process' page tables sleeps; the fault stays as it was. */
static void process_needs_sleep(struct kunit *test)
{
	struct sim_process process = new_process(test, 0, PROT_READ | PROT_WRITE);
	struct iommusim_fault fault = { .address = 1 };
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, iommusim_dma_read(process.dev, process.pasid, process.memory, &byte,
						1, &fault), -EWOULDBLOCK);
	KUNIT_EXPECT_EQ(test, iommusim_dma_write(process.dev, process.pasid, process.memory, &byte,
						 1, &fault), -EWOULDBLOCK);
	KUNIT_EXPECT_EQ(test, fault.address, 1ULL);
	iommu_sva_unbind_device(process.bond);
}

static void two_bonds(struct kunit *test)
{
	struct sim_process process = new_process(test, IOMMUSIM_PAGE_REQUESTS,
						 PROT_READ | PROT_WRITE);
	struct iommu_sva *again = iommu_sva_bind_device(process.dev, current->mm);
	u8 byte = 0;

	KUNIT_EXPECT_PTR_EQ(test, again, process.bond);
	iommu_sva_unbind_device(again);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, true), IOMMUSIM_OK);
	iommu_sva_unbind_device(process.bond);
}

static void no_sva(struct kunit *test)
{
	struct iommusim_config config = { .max_pasids = 64 };
	struct device *dev = new_device(test, new_sim(test, &config), NULL);

	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommu_sva_bind_device(dev, current->mm)), (long)-EOPNOTSUPP);
}

/* struct sim_mortal - a process of its own, which ends at kthread_stop() */
struct sim_mortal {
	struct kunit *test;
	struct completion born;
	struct mm_struct *mm;
	unsigned long memory;
};

static int run_mortal(void *arg)
{
	struct sim_mortal *mortal = arg;

	if (!kunit_attach_mm()) {
		mortal->memory = vm_mmap(NULL, 0, SIZE, PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
		if (!IS_ERR_VALUE(mortal->memory) &&
		    !put_user(0x33, (u8 __user *)mortal->memory)) {
			mmgrab(current->mm);
			mortal->mm = current->mm;
		}
	}
	complete(&mortal->born);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int read_on(void *arg)
{
	struct sim_process *process = arg;
	u8 byte;

	while (!kthread_should_stop()) {
		probe_process(process, 0, &byte, false);
		probe_process(process, PAGE_SIZE, &byte, true);
		cond_resched();
	}
	return 0;
}

/* kthread_stop() ends the process while it is bound and its memory is in use. */
static void process_ends(struct kunit *test)
{
	struct sim_process process = new_process(test, IOMMUSIM_PAGE_REQUESTS, PROT_READ);
	struct sim_mortal mortal = { .test = test };
	struct task_struct *task, *reader;
	u8 byte = 0;

	iommu_sva_unbind_device(process.bond);
	init_completion(&mortal.born);
	task = kthread_run(run_mortal, &mortal, "iommusim_kunit/mortal");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&mortal.born);
	process.bond = mortal.mm ? iommu_sva_bind_device(process.dev, mortal.mm) :
				   ERR_PTR(-ESRCH);
	if (IS_ERR(process.bond)) {
		kthread_stop(task);
		KUNIT_FAIL(test, "no process to bind");
		return;
	}
	process.pasid = iommu_sva_get_pasid(process.bond);
	process.memory = mortal.memory;
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, byte, 0x33);

	reader = kthread_run(read_on, &process, "iommusim_kunit/read");
	KUNIT_EXPECT_FALSE(test, IS_ERR(reader));
	kthread_stop(task);
	/*
	 * mm_users comes to 0 a little after kthread_stop(), because the thread ends before its
	 * memory.
	 */
	while (atomic_read(&mortal.mm->mm_users))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false),
			IOMMUSIM_FAULT_PAGE_REQUEST);
	iommu_sva_unbind_device(process.bond);
	KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false), IOMMUSIM_FAULT_PASID);
	if (!IS_ERR(reader))
		kthread_stop(reader);
	mmdrop(mortal.mm);
}

#define ROUNDS	200

/* read_on() keeps the device at work while the process is bound and unbound. */
static void race_with_unbind(struct kunit *test)
{
	struct sim_process process = new_process(test, IOMMUSIM_PAGE_REQUESTS,
						 PROT_READ | PROT_WRITE);
	struct task_struct *reader = kthread_run(read_on, &process, "iommusim_kunit/read");
	unsigned int round;
	u8 byte = 0;

	KUNIT_EXPECT_FALSE(test, IS_ERR(reader));
	for (round = 0; round < ROUNDS; round++) {
		iommu_sva_unbind_device(process.bond);
		KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false),
				IOMMUSIM_FAULT_PASID);
		process.bond = iommu_sva_bind_device(process.dev, current->mm);
		if (IS_ERR(process.bond)) {
			KUNIT_FAIL(test, "bind: %ld", PTR_ERR(process.bond));
			break;
		}
		KUNIT_EXPECT_EQ(test, probe_process(&process, 0, &byte, false), IOMMUSIM_OK);
	}
	if (!IS_ERR(process.bond))
		iommu_sva_unbind_device(process.bond);
	if (!IS_ERR(reader))
		kthread_stop(reader);
}

static struct kunit_case iommusim_sva_cases[] = {
	KUNIT_CASE(device_reaches_process),
	KUNIT_CASE(page_of_zeroes),
	KUNIT_CASE(process_without_requests),
	KUNIT_CASE(process_says_what_is_writable),
	KUNIT_CASE(process_needs_sleep),
	KUNIT_CASE(two_bonds),
	KUNIT_CASE(no_sva),
	KUNIT_CASE(process_ends),
	KUNIT_CASE(race_with_unbind),
	{}
};

static struct kunit_suite iommusim_sva_suite = {
	.name = "iommusim_sva",
	.init = init_fixture,
	.exit = exit_fixture,
	.test_cases = iommusim_sva_cases,
};
kunit_test_suite(iommusim_sva_suite);
