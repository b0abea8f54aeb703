// SPDX-License-Identifier: GPL-2.0
/*
 * Events, and page requests that the part answers.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>

static int open_events(struct part *part, unsigned int mask, unsigned int capacity)
{
	struct v3compat_events_open arg = {
		.device = part->device, .mask = mask, .capacity = capacity,
	};
	int ret = CALL(part->fd, EVENTS_OPEN, &arg);

	return ret ? ret : arg.out_fd;
}

/* next_event() waits for one, here or in the kernel. Of type ~0 when none comes. */
static struct v3compat_event next_event(int events)
{
	struct v3compat_event event = { .type = ~0u };
	struct pollfd poll_fd = { .fd = events, .events = POLLIN };

	shared->waits_since[actor] = time(NULL);
	if ((one_in(2) && poll(&poll_fd, 1, PATIENCE_MS) != 1) ||
	    read(events, &event, sizeof(event)) != sizeof(event))
		event.type = ~0u;
	shared->waits_since[actor] = 0;
	return event;
}

/* read_rest() reads all that there is, and then what is not there. */
static void read_rest(int events)
{
	struct v3compat_event several[4];
	ssize_t length;

	if (read(events, several, 1 + rnd(sizeof(several[0]) - 1)) >= 0 || errno != EINVAL)
		fail("a part of an event is read");
	if (fcntl(events, F_SETFL, O_NONBLOCK))
		fail("O_NONBLOCK: %s", strerror(errno));
	do
		length = read(events, several, sizeof(several));
	while (length > 0 && !(length % sizeof(several[0])));
	if (length >= 0 || errno != EAGAIN)
		fail("a read of nothing: %zd, %s", length, strerror(errno));
}

/* find_event() reads until there is one of @type, or @limit were others. */
static struct v3compat_event find_event(int events, unsigned int type, unsigned int limit)
{
	struct v3compat_event event;

	do
		event = next_event(events);
	while (event.type != type && event.type != ~0u && limit--);
	return event;
}

static void hear_of_fault(struct part *part, int events)
{
	unsigned long long at = CHILD_AT + 16 * PAGE + rnd(64) * PAGE, value;
	struct v3compat_event event;

	if (dma(&part->sim, at, &value, sizeof(value), false) <= IOMMUSIM_OK)
		fail("a device reads at %#llx, where nothing is", at);
	event = find_event(events, V3COMPAT_EVENT_FAULT, 100);
	if (event.type != V3COMPAT_EVENT_FAULT || event.device != (unsigned int)part->device ||
	    (event.address & ~(PAGE - 1)) != at)
		fail("a fault at %#llx: event %#x of device %u at %#llx", at, event.type,
		     event.device, (unsigned long long)event.address);
}

static void hear_events(struct part *part)
{
	bool faults = part->attached != NOWHERE && one_in(2);
	unsigned int mask = 1u << V3COMPAT_EVENT_STATE | 1u << V3COMPAT_EVENT_APERTURE |
			    1u << V3COMPAT_EVENT_DEVICE_GONE;
	int events, second;

	if (faults)
		mask |= 1u << V3COMPAT_EVENT_FAULT;
	events = open_events(part, mask, rnd(100));
	if (events < 0) {
		fail("EVENTS_OPEN answered %d", events);
		return;
	}
	if (find_event(events, V3COMPAT_EVENT_STATE, 100).type != V3COMPAT_EVENT_STATE)
		fail("nothing tells of the state");
	second = open_events(part, mask, 0);
	expect("another EVENTS_OPEN", second, -EBUSY, -EBUSY);
	expect("DESTROY of a device that is listened to", destroy(part->fd, part->device, NULL),
	       -EBUSY, -EBUSY);
	if (faults)
		hear_of_fault(part, events);
	if (one_in(2))
		read_rest(events);
	close(events);
}

int listen_to_end(struct part *part)
{
	int events = open_events(part, 1u << V3COMPAT_EVENT_DEVICE_GONE, 0);

	if (events < 0)
		fail("EVENTS_OPEN answered %d", events);
	return events;
}

/* hear_end() is told that the device has left. */
void hear_end(struct part *part, int events)
{
	struct v3compat_event event = find_event(events, V3COMPAT_EVENT_DEVICE_GONE, 100);

	if (event.type != V3COMPAT_EVENT_DEVICE_GONE || event.device != (unsigned int)part->device)
		fail("a device that left: event %#x of device %u", event.type, event.device);
	close(events);
}

