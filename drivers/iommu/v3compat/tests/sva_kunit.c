// SPDX-License-Identifier: GPL-2.0
/* Sub-devices that are bound to a process, and who may go first. */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "alloc_fail.h"
#include "base/handle.h"
#include "fixture.h"
#include "thread.h"

/* KUnit never drops the last reference to an address space that it made, which keeps its number. */
#define MAX_PASIDS	1024
#define SIZE		(2 * PAGE_SIZE)

static const struct iommusim_config with_sva = {
	.max_pasids = MAX_PASIDS, .features = IOMMUSIM_SVA | IOMMUSIM_PAGE_REQUESTS,
};

/* A process, or as much of one as the kernel can make, and a device. */
struct process {
	struct iommusim *sim;
	struct mm_struct *mm;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	unsigned long memory;		/* SIZE bytes of it, none present */
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
};

static void require_sva(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_IOMMU_SVA))
		kunit_skip(test, "the kernel cannot share address spaces with devices");
	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
}

static struct process unbound_on(struct kunit *test, const struct iommusim_config *config,
				 const struct iommusim_device_config *device)
{
	struct process p = {};

	require_sva(test);
	p.mm = current->mm;
	p.sim = v3t_sim(test, config);
	p.pdo = v3t_pdo(test, p.sim, device);
	p.device = v3t_tagged_device(test, p.pdo);
	p.memory = kunit_vm_mmap(test, NULL, 0, SIZE, PROT_READ | PROT_WRITE,
				 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, !p.memory || IS_ERR_VALUE(p.memory));
	return p;
}

static struct process unbound(struct kunit *test, const struct iommusim_config *config)
{
	return unbound_on(test, config, NULL);
}

static void bind_process(struct kunit *test, struct process *p)
{
	NTSTATUS status = v3compat_create_sva_device(p->device, current->mm, &p->sub, &p->pasid);

	if (status == STATUS_NOT_SUPPORTED)
		kunit_skip(test, "the kernel refuses to bind");
	ASSERT_RESULT(test, STATUS_SUCCESS, v3compat_create_sva_device, status);
	v3t_adopt_bound_device(test, p->sub);
}

static struct process bound(struct kunit *test)
{
	struct process p = unbound(test, &with_sva);

	bind_process(test, &p);
	return p;
}

/* How an access to one byte of the process ended. */
static int probe(const struct process *p, unsigned long offset, u8 *byte, bool write)
{
	struct iommusim_fault fault = { .reason = IOMMUSIM_OK };
	u64 address = p->memory + offset;

	if (write)
		iommusim_dma_write_prq(p->pdo, p->pasid, address, byte, 1, &fault);
	else
		iommusim_dma_read_prq(p->pdo, p->pasid, address, byte, 1, &fault);
	return fault.reason;
}

static void device_reaches_the_process(struct kunit *test)
{
	struct process p = bound(test);
	u8 sent = 0x77, got = 0;

	KUNIT_EXPECT_GT(test, p.pasid, 0);
	KUNIT_EXPECT_LT(test, p.pasid, MAX_PASIDS);
	KUNIT_ASSERT_EQ(test, put_user(0x33, (u8 __user *)p.memory), 0);
	KUNIT_EXPECT_EQ(test, probe(&p, 0, &got, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, got, 0x33);
	/* Where the process has not been yet, the kernel's own handler brings the page. */
	KUNIT_EXPECT_EQ(test, probe(&p, PAGE_SIZE, &sent, true), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, v3t_stats(p.sim).page_requests, 1);
	KUNIT_ASSERT_EQ(test, get_user(got, (u8 __user *)p.memory + PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, got, 0x77);

	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	KUNIT_EXPECT_EQ(test, probe(&p, 0, &got, false), IOMMUSIM_FAULT_PASID);
}

static void counts_as_attached(struct kunit *test)
{
	struct process p = bound(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	REFUSE_V3(test, STATUS_UNSUCCESSFUL, AttachPasidDevice, domain, p.sub);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeletePasidDevice, p.sub);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, p.device);
	KUNIT_EXPECT_NE(test, iommu_device_claim_dma_owner(p.pdo, test), 0);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	/* The number is the process', which still has it. */
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, p.sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, p.sub);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(p.pdo, test), 0);
	iommu_device_release_dma_owner(p.pdo);
	v3t_delete_sub_device(test, p.sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeletePasidDevice, p.sub);
}

static void lives_beside_domains(struct kunit *test)
{
	struct process p = bound(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, p.device, &pasid);
	u8 byte = 1;

	KUNIT_EXPECT_NE(test, pasid, p.pasid);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_map_at(test, other, v3t_of_page(page), SZ_2M);
	v3t_attach_pasid(test, domain, sub);
	v3t_attach(test, other, p.device);
	KUNIT_EXPECT_EQ(test, probe(&p, 0, &byte, true), IOMMUSIM_OK);
	v3t_expect_tagged_reaches(test, p.pdo, pasid, SZ_1M, page);
	v3t_expect_reaches(test, p.pdo, SZ_2M, page);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	v3t_expect_tagged_reaches(test, p.pdo, pasid, SZ_1M, page);
	v3t_expect_reaches(test, p.pdo, SZ_2M, page);
}

static void two_bonds_are_one_pasid(struct kunit *test)
{
	struct process p = bound(test), q = p;
	u8 byte = 1;

	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_create_sva_device, p.device, current->mm, &q.sub,
		    &q.pasid);
	v3t_adopt_bound_device(test, q.sub);
	KUNIT_EXPECT_EQ(test, p.pasid, q.pasid);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	KUNIT_EXPECT_EQ(test, probe(&q, 0, &byte, true), IOMMUSIM_OK);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, q.sub);
	KUNIT_EXPECT_EQ(test, probe(&q, 0, &byte, true), IOMMUSIM_FAULT_PASID);
}

