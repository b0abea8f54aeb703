// SPDX-License-Identifier: GPL-2.0
/*
 * Events: from a refused DMA, or a page request, of a device of iommusim to the program, and from
 * its answer back to the device.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/iommusim.h>
#include <linux/v3compat.h>

#include "../iommufd/v3bench_iommufd.h"
#include "bench.h"

#define AT		0x40000000ULL
#define MAX_PASIDS	64
#define WARM_UPS	16
#define REPEATS		128

/**
 * struct sim - a device of iommusim
 * @fd: of /dev/iommusim
 * @device: id of the device there
 * @pasid: that it uses
 * @name: below /sys/bus/platform/devices
 */
struct sim {
	int fd;
	uint32_t device;
	uint32_t pasid;
	char name[IOMMUSIM_NAME_SIZE];
};

static void open_sim(struct sim *sim, uint32_t features)
{
	struct iommusim_ioc_create create = {
		.size = sizeof(create), .features = features, .max_pasids = MAX_PASIDS,
	};
	struct iommusim_ioc_device_create device = { .size = sizeof(device) };

	sim->fd = open("/dev/iommusim", O_RDWR | O_CLOEXEC);
	if (sim->fd < 0 || ioctl(sim->fd, IOMMUSIM_IOC_CREATE, &create))
		err(1, "iommusim");
	device.sim_id = create.out_id;
	if (ioctl(sim->fd, IOMMUSIM_IOC_DEVICE_CREATE, &device))
		err(1, "IOMMUSIM_IOC_DEVICE_CREATE");
	sim->device = device.out_id;
	memcpy(sim->name, device.out_name, sizeof(sim->name));
}

static char *new_page(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED)
		err(1, "mmap");
	return page;
}

/**
 * struct pager - who answers page requests
 * @name: in the results
 * @sim: whose they are
 * @events: what is read
 * @read: reads one, and says in @cookie what it is to be answered by
 * @answer: lets the device try again
 */
struct pager {
	const char *name;
	struct sim sim;
	int fd;
	int events;
	uint32_t device;
	uint64_t cookie;
	void (*read)(struct pager *pager);
	void (*answer)(struct pager *pager);
};

static sem_t wanted;

/* When a device sent a request, and when it had the answer. */
static uint64_t sent, answered;

static void *send_requests(void *arg)
{
	struct sim *sim = arg;
	uint64_t address = AT;
	struct iommusim_ioc_page_request request;
	unsigned int i;

	for (i = 0; i < WARM_UPS + REPEATS; i++) {
		request = (struct iommusim_ioc_page_request) {
			.size = sizeof(request), .device_id = sim->device,
			.pasid = sim->pasid, .addresses = (uintptr_t)&address, .count = 1,
		};
		sem_wait(&wanted);
		sent = now();
		if (ioctl(sim->fd, IOMMUSIM_IOC_PAGE_REQUEST, &request))
			err(1, "IOMMUSIM_IOC_PAGE_REQUEST");
		answered = now();
		if (request.out_response != IOMMUSIM_PAGE_SUCCESS)
			errx(1, "the answer is %u", request.out_response);
	}
	return NULL;
}

static void wait_for(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (poll(&poll_fd, 1, 10000) != 1 || !(poll_fd.revents & POLLIN))
		errx(1, "no event");
}

static void measure_requests(struct pager *pager)
{
	static struct samples readable, read, answer, whole;
	uint64_t seen, known, start;
	pthread_t thread;
	unsigned int i;

	if (sem_init(&wanted, 0, 0) || pthread_create(&thread, NULL, send_requests, &pager->sim))
		err(1, "thread");
	for (i = 0; i < WARM_UPS + REPEATS; i++) {
		sem_post(&wanted);
		wait_for(pager->events);
		seen = now();
		pager->read(pager);
		known = now();
		start = known;
		answered = 0;
		pager->answer(pager);
		/* The other thread has the same priority, and the answer has woken it. */
		while (!__atomic_load_n(&answered, __ATOMIC_RELAXED))
			sched_yield();
		if (i < WARM_UPS)
			continue;
		take_sample(&readable, seen - sent);
		take_sample(&read, known - seen);
		take_sample(&answer, answered - start);
		take_sample(&whole, answered - sent);
	}
	pthread_join(thread, NULL);
	print_call("page request", "readable", pager->name, 1, &readable);
	print_call("page request", "read", pager->name, 1, &read);
	print_call("page request", "answer", pager->name, 1, &answer);
	print_call("page request", "all", pager->name, 1, &whole);
}

