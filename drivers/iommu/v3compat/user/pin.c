// SPDX-License-Identifier: GPL-2.0
/*
 * Pinning the caller's memory. It may take any time, because the memory may be a file's whose
 * server does not answer: no lock is held, and a fatal signal ends it.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "user/call.h"
#include "user/payer.h"
#include "user/pin.h"

/* PIECE_PAGES: as many are pinned at a time, because their pointers fill a page of scratch. */
#define PIECE_PAGES	(PAGE_SIZE / sizeof(struct page *))

/* MANY is for what grows with the memory, because a program can make that as much as it likes. */
#define MANY		(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* take_scratch() is a page for give_scratch(); the file keeps one, because that takes less time. */
static void *take_scratch(struct v3u_file *file)
{
	return xchg(&file->scratch, NULL) ?: (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
}

static void give_scratch(struct v3u_file *file, void *scratch)
{
	if (scratch && cmpxchg(&file->scratch, NULL, scratch))
		free_page((unsigned long)scratch);
}

/* grow_runs() makes room for one more run. */
static int grow_runs(struct v3u_pages *pages)
{
	u64 room = min(max(pages->room * 2, PIECE_PAGES), pages->most);
	struct v3c_run *runs;

	if (pages->runs == pages->few)
		runs = kvmalloc_array(room, sizeof(*runs), MANY);
	else
		runs = kvrealloc(pages->runs, array_size(room, sizeof(*runs)), MANY);
	if (!runs)
		return -ENOMEM;
	if (pages->runs == pages->few)
		memcpy(runs, pages->few, array_size(pages->count, sizeof(*runs)));
	pages->runs = runs;
	pages->room = room;
	return 0;
}

/* append_run() is add_run() of pages that do not follow those before them. */
static __always_inline int append_run(struct v3u_pages *pages, u64 pfn, u64 count)
{
	if (unlikely(pages->count >= pages->room) && grow_runs(pages))
		return -ENOMEM;
	pages->runs[pages->count++] = (struct v3c_run) { .pfn = pfn, .pages = count };
	pages->pages += count;
	return 0;
}

/*
 * add_run() adds pages that were pinned. Those of different folios that are pinned once each stay
 * apart.
 */
static int add_run(struct v3u_pages *pages, u64 pfn, u64 count)
{
	struct v3c_run *last = pages->count ? &pages->runs[pages->count - 1] : NULL;

	if (last && !pages->folios && last->pfn + last->pages == pfn) {
		last->pages += count;
		pages->pages += count;
		return 0;
	}
	return append_run(pages, pfn, count);
}

/*
 * is_behind() tells whether @page is the one @nth behind @first in memory. Only those two are
 * looked at, because there may be no page between them.
 */
static __always_inline bool is_behind(const struct page *page, const struct page *first, long nth)
{
	if (IS_ENABLED(CONFIG_SPARSEMEM) && !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		return page_to_pfn(page) == page_to_pfn(first) + nth;
	return page == first + nth;
}

#define FOLLOWS(k)	is_behind(pointers[i + (k)], first, i + (k))
#define FOLLOW_4(k)	(FOLLOWS(k) && FOLLOWS(k + 1) && FOLLOWS(k + 2) && FOLLOWS(k + 3))
#define FOLLOW_16(k)	(FOLLOW_4(k) && FOLLOW_4(k + 4) && FOLLOW_4(k + 8) && FOLLOW_4(k + 12))

/* count_more() is count_following() for two and more. */
static noinline long count_more(struct page **pointers, long count)
{
	const struct page *first = pointers[0];
	long i = 0;

	/* Many at once, because this is done for each page of huge ones. */
	while (i + 32 <= count && FOLLOW_16(0) && FOLLOW_16(16))
		i += 32;
	while (i < count && FOLLOWS(0))
		i++;
	return i;
}

#undef FOLLOW_16
#undef FOLLOW_4
#undef FOLLOWS

/* count_following() is how many of @pointers, at least one, follow each other from the first on. */
static __always_inline long count_following(struct page **pointers, long count)
{
	if (count == 1 || !is_behind(pointers[1], pointers[0], 1))
		return 1;
	return count_more(pointers, count);
}

/*
 * add_pointers() turns page pointers into runs. Every pointer is looked at, because the middle of
 * what begins and ends in one folio may be somewhere else.
 */
static int add_pointers(struct v3u_pages *pages, struct page **pointers, long count)
{
	long run = count_following(pointers, count);
	int ret = add_run(pages, page_to_pfn(*pointers), run);

	while (!ret && count > run) {
		pointers += run;
		count -= run;
		run = count_following(pointers, count);
		ret = append_run(pages, page_to_pfn(*pointers), run);
	}
	if (ret)
		unpin_user_pages(pointers, count);
	return ret;
}

/* refuse_user() finds out why memory at @address could not be pinned. */
static enum v3c_reason refuse_user(struct v3u_call *call, int err, u64 address, u64 last)
{
	enum v3c_reason reason = V3C_REASON_NOT_PINNABLE;
	struct vm_area_struct *vma;

	if (err == -EINTR || err == -ERESTARTSYS || fatal_signal_pending(current))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (err == -ENOMEM)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	if (mmap_read_lock_killable(current->mm))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	vma = vma_lookup(current->mm, untagged_addr(address));
	if (vma && vma->vm_flags & (VM_IO | VM_PFNMAP))
		reason = V3C_REASON_DEVICE_MEMORY;
	mmap_read_unlock(current->mm);
	if (reason == V3C_REASON_DEVICE_MEMORY)
		return v3u_refuse(call, reason, V3C_PARAM_NONE, 0, 0);
	return v3u_refuse(call, reason, V3C_PARAM_SOURCE, address, last);
}

/*
 * pin_user() pins the memory piece by piece. A piece that cannot be pinned as a whole is pinned up
 * to where it fails, so that the next try says why.
 */
static noinline enum v3c_reason pin_user(struct v3u_call *call, struct v3u_pages *pages, u64 start,
					 u64 count, struct page **pointers, u64 room)
{
	unsigned int flags = FOLL_LONGTERM | (pages->write ? FOLL_WRITE : 0);

	while (pages->pages < count) {
		u64 address = start + (pages->pages << PAGE_SHIFT);
		long got = -EINTR;

		if (!fatal_signal_pending(current))
			got = pin_user_pages_fast(address, min(room, count - pages->pages), flags,
						  pointers);
		if (got <= 0)
			return refuse_user(call, got, address, start + (count << PAGE_SHIFT) - 1);
		if (add_pointers(pages, pointers, got))
			return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		cond_resched();
	}
	return 0;
}

/* pin_one() pins a page. The usual case, and pin_user() does others. */
static __always_inline enum v3c_reason pin_one(struct v3u_call *call, struct v3u_pages *pages,
					       u64 start)
{
	unsigned int flags = FOLL_LONGTERM | (pages->write ? FOLL_WRITE : 0);
	struct page *page;

	if (unlikely(pin_user_pages_fast(start, 1, flags, &page) != 1))
		return pin_user(call, pages, start, 1, &page, 1);
	pages->runs[0] = (struct v3c_run) { .pfn = page_to_pfn(page), .pages = 1 };
	pages->count = 1;
	pages->pages = 1;
	return 0;
}

/*
 * begin_pages() charges, and takes a reference to the payer for each page. What is not pinned in
 * the end goes back by end_pages().
 */
static enum v3c_reason begin_pages(struct v3u_call *call, struct v3u_pages *pages, u64 count)
{
	enum v3c_reason reason;

	pages->payer = v3u_payer_get(call);
	if (!pages->payer)
		return call->why.reason;
	reason = v3u_payer_charge(call, pages->payer, count);
	if (reason) {
		v3u_payer_put(pages->payer, 1);
		pages->payer = NULL;
		return reason;
	}
	atomic64_add(count - 1, &pages->payer->refs);
	pages->most = count;
	return 0;
}

static void end_pages(struct v3u_pages *pages, u64 count)
{
	u64 missing = count - pages->pages;
	struct v3u_payer *payer = pages->payer;

	v3u_payer_uncharge(payer, missing);
	v3u_unpin(pages);
	if (missing)
		v3u_payer_put(payer, missing);
}

/**
 * v3u_pin_user() - pin memory of the calling process
 * @call: the command
 * @pages: result; @pages->write and @pages->few are set, and that these are the first @pages->runs,
 *	with @pages->room; the rest is 0
 * @start: first address, a multiple of the page size
 * @count: pages, not 0
 *
 * Context: may sleep, without a lock, for any time; killable.
 * Return: 0, for v3u_unpin() or v3u_pages_payload(); %V3C_REASON_MEMLOCK;
 * %V3C_REASON_NOT_PINNABLE; %V3C_REASON_DEVICE_MEMORY; %V3C_REASON_KILLED; or
 * %V3C_REASON_NO_MEMORY.
 */
enum v3c_reason v3u_pin_user(struct v3u_call *call, struct v3u_pages *pages, u64 start, u64 count)
{
	struct page *few[V3U_FEW_PAGES] __uninitialized, **pointers = few;
	enum v3c_reason reason = begin_pages(call, pages, count);
	u64 room = V3U_FEW_PAGES;

	if (reason)
		return reason;
	if (count == 1) {
		reason = pin_one(call, pages, start);
		if (unlikely(reason))
			end_pages(pages, count);
		return reason;
	}
	if (count > V3U_FEW_PAGES) {
		pointers = take_scratch(call->file);
		room = PIECE_PAGES;
	}
	if (pointers)
		reason = pin_user(call, pages, start, count, pointers, room);
	else
		reason = v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	if (pointers != few)
		give_scratch(call->file, pointers);
	if (reason)
		end_pages(pages, count);
	return reason;
}

/* seals_of() returns the seals of a memfd, or ~0 for another file. */
static unsigned int seals_of(struct file *memfd)
{
	if (shmem_file(memfd))
		return READ_ONCE(SHMEM_I(file_inode(memfd))->seals);
#ifdef CONFIG_HUGETLBFS
	if (is_file_hugepages(memfd))
		return READ_ONCE(HUGETLBFS_I(file_inode(memfd))->seals);
#endif
	return ~0u;
}

static enum v3c_reason refuse_memfd(struct v3u_call *call, int err, u64 first, u64 last)
{
	if (err == -EINTR || err == -ERESTARTSYS || fatal_signal_pending(current))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (err == -ENOMEM)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	return v3u_refuse(call, V3C_REASON_NOT_PINNABLE, V3C_PARAM_SOURCE, first, last);
}

/* add_folios() adds what memfd_pin_folios() found from @offset in the first folio on. */
static int add_folios(struct v3u_pages *pages, struct folio **folios, long got, u64 offset,
		      u64 count)
{
	long i;

	for (i = 0; i < got; i++) {
		u64 skip = offset >> PAGE_SHIFT;
		u64 have = min(folio_nr_pages(folios[i]) - skip, count - pages->pages);

		offset = 0;
		if (!have || add_run(pages, folio_pfn(folios[i]) + skip, have)) {
			unpin_folios(folios + i, got - i);
			return have ? -ENOMEM : 0;
		}
	}
	return 0;
}

static enum v3c_reason pin_memfd(struct v3u_call *call, struct v3u_pages *pages,
				 struct file *memfd, u64 start, u64 count, struct folio **folios)
{
	u64 last = start + (count << PAGE_SHIFT) - 1;

	while (pages->pages < count) {
		u64 first = start + (pages->pages << PAGE_SHIFT);
		pgoff_t offset = 0;
		long got = -EINTR;

		if (!fatal_signal_pending(current))
			got = memfd_pin_folios(memfd, first, last, folios, PIECE_PAGES, &offset);
		if (got <= 0)
			return refuse_memfd(call, got, first, last);
		if (add_folios(pages, folios, got, offset, count))
			return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		cond_resched();
	}
	return 0;
}

/*
 * check_memfd() refuses what is no memfd, what is beyond its end, and devices that write where the
 * caller may not.
 */
static enum v3c_reason check_memfd(struct v3u_call *call, struct file *memfd, bool write, int fd,
				   u64 start, u64 count)
{
	unsigned int seals = seals_of(memfd);
	u64 size;

	if (seals == ~0u)
		return v3u_refuse(call, V3C_REASON_BAD_FILE, V3C_PARAM_SOURCE, fd, 0);
	if (!(memfd->f_mode & FMODE_READ) ||
	    (write && (!(memfd->f_mode & FMODE_WRITE) ||
		       seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))))
		return v3u_refuse(call, V3C_REASON_READ_ONLY, V3C_PARAM_NONE, 0, 0);
	size = i_size_read(file_inode(memfd));
	if (start > size || count << PAGE_SHIFT > size - start)
		return v3u_refuse(call, V3C_REASON_BEYOND_MEMORY, V3C_PARAM_SOURCE, start,
				  start + (count << PAGE_SHIFT) - 1);
	return 0;
}

/**
 * v3u_pin_memfd() - pin memory of a memfd, folio by folio
 * @call: the command
 * @pages: result; @pages->write and @pages->few are set, and that these are the first @pages->runs,
 *	with @pages->room; the rest is 0
 * @fd: file descriptor of the caller
 * @start: offset in the file, a multiple of the page size
 * @count: pages, not 0; @start and they do not wrap
 *
 * Context: may sleep, without a lock; killable.
 * Return: as v3u_pin_user(); and %V3C_REASON_BAD_FILE, %V3C_REASON_READ_ONLY or
 * %V3C_REASON_BEYOND_MEMORY.
 */
enum v3c_reason v3u_pin_memfd(struct v3u_call *call, struct v3u_pages *pages, int fd, u64 start,
			      u64 count)
{
	struct file *memfd = fget(fd);
	struct folio **folios = NULL;
	bool write = pages->write;
	enum v3c_reason reason;

	if (!memfd)
		return v3u_refuse(call, V3C_REASON_BAD_FILE, V3C_PARAM_SOURCE, fd, 0);
	reason = check_memfd(call, memfd, write, fd, start, count);
	if (reason)
		goto put;
	/* A writable mapping keeps the file from being sealed now, as pinned folios do later. */
	if (write && mapping_map_writable(memfd->f_mapping)) {
		reason = v3u_refuse(call, V3C_REASON_READ_ONLY, V3C_PARAM_NONE, 0, 0);
		goto put;
	}
	reason = begin_pages(call, pages, count);
	if (reason)
		goto unmap;
	pages->folios = true;
	folios = take_scratch(call->file);
	if (folios)
		reason = pin_memfd(call, pages, memfd, start, count, folios);
	else
		reason = v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	give_scratch(call->file, folios);
	if (reason)
		end_pages(pages, count);
unmap:
	if (write)
		mapping_unmap_writable(memfd->f_mapping);
put:
	fput(memfd);
	return reason;
}

/* v3u_free_runs() frees the description of pages that somebody else gives back. */
void v3u_free_runs(struct v3u_pages *pages)
{
	if (pages->runs != pages->few)
		kvfree(pages->runs);
}

/* v3u_unpin() gives everything back, and frees what @pages has, which is empty then. */
void v3u_unpin(struct v3u_pages *pages)
{
	struct v3u_payer *payer = pages->payer;
	u64 i;

	for (i = 0; i < pages->count; i++) {
		const struct v3c_run *run = &pages->runs[i];

		unpin_user_page_range_dirty_lock(pfn_to_page(run->pfn),
						 pages->folios ? 1 : run->pages, pages->write);
		cond_resched();
	}
	v3u_payer_uncharge(payer, pages->pages);
	v3u_free_runs(pages);
	if (pages->pages)
		v3u_payer_put(payer, pages->pages);
	*pages = (struct v3u_pages) {};
}

static void give_read(void *context, u64 pfn, u64 pages)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(pfn), pages, false);
}