static void removal_unbinds(struct kunit *test)
{
	struct process p = bound(test);
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;

	v3t_unplug(test, p.pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, p.sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, v3t_explicit(test), p.sub);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_create_sva_device, p.device,
		    current->mm, &sub, &pasid);
	v3t_delete_sub_device(test, p.sub);
	v3t_delete_device(test, p.device);
}

/* The bond of a group belongs to the member that was there first. */
static void removal_of_a_member_unbinds_the_group(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 5 };
	struct process p = bound(test), a = p, b = p;

	a.pdo = v3t_pdo(test, p.sim, &member);
	b.pdo = v3t_pdo(test, p.sim, &member);
	a.device = v3t_tagged_device(test, a.pdo);
	b.device = v3t_tagged_device(test, b.pdo);
	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_create_sva_device, a.device, current->mm, &a.sub,
		    &a.pasid);
	v3t_adopt_bound_device(test, a.sub);
	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_create_sva_device, b.device, current->mm, &b.sub,
		    &b.pasid);
	v3t_adopt_bound_device(test, b.sub);
	v3t_unplug(test, a.pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, a.sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, b.sub);
	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_create_sva_device, b.device, current->mm, &a.sub,
		    &a.pasid);
	v3t_adopt_bound_device(test, a.sub);
	KUNIT_EXPECT_EQ(test, a.pasid, p.pasid);
}

static void arguments_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct process p = unbound(test, &with_sva);
	PIOMMU_DMA_DEVICE stale = v3t_tagged_device(test, p.pdo), plain = v3t_device(test, p.pdo);
	ULONG pasid;

	v3t_delete_device(test, stale);
	memset(&pasid, V3T_POISON, sizeof(pasid));
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_create_sva_device, NULL, current->mm,
		    &w->out.sub_device, &pasid);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_create_sva_device, stale,
		    current->mm, &w->out.sub_device, &pasid);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_create_sva_device, plain,
		    current->mm, &w->out.sub_device, &pasid);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_2, v3compat_create_sva_device, p.device, NULL,
		    &w->out.sub_device, &pasid);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_3, v3compat_create_sva_device, p.device,
		    current->mm, NULL, &pasid);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_4, v3compat_create_sva_device, p.device,
		    current->mm, &w->out.sub_device, NULL);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));
}

static void iommu_may_lack_it(struct kunit *test)
{
	static const struct iommusim_config without = { .max_pasids = MAX_PASIDS };
	struct v3t_world *w = test->priv;
	struct process p = unbound(test, &without);
	struct v3compat_capabilities can;
	ULONG pasid;

	memset(&pasid, V3T_POISON, sizeof(pasid));
	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, p.device, &can);
	KUNIT_EXPECT_FALSE(test, can.sva);
	REFUSE_CALL(test, STATUS_NOT_SUPPORTED, v3compat_create_sva_device, p.device, current->mm,
		    &w->out.sub_device, &pasid);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));
	/* Nothing is left claimed. */
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(p.pdo, test), 0);
	iommu_device_release_dma_owner(p.pdo);
}

static void capability_is_told(struct kunit *test)
{
	struct process p = bound(test);
	struct v3compat_capabilities can;

	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, p.device, &can);
	KUNIT_EXPECT_TRUE(test, can.sva);
	KUNIT_EXPECT_EQ(test, can.max_pasids, MAX_PASIDS);
}

static void foreign_owner_keeps_us_out(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct process p = unbound(test, &with_sva);
	ULONG pasid;

	memset(&pasid, V3T_POISON, sizeof(pasid));
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(p.pdo, test), 0);
	REFUSE_CALL(test, STATUS_ACCESS_DENIED, v3compat_create_sva_device, p.device, current->mm,
		    &w->out.sub_device, &pasid);
	iommu_device_release_dma_owner(p.pdo);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));
}

static void pasid_of_the_process_may_be_too_large(struct kunit *test)
{
	static const struct iommusim_config few = { .max_pasids = 2, .features = IOMMUSIM_SVA };
	struct v3t_world *w = test->priv;
	struct process p = unbound(test, &with_sva);
	PIOMMU_DMA_DEVICE narrow =
		v3t_tagged_device(test, v3t_pdo(test, v3t_sim(test, &few), NULL));
	ULONG pasid;

	/* Takes the only number that both could have, unless somebody has it. */
	v3t_sub_device(test, p.device, &pasid);
	bind_process(test, &p);
	KUNIT_ASSERT_GE(test, p.pasid, 2);
	REFUSE_CALL(test, STATUS_NONE_MAPPED, v3compat_create_sva_device, narrow, current->mm,
		    &w->out.sub_device, &pasid);
}

static void attach_failures_leave_no_trace(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct process p = bound(test);
	ULONG pasid;

	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	memset(&pasid, V3T_POISON, sizeof(pasid));
	iommusim_fail_attach(p.pdo, -ENOMEM, 1);
	REFUSE_CALL(test, STATUS_INSUFFICIENT_RESOURCES, v3compat_create_sva_device, p.device,
		    current->mm, &w->out.sub_device, &pasid);
	iommusim_fail_attach(p.pdo, -EINVAL, 1);
	REFUSE_CALL(test, STATUS_NOT_SUPPORTED, v3compat_create_sva_device, p.device, current->mm,
		    &w->out.sub_device, &pasid);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(p.pdo, test), 0);
	iommu_device_release_dma_owner(p.pdo);
}

#define MAX_ALLOCATIONS	100