static void read_v3compat(struct pager *pager)
{
	struct v3compat_event event;

	if (read(pager->events, &event, sizeof(event)) != sizeof(event) ||
	    event.type != V3COMPAT_EVENT_PAGE_REQUEST || event.address != AT)
		errx(1, "no page request");
	pager->cookie = event.cookie;
}

static void answer_v3compat(struct pager *pager)
{
	struct v3compat_page_response arg = {
		.size = sizeof(arg), .device = pager->device, .cookie = pager->cookie,
		.code = V3COMPAT_PAGE_RETRY,
	};

	if (ioctl(pager->fd, V3COMPAT_IOCTL_PAGE_RESPONSE, &arg))
		err(1, "PAGE_RESPONSE");
}

/* open_v3compat() attaches a PASID of the device to a domain with a page at AT. */
static void open_v3compat(struct pager *pager, uint32_t mask)
{
	struct v3compat_device_create device = {
		.size = sizeof(device), .flags = V3COMPAT_DEVICE_TAGGED, .name.bus = "platform",
	};
	struct v3compat_pasid_create pasid = { .size = sizeof(pasid) };
	struct v3compat_domain_create domain = {
		.size = sizeof(domain), .type = V3COMPAT_DOMAIN_TRANSLATE,
	};
	struct v3compat_attach attach = { .size = sizeof(attach) };
	struct v3compat_events_open events = { .size = sizeof(events), .mask = mask };
	struct v3compat_map map = {
		.size = sizeof(map), .flags = V3COMPAT_MAP_FIXED, .address = AT,
		.permissions = V3COMPAT_READ | V3COMPAT_WRITE,
		.source = {
			.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)new_page(),
			.length = PAGE,
		},
	};
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/platform/devices/%s/driver_override",
		 pager->sim.name);
	write_text(path, "v3compat-platform");
	write_text("/sys/bus/platform/drivers_probe", pager->sim.name);
	memcpy(device.name.name, pager->sim.name, sizeof(pager->sim.name));
	pager->fd = open("/dev/v3compat", O_RDWR | O_CLOEXEC);
	if (pager->fd < 0 || ioctl(pager->fd, V3COMPAT_IOCTL_DEVICE_CREATE, &device) ||
	    ioctl(pager->fd, V3COMPAT_IOCTL_DOMAIN_CREATE, &domain))
		err(1, "/dev/v3compat");
	pasid.device = device.out_device;
	if (ioctl(pager->fd, V3COMPAT_IOCTL_PASID_CREATE, &pasid))
		err(1, "PASID_CREATE");
	pager->sim.pasid = pasid.out_number;
	attach.domain = domain.out_domain;
	attach.object = pasid.out_pasid;
	map.object = domain.out_domain;
	events.device = device.out_device;
	if (ioctl(pager->fd, V3COMPAT_IOCTL_ATTACH, &attach) ||
	    ioctl(pager->fd, V3COMPAT_IOCTL_MAP, &map) ||
	    ioctl(pager->fd, V3COMPAT_IOCTL_EVENTS_OPEN, &events))
		err(1, "EVENTS_OPEN");
	pager->device = device.out_device;
	pager->events = events.out_fd;
}

static void read_iommufd(struct pager *pager)
{
	struct iommu_hwpt_pgfault fault;

	if (read(pager->events, &fault, sizeof(fault)) != sizeof(fault) || fault.addr != AT)
		errx(1, "no page request");
	pager->cookie = fault.cookie;
}