static void give_write(void *context, u64 pfn, u64 pages)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(pfn), pages, true);
}

static void end_given(void *context, u64 pages)
{
	v3u_payer_unmapped(context, pages);
}

/**
 * struct v3u_folio - a folio that is pinned once, and some of whose pages a payload has
 * @at: the payload's page that they begin with
 * @page: the first of them
 * @left: of them, not given back yet
 */
struct v3u_folio {
	u64 at;
	struct page *page;
	atomic_t left;
};

/**
 * struct v3u_folios - folios, until all of their pages are given back
 * @payload: its pages are numbered in the order of the folios
 * @payer: with a reference for each page
 * @write: devices may write to them
 * @left: pages not given back yet
 * @count: of @folio
 * @folio: the folios
 */
struct v3u_folios {
	struct v3c_payload payload;
	struct v3u_payer *payer;
	bool write;
	atomic64_t left;
	u64 count;
	struct v3u_folio folio[] __counted_by(count);
};

static struct v3u_folio *find_folio(struct v3u_folios *folios, u64 at)
{
	u64 low = 0, high = folios->count;

	while (high - low > 1) {
		u64 middle = low + (high - low) / 2;

		if (folios->folio[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &folios->folio[low];
}

static void release_folios(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3u_folios *folios = container_of(payload, struct v3u_folios, payload);
	struct v3u_folio *folio = find_folio(folios, at), *end = &folios->folio[folios->count];
	struct v3u_payer *payer = folios->payer;
	u64 last = at + pages, behind;

	for (; at < last; at = behind, folio++) {
		behind = folio + 1 < end ? min(folio[1].at, last) : last;
		if (!atomic_sub_return(behind - at, &folio->left))
			unpin_user_page_range_dirty_lock(folio->page, 1, folios->write);
		cond_resched();
	}
	if (!atomic64_sub_return(pages, &folios->left))
		kvfree(folios);
	v3u_payer_unmapped(payer, pages);
}

static struct v3c_payload *folios_payload(struct v3u_pages *pages)
{
	struct v3u_folios *folios = kvzalloc(struct_size(folios, folio, pages->count),
					     MANY);
	u64 i, at = 0;

	if (!folios)
		return NULL;
	folios->payload.release = release_folios;
	folios->payer = pages->payer;
	folios->write = pages->write;
	folios->count = pages->count;
	for (i = 0; i < pages->count; i++) {
		folios->folio[i].at = at;
		folios->folio[i].page = pfn_to_page(pages->runs[i].pfn);
		atomic_set(&folios->folio[i].left, pages->runs[i].pages);
		at += pages->runs[i].pages;
	}
	atomic64_set(&folios->left, at);
	return &folios->payload;
}

/**
 * v3u_pages_payload() - let a mapping keep pinned pages
 * @pages: which; it has nothing to give back any more on success, but for the description
 * @at: result, number of the first page in the payload
 *
 * Counts on &v3u_file.mapped being raised by the number of pages.
 *
 * Context: may sleep.
 * Return: the payload, or NULL without memory.
 */
struct v3c_payload *v3u_pages_payload(struct v3u_pages *pages, u64 *at)
{
	struct v3u_payer *payer = pages->payer;

	*at = 0;
	if (pages->folios)
		return folios_payload(pages);
	if (pages->count > 1)
		return v3c_payload_of_runs(pages->runs, pages->count,
					   pages->write ? give_write : give_read, end_given, payer,
					   MANY);
	*at = pages->runs->pfn;
	return pages->write ? &payer->write : &payer->read;
}