static void survives_each_allocation_failing(struct kunit *test)
{
	struct process p = bound(test);
	unsigned int nth, refused = 0;
	PIOMMU_DMA_PASID_DEVICE sub;
	NTSTATUS status;
	bool reached;
	ULONG pasid;

	V3T_REQUIRE_ALLOC_FAIL(test);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
	for (nth = 1; nth < MAX_ALLOCATIONS; nth++) {
		v3t_alloc_fail_nth_begin(nth);
		status = v3compat_create_sva_device(p.device, current->mm, &sub, &pasid);
		reached = v3t_alloc_fail_nth_end();
		if (NT_SUCCESS(status)) {
			EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
			EXPECT_V3(test, STATUS_SUCCESS, DeletePasidDevice, sub);
			if (!reached)
				break;
			continue;
		}
		refused++;
		EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, v3compat_create_sva_device,
			      status);
	}
	KUNIT_EXPECT_LT(test, nth, MAX_ALLOCATIONS);
	KUNIT_EXPECT_GT(test, refused, 0);
}

/* A process of its own, which ends when it is told to. */
struct mortal {
	struct v3t_thread thread;
	struct completion born, die;
	struct mm_struct *mm;		/* NULL when there is none */
	unsigned long memory;
};

static int live(void *arg)
{
	struct mortal *mortal = arg;

	if (!kunit_attach_mm()) {
		mortal->memory = vm_mmap(NULL, 0, SIZE, PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
		mortal->mm = current->mm;
	}
	complete(&mortal->born);
	wait_for_completion(&mortal->die);
	if (mortal->mm) {
		kthread_unuse_mm(mortal->mm);
		mmput(mortal->mm);
	}
	return 0;
}

static struct mortal *give_birth(struct kunit *test)
{
	struct mortal *mortal = kunit_kzalloc(test, sizeof(*mortal), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mortal);
	init_completion(&mortal->born);
	init_completion(&mortal->die);
	v3t_thread_start(&mortal->thread, live, mortal);
	if (!IS_ERR(mortal->thread.task))
		wait_for_completion(&mortal->born);
	return mortal;
}

/* Nobody uses the address space any more when this returns. */
static void kill_process(struct mortal *mortal)
{
	complete(&mortal->die);
	v3t_thread_join(&mortal->thread);
}

/* Who goes in which order; each of them once. */
enum leaver { PROCESS, BOND, DEVICE };

static const struct exit_case {
	const char *name;
	enum leaver order[3];
} exit_cases[] = {
	{ "process, bond, device", { PROCESS, BOND, DEVICE } },
	{ "process, device, bond", { PROCESS, DEVICE, BOND } },
	{ "bond, process, device", { BOND, PROCESS, DEVICE } },
	{ "bond, device, process", { BOND, DEVICE, PROCESS } },
	{ "device, process, bond", { DEVICE, PROCESS, BOND } },
	{ "device, bond, process", { DEVICE, BOND, PROCESS } },
};

static void exit_name(const struct exit_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(exit, exit_cases, exit_name);

static void any_order_of_departure(struct kunit *test)
{
	const struct exit_case *c = test->param_value;
	struct process p = unbound(test, &with_sva);
	struct mortal *mortal = give_birth(test);
	bool device = true;
	NTSTATUS status;
	u8 byte = 0;
	int i;

	status = mortal->mm ? v3compat_create_sva_device(p.device, mortal->mm, &p.sub, &p.pasid) :
			      STATUS_NOT_SUPPORTED;
	if (!NT_SUCCESS(status)) {
		kill_process(mortal);
		KUNIT_ASSERT_EQ(test, (u32)status, (u32)STATUS_NOT_SUPPORTED);
		kunit_skip(test, "no process can be bound here");
	}
	v3t_adopt_bound_device(test, p.sub);
	p.memory = mortal->memory;
	KUNIT_EXPECT_EQ(test, probe(&p, 0, &byte, true), IOMMUSIM_OK);
	for (i = 0; i < 3; i++) {
		switch (c->order[i]) {
		case PROCESS:
			kill_process(mortal);
			if (device)
				KUNIT_EXPECT_NE(test, probe(&p, 0, &byte, false), IOMMUSIM_OK);
			break;
		case BOND:
			status = V3T_V3(test)->DetachPasidDevice(p.sub);
			EXPECT_RESULT(test, device ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_1,
				      DetachPasidDevice, status);
			v3t_delete_sub_device(test, p.sub);
			break;
		case DEVICE:
			v3t_unplug(test, p.pdo);
			device = false;
			break;
		}
	}
}

#define ROUNDS	30

static int kill_it(void *arg)
{
	kill_process(arg);
	return 0;
}

/* The exit of the process meets the detach. */
static void process_exit_races_with_detach(struct kunit *test)
{
	struct process p = unbound(test, &with_sva);
	struct v3t_thread killer;
	struct mortal *mortal;
	NTSTATUS status;
	u8 byte = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		mortal = give_birth(test);
		status = mortal->mm ? v3compat_create_sva_device(p.device, mortal->mm, &p.sub,
								 &p.pasid) :
				      STATUS_NOT_SUPPORTED;
		if (!NT_SUCCESS(status)) {
			kill_process(mortal);
			KUNIT_ASSERT_EQ(test, (u32)status, (u32)STATUS_NOT_SUPPORTED);
			kunit_skip(test, "no process can be bound here");
		}
		p.memory = mortal->memory;
		v3t_thread_start(&killer, kill_it, mortal);
		probe(&p, i % 2 ? 0 : PAGE_SIZE, &byte, true);
		if (i % 3)
			cond_resched();
		EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, p.sub);
		EXPECT_V3(test, STATUS_SUCCESS, DeletePasidDevice, p.sub);
		if (v3t_thread_join(&killer))
			kill_process(mortal);
	}
}