void try_events(struct part *part)
{
	forbid_children();
	hear_events(part);
	allow_children();
}

/* struct asking: a thread in which the device asks for a page and waits for the answer. */
struct asking {
	struct iommusim_ioc_dma dma;
	int fd, reason;
	unsigned long long value;
};

static void *ask_for_page(void *arg)
{
	struct asking *asking = arg;

	asking->reason = ioctl(asking->fd, IOMMUSIM_IOC_DMA, &asking->dma) ?
				 -errno : (int)asking->dma.out_reason;
	return NULL;
}

/* answer_request() answers with a page, or with no page. True when the device may go on. */
static bool answer_request(struct part *part, struct domain *domain, int events, char *page)
{
	struct v3compat_event event = find_event(events, V3COMPAT_EVENT_PAGE_REQUEST, 100);
	struct v3compat_page_response arg = { .device = part->device, .cookie = event.cookie };
	bool good = !one_in(3);

	if (event.type != V3COMPAT_EVENT_PAGE_REQUEST) {
		fail("a page request is not told of: %#x", event.type);
		return false;
	}
	arg.code = good ? V3COMPAT_PAGE_RETRY : V3COMPAT_PAGE_REFUSE;
	if (good)
		expect("MAP for a page request",
		       map_fixed(part->fd, domain->handle, page, PAGE, CHILD_AT), 0, 0);
	expect("PAGE_RESPONSE", CALL(part->fd, PAGE_RESPONSE, &arg), 0, 0);
	return good;
}

/* ask_and_answer() is for sub-device @number, which is attached to @domain. */
static void ask_and_answer(struct part *part, struct domain *domain, unsigned int number)
{
	struct asking asking = { .fd = part->sim.fd, .value = 0x7265616368656421ULL };
	char *page = page_of(part, rnd(OWN_PAGES)) + 256;
	bool answered = false, good = false;
	pthread_t thread;
	int events;

	events = open_events(part, 1u << V3COMPAT_EVENT_PAGE_REQUEST, 0);
	if (events < 0) {
		fail("EVENTS_OPEN for page requests answered %d", events);
		return;
	}
	asking.dma = (struct iommusim_ioc_dma) {
		.size = sizeof(asking.dma),
		.flags = IOMMUSIM_DMA_PAGE_REQUESTS | IOMMUSIM_DMA_WRITE,
		.device_id = part->sim.device, .pasid = number, .address = CHILD_AT + 256,
		.length = sizeof(asking.value), .data = (uintptr_t)&asking.value,
	};
	if (pthread_create(&thread, NULL, ask_for_page, &asking)) {
		fail("no thread");
		return;
	}
	/* When nobody hears of it any more, it is refused. */
	if (!one_in(6)) {
		answered = true;
		good = answer_request(part, domain, events, page - 256);
	}
	close(events);
	pthread_join(thread, NULL);
	if (good ? asking.reason != IOMMUSIM_OK : asking.reason <= IOMMUSIM_OK)
		fail("a page request that was %s ended with %d",
		     good ? "answered" : answered ? "refused" : "forgotten", asking.reason);
	if (!good)
		return;
	if (memcmp(page, &asking.value, sizeof(asking.value)))
		fail("what a device wrote after a page request is not there");
	expect("UNMAP", unmap(part->fd, domain->handle, CHILD_AT, PAGE, NULL), 0, 0);
	hidden_at(part, domain, CHILD_AT);
}

void try_page_request(struct part *part)
{
	struct v3compat_pasid_create pasid = { .device = part->device };
	struct domain *domain = some_domain(part, false);

	if (!(part->config.features & IOMMUSIM_PAGE_REQUESTS) || !domain || domain->width)
		return;
	if (!expect("PASID_CREATE", CALL(part->fd, PASID_CREATE, &pasid), 0, 0))
		return;
	expect("ATTACH of a sub-device", attach(part->fd, domain->handle, pasid.out_pasid, NULL), 0,
	       0);
	forbid_children();
	ask_and_answer(part, domain, pasid.out_number);
	allow_children();
	expect("DETACH of a sub-device", detach(part->fd, pasid.out_pasid, NULL), 0, 0);
	expect("DESTROY of a sub-device", destroy(part->fd, pasid.out_pasid, NULL), 0, 0);
}