static void answer_iommufd(struct pager *pager)
{
	struct iommu_hwpt_page_response response = {
		.cookie = pager->cookie, .code = IOMMUFD_PAGE_RESP_SUCCESS,
	};

	if (write(pager->events, &response, sizeof(response)) != sizeof(response))
		err(1, "answer");
}

static void open_iommufd(struct pager *pager)
{
	struct v3bench_attach attach = { .pasid = 1 };
	struct v3bench_bind bind = {};
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt), .flags = IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID,
	};
	int helper = open("/dev/v3bench-iommufd", O_RDWR | O_CLOEXEC);

	pager->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	memcpy(bind.name, pager->sim.name, sizeof(pager->sim.name));
	bind.iommufd = pager->fd;
	if (helper < 0 || ioctl(helper, V3BENCH_BIND, &bind))
		err(1, "/dev/v3bench-iommufd");
	if (ioctl(pager->fd, IOMMU_IOAS_ALLOC, &ioas) ||
	    ioctl(pager->fd, IOMMU_FAULT_QUEUE_ALLOC, &fault))
		err(1, "IOMMU_FAULT_QUEUE_ALLOC");
	hwpt.dev_id = bind.out_device;
	hwpt.pt_id = ioas.out_ioas_id;
	hwpt.fault_id = fault.out_fault_id;
	if (ioctl(pager->fd, IOMMU_HWPT_ALLOC, &hwpt))
		err(1, "IOMMU_HWPT_ALLOC");
	attach.table = hwpt.out_hwpt_id;
	if (ioctl(helper, V3BENCH_ATTACH, &attach))
		err(1, "V3BENCH_ATTACH");
	pager->sim.pasid = attach.pasid;
	pager->events = fault.out_fault_fd;
}

/* measure_faults(): iommufd has nothing beside it, because it tells of page requests only. */
static void measure_faults(void)
{
	static struct samples samples;
	struct pager pager = {};
	struct v3compat_event event;
	struct iommusim_ioc_dma dma;
	uint32_t value;
	unsigned int i;
	uint64_t start;

	open_sim(&pager.sim, 0);
	open_v3compat(&pager, 1u << V3COMPAT_EVENT_FAULT);
	for (i = 0; i < WARM_UPS + REPEATS; i++) {
		dma = (struct iommusim_ioc_dma) {
			.size = sizeof(dma), .device_id = pager.sim.device,
			.pasid = pager.sim.pasid, .address = AT + PAGE, .length = sizeof(value),
			.data = (uintptr_t)&value,
		};
		start = now();
		if (ioctl(pager.sim.fd, IOMMUSIM_IOC_DMA, &dma) || !dma.out_reason)
			errx(1, "the DMA was not refused");
		wait_for(pager.events);
		if (i >= WARM_UPS)
			take_sample(&samples, now() - start);
		if (read(pager.events, &event, sizeof(event)) != sizeof(event) ||
		    event.type != V3COMPAT_EVENT_FAULT)
			errx(1, "no fault");
	}
	print_call("fault", "readable", "v3", 1, &samples);
	close(pager.events);
	close(pager.fd);
	close(pager.sim.fd);
}

void measure_events(void)
{
	struct pager ours = {
		.name = "v3", .read = read_v3compat, .answer = answer_v3compat,
	}, theirs = {
		.name = "iommufd", .read = read_iommufd, .answer = answer_iommufd,
	};

	measure_faults();
	open_sim(&ours.sim, IOMMUSIM_PAGE_REQUESTS);
	open_v3compat(&ours, 1u << V3COMPAT_EVENT_PAGE_REQUEST);
	measure_requests(&ours);
	if (access("/dev/v3bench-iommufd", F_OK))
		return;
	open_sim(&theirs.sim, IOMMUSIM_PAGE_REQUESTS);
	open_iommufd(&theirs);
	measure_requests(&theirs);
}