/* Memory whose page faults wait, as those of a file whose server does not answer. */
struct server {
	struct completion asked, answer;
};

static vm_fault_t wait_for_server(struct vm_fault *vmf)
{
	struct server *server = vmf->vma->vm_private_data;

	complete(&server->asked);
	wait_for_completion(&server->answer);
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct server_vm_ops = { .fault = wait_for_server };

static int map_server(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &server_vm_ops;
	return 0;
}

static const struct file_operations server_fops = { .owner = THIS_MODULE, .mmap = map_server };

/* A device in the middle of a page fault that waits, and who waits for that. */
struct stall {
	struct kunit *test;
	struct server server;
	struct process p;
	struct iommu_sva *bond;		/* if nobody's but the test's */
	struct process q;		/* of another IOMMU, if any */
	struct device *members[2];	/* of a group that is claimed, if any */
	PIOMMU_DMA_DEVICE device;	/* the device of the first member */
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DOMAIN elsewhere;	/* for what others attach */
	PIOMMU_DMA_PASID_DEVICE sub;	/* of @device */
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;	/* in @domain */
	struct device *newcomer;
	struct v3t_thread toucher, caller, second, others;
};

static void join(struct v3t_thread *thread)
{
	v3t_thread_join(thread);
	thread->task = ERR_PTR(-ESRCH);
}

static void answer_server(void *arg)
{
	struct stall *stall = arg;

	complete_all(&stall->server.answer);
	join(&stall->toucher);
	join(&stall->caller);
	join(&stall->second);
	join(&stall->others);
}

/* What others do is over although the server has not answered. */
static void expect_others_done(struct stall *stall)
{
	bool done = wait_for_completion_timeout(&stall->others.done, 60 * HZ);

	KUNIT_EXPECT_FALSE(stall->test, completion_done(&stall->caller.done));
	if (!done)
		answer_server(stall);
	KUNIT_ASSERT_TRUE(stall->test, done);
}

static int touch(void *arg)
{
	struct stall *stall = arg;
	u8 byte;

	return probe(&stall->p, 0, &byte, false);
}

static int detach_bond(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->DetachPasidDevice(stall->p.sub);
}

#define PATIENCE	2000

/* The IOMMU has forgotten the PASID before its driver waits for the page requests. */
static void wait_until_detaching(struct stall *stall)
{
	struct iommusim_fault fault = { };
	unsigned int i;
	u8 byte;

	for (i = 0; i < PATIENCE && fault.reason != IOMMUSIM_FAULT_PASID; i++) {
		usleep_range(5000, 6000);
		iommusim_dma_read(stall->p.pdo, stall->p.pasid, stall->p.memory, &byte, 1, &fault);
	}
	KUNIT_ASSERT_EQ(stall->test, fault.reason, IOMMUSIM_FAULT_PASID);
}

static void wait_until_asleep(struct stall *stall, struct v3t_thread *thread)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(stall->test, thread->task);
	KUNIT_EXPECT_TRUE(stall->test, v3t_thread_falls_asleep(thread));
}

static struct stall *alloc_stall(struct kunit *test)
{
	struct stall *stall = kunit_kzalloc(test, sizeof(*stall), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, stall);
	stall->test = test;
	init_completion(&stall->server.asked);
	init_completion(&stall->server.answer);
	stall->toucher.task = ERR_PTR(-ESRCH);
	stall->caller.task = ERR_PTR(-ESRCH);
	stall->second.task = ERR_PTR(-ESRCH);
	stall->others.task = ERR_PTR(-ESRCH);
	return stall;
}

static struct stall *new_stall(struct kunit *test, const struct iommusim_device_config *device)
{
	struct stall *stall = alloc_stall(test);

	stall->elsewhere = v3t_explicit(test);
	stall->p = unbound_on(test, &with_sva, device);
	bind_process(test, &stall->p);
	return stall;
}

/* Afterwards whoever waits for the page requests of the IOMMU waits until the server answers. */
static void touch_memory_of_server(struct stall *stall)
{
	struct kunit *test = stall->test;
	struct file *file;

	file = anon_inode_getfile("[v3compat_server]", &server_fops, &stall->server, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	stall->p.memory = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
	fput(file);
	KUNIT_ASSERT_FALSE(test, !stall->p.memory || IS_ERR_VALUE(stall->p.memory));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, answer_server, stall), 0);
	v3t_thread_start(&stall->toucher, touch, stall);
	if (!wait_for_completion_timeout(&stall->server.asked, 60 * HZ))
		KUNIT_FAIL_AND_ABORT(test, "no page fault; the device's access: %d",
				     completion_done(&stall->toucher.done) ?
				     stall->toucher.result : -1);
}

static struct stall *stalled(struct kunit *test)
{
	struct stall *stall = new_stall(test, NULL);

	touch_memory_of_server(stall);
	v3t_thread_start(&stall->caller, detach_bond, stall);
	wait_until_detaching(stall);
	return stall;
}

static int detach_raw_bond(void *arg)
{
	struct stall *stall = arg;

	iommu_sva_unbind_device(stall->bond);
	return 0;
}

/* By somebody else than v3compat, which knows nothing of it. */
static struct stall *stalled_by_another(struct kunit *test)
{
	struct stall *stall = alloc_stall(test);

	stall->p = unbound(test, &with_sva);
	stall->bond = iommu_sva_bind_device(stall->p.pdo, current->mm);
	if (IS_ERR(stall->bond))
		kunit_skip(test, "the kernel refuses to bind");
	stall->p.pasid = iommu_sva_get_pasid(stall->bond);
	touch_memory_of_server(stall);
	v3t_thread_start(&stall->caller, detach_raw_bond, stall);
	wait_until_detaching(stall);
	return stall;
}

/* Hot-plug, in both directions. */
static int come_and_go(struct iommusim *sim)
{
	struct device *pdo = iommusim_device_create(sim, NULL);

	if (IS_ERR(pdo))
		return PTR_ERR(pdo);
	iommusim_device_destroy(pdo);
	return 0;
}

/* What others do meanwhile, with devices of theirs and with this one. */
struct others {
	struct kunit *test;
	struct stall *stall;
	struct iommusim *sim;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	NTSTATUS attach, detach, delete, create;
	ULONG types;
};

static int live_on(void *arg)
{
	struct others *o = arg;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(o->test);
	PIOMMU_DMA_DEVICE twin;

	o->attach = v3->AttachDeviceEx(o->domain, o->device);
	o->detach = v3->DetachDeviceEx(o->device);
	v3compat_set_guard_policy(V3COMPAT_GUARD_ALL);
	v3->QueryAvailableDomainTypes(o->stall->p.device, &o->types);
	v3compat_set_guard_policy(V3COMPAT_GUARD_EXTERNAL);
	o->delete = v3->DeletePasidDevice(o->stall->p.sub);
	o->create = v3->CreateDevice(o->stall->p.pdo, NULL, &twin);
	if (NT_SUCCESS(o->create))
		v3->DeleteDevice(twin);
	return come_and_go(o->sim);
}

static void expect_others_live_on(struct stall *stall)
{
	struct kunit *test = stall->test;
	struct v3t_world *w = test->priv;
	struct others *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, o);
	*o = (struct others) {
		.test = test, .stall = stall, .sim = w->sim, .device = w->device,
		.domain = stall->elsewhere,
	};
	v3t_thread_start(&stall->others, live_on, o);
	expect_others_done(stall);
	KUNIT_EXPECT_EQ(test, (u32)o->attach, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (u32)o->detach, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, o->types & BIT(DomainTypePassThrough), 0);
	EXPECT_RESULT(test, STATUS_RESOURCE_IN_USE, DeletePasidDevice, o->delete);
	KUNIT_EXPECT_EQ(test, (u32)o->create, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, stall->others.result, 0);
	answer_server(stall);
}

static void nobody_else_waits_for_a_page_of_a_process(struct kunit *test)
{
	struct stall *stall = stalled(test);

	expect_others_live_on(stall);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachPasidDevice, stall->caller.result);
	v3t_delete_sub_device(test, stall->p.sub);
}

static int others_come_and_go(void *arg)
{
	return come_and_go(arg);
}

static int unplug_it(void *arg)
{
	struct stall *stall = arg;

	v3t_unplug(stall->test, stall->p.pdo);
	return 0;
}

/* Until the second, too, waits for what the first waits for. */
static void start_in_turn(struct stall *stall, int (*first)(void *arg), int (*second)(void *arg))
{
	v3t_thread_start(&stall->caller, first, stall);
	wait_until_asleep(stall, &stall->caller);
	v3t_thread_start(&stall->second, second, stall);
	wait_until_asleep(stall, &stall->second);
}

static void expect_second_to_wait_alone(struct stall *stall)
{
	struct v3t_world *w = stall->test->priv;

	v3t_thread_start(&stall->others, others_come_and_go, w->sim);
	expect_others_done(stall);
	KUNIT_EXPECT_FALSE(stall->test, completion_done(&stall->second.done));
}

/* The device itself waits for it, and then goes. */
static void removal_waits_for_a_detach_of_its_own(struct kunit *test)
{
	struct stall *stall = stalled(test);

	v3t_thread_start(&stall->second, unplug_it, stall);
	expect_second_to_wait_alone(stall);
	answer_server(stall);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachPasidDevice, stall->caller.result);
	v3t_delete_sub_device(test, stall->p.sub);
	v3t_delete_device(test, stall->p.device);
}

/*
 * A bond that is about to begin in a group whose untagged DMA sees all of memory, and a newcomer.
 */
struct beginning {
	struct stall *stall;
	struct mm_struct *mm;
	struct process p;
};

static int begin_bond(void *arg)
{
	struct beginning *b = arg;

	return v3compat_create_sva_device(b->p.device, b->mm, &b->p.sub, &b->p.pasid);
}

static int plug_in(void *arg)
{
	static const struct iommusim_device_config outside = { .group = 5, .external = true };
	struct beginning *b = arg;

	v3t_pdo(b->stall->test, b->p.sim, &outside);
	return 0;
}

/*
 * Until it sleeps where no signal wakes it: in the core, which begins and ends one bond at a time.
 */
static bool wait_until_stuck(struct v3t_thread *thread)
{
	unsigned int i;

	for (i = 0; i < PATIENCE && READ_ONCE(thread->task->__state) != TASK_UNINTERRUPTIBLE; i++)
		usleep_range(5000, 6000);
	return i < PATIENCE && !completion_done(&thread->done);
}

static bool delete_in_time(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	unsigned int i;

	for (i = 0; i < PATIENCE; i++) {
		if (NT_SUCCESS(V3T_V3(test)->DeleteDomain(domain)))
			return true;
		usleep_range(5000, 6000);
	}
	return false;
}

/* The guard looks at who is in the group now, whatever the core is being called for. */
static void external_newcomer_of_a_busy_group_is_guarded_against(struct kunit *test)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = { .AsUlonglong = 0 };
	static const struct iommusim_device_config member = { .group = 5 };
	struct beginning *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct stall *stall = stalled_by_another(test);
	PIOMMU_DMA_DOMAIN everything;
	bool stuck, deleted;

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->stall = stall;
	b->mm = current->mm;
	/* An attach behind the IOMMU of the stalled device waits for its page requests, too. */
	b->p.sim = v3t_sim(test, &with_sva);
	b->p.pdo = v3t_pdo(test, b->p.sim, &member);
	b->p.device = v3t_tagged_device(test, b->p.pdo);
	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypePassThrough, no_flags, NULL, NULL,
		  &everything);
	EXPECT_V3(test, STATUS_SUCCESS, AttachDeviceEx, everything, b->p.device);
	v3t_thread_start(&stall->second, begin_bond, b);
	stuck = wait_until_stuck(&stall->second);
	v3t_thread_start(&stall->others, plug_in, b);
	deleted = delete_in_time(test, everything);
	KUNIT_EXPECT_FALSE(test, completion_done(&stall->caller.done));
	answer_server(stall);
	KUNIT_EXPECT_TRUE(test, stuck);
	KUNIT_EXPECT_TRUE(test, deleted);
	if (!deleted) {
		V3T_V3(test)->DetachDeviceEx(b->p.device);
		V3T_V3(test)->DeleteDomain(everything);
	}
	ASSERT_RESULT(test, STATUS_SUCCESS, v3compat_create_sva_device, stall->second.result);
	v3t_adopt_bound_device(test, b->p.sub);
	/* The newcomer has no part in it. */
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, b->p.sub);
}

/* Two devices that share a group, which a sub-device has claimed. */
static void make_members(struct stall *stall)
{
	static const struct iommusim_device_config member = { .group = 5 };
	struct kunit *test = stall->test;
	ULONG pasid;

	stall->members[0] = v3t_pdo(test, stall->p.sim, &member);
	stall->members[1] = v3t_pdo(test, stall->p.sim, &member);
	stall->device = v3t_tagged_device(test, stall->members[0]);
	v3t_attach_pasid(test, v3t_explicit(test), v3t_sub_device(test, stall->device, &pasid));
}

static void with_own_device(struct stall *stall)
{
	stall->device = stall->p.device;
}

static void with_neighbour(struct stall *stall)
{
	stall->device = v3t_device(stall->test, v3t_pdo(stall->test, stall->p.sim, NULL));
}

/* The core may try several domains of a process. */
#define MAX_TRIES	8

static void with_member_that_fails(struct stall *stall)
{
	ULONG pasid;

	make_members(stall);
	stall->sub = v3t_sub_device(stall->test, stall->device, &pasid);
	iommusim_fail_attach(stall->members[1], -ENOMEM, MAX_TRIES);
}

static int attach_device(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->AttachDeviceEx(stall->domain, stall->device);
}

static int attach_sub_device(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->AttachPasidDevice(stall->domain, stall->sub);
}

static const struct iommusim_device_config with_driver = { .ordinary_driver = true };

/* The IOMMU driver waits when it takes away what was there before. */
static const struct attach_case {
	const char *name;
	const struct iommusim_device_config *config;
	void (*prepare)(struct stall *stall);
	int (*attach)(void *arg);
	NTSTATUS expected;
} attach_cases[] = {
	{ "claimed before", NULL, with_own_device, attach_device, STATUS_SUCCESS },
	{ "of a driver that uses the DMA API", &with_driver, with_own_device, attach_device,
	  STATUS_SUCCESS },
	{ "of a neighbour", NULL, with_neighbour, attach_device, STATUS_SUCCESS },
	{ "undone", NULL, with_member_that_fails, attach_sub_device,
	  STATUS_INSUFFICIENT_RESOURCES },
};

static void attach_name(const struct attach_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(attach, attach_cases, attach_name);

/* What @attach waits for, with @domain in its hands. */
static struct stall *stalled_attach(struct kunit *test, const struct attach_case *c)
{
	struct stall *stall = new_stall(test, c->config);

	stall->domain = v3t_explicit(test);
	c->prepare(stall);
	touch_memory_of_server(stall);
	return stall;
}

static void nobody_else_waits_for_an_attach(struct kunit *test)
{
	const struct attach_case *c = test->param_value;
	struct stall *stall = stalled_attach(test, c);

	v3t_thread_start(&stall->caller, c->attach, stall);
	wait_until_asleep(stall, &stall->caller);
	expect_others_live_on(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)c->expected);
	EXPECT_V3(test, NT_SUCCESS(c->expected) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_1,
		  DetachDeviceEx, stall->device);
}

static int detach_device(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->DetachDeviceEx(stall->device);
}

static int detach_fixture_device(void *arg)
{
	struct stall *stall = arg;
	struct v3t_world *w = stall->test->priv;

	return V3T_V3(stall->test)->DetachDeviceEx(w->device);
}

static const struct iommusim_device_config joined = { .group = 6 };

static int join_group(void *arg)
{
	struct stall *stall = arg;
	struct v3t_world *w = stall->test->priv;

	stall->newcomer = iommusim_device_create(w->sim, &joined);
	return PTR_ERR_OR_ZERO(stall->newcomer);
}

/* Who waits for an attach of the same domain, or of the same device. */
static const struct waiter_case {
	const char *name;
	int (*wait)(void *arg);
	bool leaves_attached;
} waiter_cases[] = {
	{ "detach of another device", detach_fixture_device, true },
	{ "detach of the device", detach_device, false },
	{ "member that joins", join_group, true },
	{ "removal", unplug_it, false },
};

static void waiter_name(const struct waiter_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(waiter, waiter_cases, waiter_name);

static void who_waits_for_an_attach_waits_alone(struct kunit *test)
{
	const struct waiter_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct stall *stall = stalled_attach(test, &attach_cases[0]);
	PIOMMU_DMA_DEVICE shares = v3t_device(test, v3t_pdo(test, w->sim, &joined));

	v3t_attach(test, stall->domain, w->device);
	v3t_attach(test, stall->domain, shares);
	start_in_turn(stall, attach_device, c->wait);
	expect_second_to_wait_alone(stall);
	answer_server(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, stall->second.result, 0);
	if (!IS_ERR_OR_NULL(stall->newcomer))
		iommusim_device_destroy(stall->newcomer);
	v3t_detach(test, shares);
	EXPECT_V3(test, c->leaves_attached ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_1,
		  DetachDeviceEx, stall->device);
}

static void with_sub_device_attached(struct stall *stall)
{
	ULONG pasid;

	stall->sub = v3t_sub_device(stall->test, stall->p.device, &pasid);
	v3t_attach_pasid(stall->test, stall->domain, stall->sub);
}

static void with_device_attached(struct stall *stall)
{
	with_own_device(stall);
	v3t_attach(stall->test, stall->domain, stall->device);
}

static void with_token(struct stall *stall)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G;

	ASSERT_V3(stall->test, STATUS_SUCCESS, ReserveLogicalAddressRange, stall->domain, SZ_4K,
		  &at, NULL, NULL, &stall->token);
}

static int delete_domain(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->DeleteDomain(stall->domain);
}

static int reserve(void *arg)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G;
	struct stall *stall = arg;

	return V3T_V3(stall->test)->ReserveLogicalAddressRange(stall->domain, SZ_4K, &at, NULL,
							       NULL, &stall->token);
}

static int free_token(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->FreeReservedLogicalAddressRange(stall->token);
}

static void with_pdo_attached(struct stall *stall)
{
	ASSERT_V1(stall->test, STATUS_SUCCESS, AttachDevice, stall->domain, stall->p.pdo, 0, 1);
}

static int detach_pdo(void *arg)
{
	struct stall *stall = arg;

	return V3T_V1(stall->test)->DetachDevice(stall->domain, stall->p.pdo, 0);
}

static int attach_pdo(void *arg)
{
	struct stall *stall = arg;

	return V3T_V1(stall->test)->AttachDevice(stall->domain, stall->p.pdo, 0, 1);
}

static void v1_detach_waits_for_the_attach(struct kunit *test)
{
	struct stall *stall = stalled_attach(test, &attach_cases[0]);

	start_in_turn(stall, attach_pdo, detach_pdo);
	expect_second_to_wait_alone(stall);
	answer_server(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (u32)stall->second.result, (u32)STATUS_SUCCESS);
	EXPECT_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, stall->domain, stall->p.pdo, 0);
}

static int detach_sub_device(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->DetachPasidDevice(stall->sub);
}

/* A second detach has to wait: what it calls done, its caller deletes. */
static const struct again_case {
	const char *name;
	void (*prepare)(struct stall *stall);
	int (*detach)(void *arg);
	NTSTATUS expected;
} again_cases[] = {
	{ "sub-device", with_sub_device_attached, detach_sub_device, STATUS_INVALID_PARAMETER_1 },
	{ "device", with_device_attached, detach_device, STATUS_INVALID_PARAMETER_1 },
	{ "V1", with_pdo_attached, detach_pdo, STATUS_INVALID_PARAMETER_2 },
};

static void again_name(const struct again_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(again, again_cases, again_name);

/* Deletes at once; what the detach answered is known when it succeeds. */
static int detach_again(void *arg)
{
	struct stall *stall = arg;
	const struct again_case *c = stall->test->param_value;
	NTSTATUS status = c->detach(stall);

	return status == c->expected ? V3T_V3(stall->test)->DeleteDomain(stall->domain) : status;
}

static void second_detach_waits_for_the_first(struct kunit *test)
{
	const struct again_case *c = test->param_value;
	struct stall *stall = new_stall(test, NULL);
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {};

	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, none, NULL, NULL,
		  &stall->domain);
	c->prepare(stall);
	touch_memory_of_server(stall);
	start_in_turn(stall, c->detach, detach_again);
	expect_second_to_wait_alone(stall);
	answer_server(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (u32)stall->second.result, (u32)STATUS_SUCCESS);
}

static void with_sub_device_elsewhere(struct stall *stall)
{
	ULONG pasid;

	stall->sub = v3t_sub_device(stall->test, stall->p.device, &pasid);
	v3t_attach_pasid(stall->test, stall->elsewhere, stall->sub);
}

static void with_nothing(struct stall *stall)
{
}

#define KILLED	STATUS_INSUFFICIENT_RESOURCES

/* Who waits for an attach under way and is killed, and who asks again when the attach is over. */
static const struct kill_case {
	const char *name;
	bool user;
	void (*prepare)(struct stall *stall);
	int (*wait)(void *arg);
	NTSTATUS killed, again;
} kill_cases[] = {
	{ "process, detach", true, with_nothing, detach_device, KILLED, STATUS_SUCCESS },
	{ "driver, detach", false, with_nothing, detach_device, STATUS_SUCCESS,
	  STATUS_INVALID_PARAMETER_1 },
	{ "process, sub-device", true, with_sub_device_elsewhere, detach_sub_device, KILLED,
	  STATUS_SUCCESS },
	{ "driver, sub-device", false, with_sub_device_elsewhere, detach_sub_device,
	  STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 },
	{ "process, delete", true, with_nothing, delete_domain, KILLED, STATUS_RESOURCE_IN_USE },
	{ "driver, delete", false, with_nothing, delete_domain, STATUS_RESOURCE_IN_USE,
	  STATUS_RESOURCE_IN_USE },
	{ "process, reserve", true, with_nothing, reserve, KILLED, STATUS_SUCCESS },
	/* A killed thread of a driver builds no tables either, but when it has waited. */
	{ "driver, reserve", false, with_nothing, reserve, KILLED, STATUS_SUCCESS },
	{ "process, free", true, with_token, free_token, KILLED, STATUS_SUCCESS },
	{ "driver, free", false, with_token, free_token, STATUS_SUCCESS,
	  STATUS_INVALID_PARAMETER_1 },
};

static void kill_name(const struct kill_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kill, kill_cases, kill_name);

static int wait_killable(void *arg)
{
	struct stall *stall = arg;
	const struct kill_case *c = stall->test->param_value;

	/* Threads of the kernel hear none otherwise. */
	allow_signal(SIGKILL);
	return c->wait(stall);
}

/* As if the owner were a process. */
static void mark(void *object, bool user)
{
	if (object)
		((struct v3c_handle *)object)->user = user;
}

static void processes_can_be_killed_while_they_wait(struct kunit *test)
{
	const struct kill_case *c = test->param_value;
	struct stall *stall = stalled_attach(test, &attach_cases[0]);
	bool ended;

	c->prepare(stall);
	mark(stall->device, c->user);
	mark(stall->sub, c->user);
	mark(stall->domain, c->user);
	mark(stall->token, c->user);
	start_in_turn(stall, attach_device, wait_killable);
	send_sig(SIGKILL, stall->second.task, 1);
	ended = wait_for_completion_timeout(&stall->second.done, c->user ? 60 * HZ : HZ / 10);
	KUNIT_EXPECT_EQ(test, ended, c->user);
	KUNIT_EXPECT_FALSE(test, completion_done(&stall->caller.done));
	answer_server(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (u32)stall->second.result, (u32)c->killed);
	KUNIT_EXPECT_EQ(test, (u32)c->wait(stall), (u32)c->again);
	if (c->wait == reserve)
		KUNIT_EXPECT_EQ(test, (u32)free_token(stall), (u32)STATUS_SUCCESS);
	if (c->wait != detach_device)
		KUNIT_EXPECT_EQ(test, (u32)detach_device(stall), (u32)STATUS_SUCCESS);
}

/* The core takes the bond away again, and waits for that. */
static int bind_member(void *arg)
{
	struct stall *stall = arg;
	ULONG pasid;

	return v3compat_create_sva_device(stall->device, stall->q.mm, &stall->sub, &pasid);
}

static int unbind_elsewhere(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->DetachPasidDevice(stall->q.sub);
}

static int attach_elsewhere(void *arg)
{
	struct stall *stall = arg;

	return V3T_V3(stall->test)->AttachDeviceEx(stall->domain, stall->q.device);
}

static const struct bond_case {
	const char *name;
	void (*prepare)(struct stall *stall);
	int (*call)(void *arg);
	NTSTATUS expected;
} bond_cases[] = {
	{ "another unbinds", NULL, detach_bond, STATUS_SUCCESS },
	{ "another binds", with_member_that_fails, bind_member, STATUS_INSUFFICIENT_RESOURCES },
};

static void bond_name(const struct bond_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bond, bond_cases, bond_name);

/* A bond that has to wait for another one's turn keeps nobody from its group. */
static void unbind_waits_for_its_turn(struct kunit *test)
{
	const struct bond_case *c = test->param_value;
	struct stall *stall = new_stall(test, NULL);

	stall->q = bound(test);
	stall->domain = v3t_explicit(test);
	if (c->prepare)
		c->prepare(stall);
	touch_memory_of_server(stall);
	start_in_turn(stall, c->call, unbind_elsewhere);
	v3t_thread_start(&stall->others, attach_elsewhere, stall);
	expect_others_done(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->others.result, (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_FALSE(test, completion_done(&stall->second.done));
	answer_server(stall);
	KUNIT_EXPECT_EQ(test, (u32)stall->caller.result, (u32)c->expected);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachPasidDevice, stall->second.result);
	v3t_detach(test, stall->q.device);
}

static struct kunit_case sva_cases[] = {
	KUNIT_CASE(device_reaches_the_process),
	KUNIT_CASE(counts_as_attached),
	KUNIT_CASE(lives_beside_domains),
	KUNIT_CASE(two_bonds_are_one_pasid),
	KUNIT_CASE(removal_unbinds),
	KUNIT_CASE(removal_of_a_member_unbinds_the_group),
	KUNIT_CASE(arguments_are_checked),
	KUNIT_CASE(iommu_may_lack_it),
	KUNIT_CASE(capability_is_told),
	KUNIT_CASE(foreign_owner_keeps_us_out),
	KUNIT_CASE(pasid_of_the_process_may_be_too_large),
	KUNIT_CASE(attach_failures_leave_no_trace),
	KUNIT_CASE(survives_each_allocation_failing),
	KUNIT_CASE_PARAM(any_order_of_departure, exit_gen_params),
	KUNIT_CASE(process_exit_races_with_detach),
	KUNIT_CASE(nobody_else_waits_for_a_page_of_a_process),
	KUNIT_CASE(removal_waits_for_a_detach_of_its_own),
	KUNIT_CASE(external_newcomer_of_a_busy_group_is_guarded_against),
	KUNIT_CASE_PARAM(nobody_else_waits_for_an_attach, attach_gen_params),
	KUNIT_CASE_PARAM(who_waits_for_an_attach_waits_alone, waiter_gen_params),
	KUNIT_CASE(v1_detach_waits_for_the_attach),
	KUNIT_CASE_PARAM(second_detach_waits_for_the_first, again_gen_params),
	KUNIT_CASE_PARAM(processes_can_be_killed_while_they_wait, kill_gen_params),
	KUNIT_CASE_PARAM(unbind_waits_for_its_turn, bond_gen_params),
	{}
};

static struct kunit_suite sva_suite = {
	.name = "v3compat_sva",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = sva_cases,
};

kunit_test_suite(sva_suite);
