// SPDX-License-Identifier: GPL-2.0
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommusim.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "model.h"

#define READS		1
#define READS_WRITES	3

#define ABSENT		(~0U)
#define POISON		0xccccccccccccccccULL
#define LARGE_PAGES	512U

/* Steps between two looks at all pages. */
#define LOOK_STEPS	32

static unsigned int below(struct model *m, unsigned int limit)
{
	return prandom_u32_state(&m->random) % limit;
}

static u64 pool_page(const struct model *m)
{
	return page_to_pfn(m->pool);
}

/* The first MODEL_POOL numbers are the window's pages, the others the memory's own. */
static u64 address_of(const struct model *m, unsigned int page)
{
	if (page < MODEL_POOL)
		return MODEL_WINDOW + ((u64)page << PAGE_SHIFT);
	return (pool_page(m) + page - MODEL_POOL) << PAGE_SHIFT;
}

static unsigned int identity_of(const struct model *m, PFN_NUMBER pfn)
{
	return MODEL_POOL + (unsigned int)(pfn - pool_page(m));
}

/* Pages that have no neighbour on that side. */
static bool is_window_start(unsigned int page)
{
	return page % MODEL_POOL == 0;
}

__printf(2, 3)
static bool fail(struct model *m, const char *format, ...)
{
	va_list args;

	if (!m->error[0]) {
		va_start(args, format);
		vscnprintf(m->error, sizeof(m->error), format, args);
		va_end(args);
	}
	return false;
}

static bool expect(struct model *m, const char *call, unsigned int page, unsigned int count,
		   NTSTATUS status, NTSTATUS expected)
{
	if (status != expected)
		return fail(m, "%s of %u pages at %#llx: status %#x, expected %#x", call, count,
			    address_of(m, page), (u32)status, (u32)expected);
	if (!NT_SUCCESS(status))
		m->refused++;
	return true;
}

/* What devices see */

static bool look(struct model *m, unsigned int page)
{
	const struct model_page *p = &m->pages[page];
	struct model_device *device;

	for (device = m->devices; device < m->devices + MODEL_DEVICES; device++) {
		if (!device->attached)
			continue;
		m->seen++;
		if (!device->sees(device->context, address_of(m, page),
				  (u64)(p->permissions ? p->pfn : pool_page(m)) << PAGE_SHIFT,
				  p->permissions))
			return fail(
				m, "device %u at %#llx: not what permissions %u to page %#llx give",
				(unsigned int)(device - m->devices), address_of(m, page),
				p->permissions, (u64)p->pfn);
	}
	return true;
}

static bool look_at(struct model *m, unsigned int first, unsigned int end)
{
	for (; first < end; first++)
		if (!look(m, first))
			return false;
	cond_resched();
	return true;
}

/* What the list says */

static bool same_owner(const struct model *m, unsigned int page, unsigned int other)
{
	return m->pages[page].kind == m->pages[other].kind &&
	       m->pages[page].owner == m->pages[other].owner;
}

static bool begins(const struct model *m, unsigned int page)
{
	return is_window_start(page) || !same_owner(m, page - 1, page);
}

static unsigned int first_of(const struct model *m, unsigned int page)
{
	while (!begins(m, page))
		page--;
	return page;
}

static unsigned int end_of(const struct model *m, unsigned int page)
{
	do {
		page++;
	} while (page < MODEL_PAGES && !begins(m, page));
	return page;
}

static bool all_are(const struct model *m, unsigned int page, unsigned int count,
		    enum model_kind kind)
{
	while (count--)
		if (m->pages[page++].kind != kind)
			return false;
	return true;
}

/*
 * Where a mapping is cut its IOMMU may have one entry for both sides only if memory goes on there.
 */
static bool cuts_contiguous(const struct model *m, unsigned int page)
{
	return page < MODEL_PAGES && !begins(m, page) &&
	       m->pages[page].pfn == m->pages[page - 1].pfn + 1;
}

static unsigned int find(struct model *m, enum model_kind kind)
{
	unsigned int start = below(m, MODEL_PAGES), i;

	for (i = 0; i < MODEL_PAGES; i++)
		if (m->pages[(start + i) % MODEL_PAGES].kind == kind)
			return (start + i) % MODEL_PAGES;
	return ABSENT;
}

static void set_page(struct model *m, unsigned int page, enum model_kind kind, PFN_NUMBER pfn,
		     ULONG permissions)
{
	struct model_page *p = &m->pages[page];

	p->kind = kind;
	p->pfn = pfn;
	p->permissions = permissions;
	p->owner = m->owner;
}

/* Takes the pages out. What is left behind them of a mapping is one of its own from now on. */
static void clear(struct model *m, unsigned int page, unsigned int count, enum model_kind kind)
{
	unsigned int end = page + count, rest_end = end, i;

	if (end < MODEL_PAGES && !begins(m, end))
		rest_end = end_of(m, end);
	m->owner++;
	for (i = page; i < end; i++)
		set_page(m, i, kind, 0, 0);
	m->owner++;
	for (; i < rest_end; i++)
		m->pages[i].owner = m->owner;
}

/* Choices */

static unsigned int some_length(struct model *m)
{
	switch (below(m, 8)) {
	case 0 ... 3:
		return 1 + below(m, 4);
	case 4 ... 5:
		return 1 + below(m, 16);
	case 6:
		return 1 + below(m, 128);
	default:
		return below(m, 2) ? LARGE_PAGES : 1 + below(m, LARGE_PAGES + 64);
	}
}

/* Often right behind what was mapped before, so that there is something to join. */
static unsigned int some_place(struct model *m, unsigned int count)
{
	unsigned int place, tries;

	for (tries = 0; tries < 8; tries++) {
		place = !tries && below(m, 2) ? m->next : below(m, MODEL_PAGES);
		if (count >= LARGE_PAGES)
			place = round_down(place, LARGE_PAGES);
		if (place >= MODEL_PAGES || place % MODEL_POOL + count > MODEL_POOL)
			place = round_down(place - 1, MODEL_POOL) + MODEL_POOL - count;
		if (all_are(m, place, count, MODEL_FREE) || !below(m, 8))
			break;
	}
	return place;
}

static ULONG some_permissions(struct model *m)
{
	return below(m, 4) ? READS_WRITES : READS + below(m, READS_WRITES);
}

static void fill_runs(struct model *m, unsigned int count, unsigned int longest)
{
	unsigned int i = 0, from, length;

	while (i < count) {
		length = min(1 + below(m, longest), count - i);
		from = below(m, MODEL_POOL - length + 1);
		while (length--)
			m->pfns[i++] = pool_page(m) + from++;
	}
}

static void fill_contiguous(struct model *m, unsigned int count, unsigned int from)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		m->pfns[i] = pool_page(m) + from + i;
}

/* Memory for a range: single pages, runs, or all in order, also so that large pages fit. */
static void fill_some(struct model *m, unsigned int page, unsigned int count)
{
	unsigned int from = below(m, MODEL_POOL - count + 1);

	switch (count == LARGE_PAGES ? 2 : below(m, 4)) {
	case 0:
		fill_runs(m, count, 1);
		return;
	case 1:
		fill_runs(m, count, 8);
		return;
	case 2:
		from = page % LARGE_PAGES + (from & LARGE_PAGES);
		if (from + count > MODEL_POOL)
			from = MODEL_POOL - count;
		fallthrough;
	default:
		fill_contiguous(m, count, from);
	}
}

static bool is_contiguous(const struct model *m, unsigned int count)
{
	unsigned int i;

	for (i = 1; i < count; i++)
		if (m->pfns[i] != m->pfns[0] + i)
			return false;
	return true;
}

/* The pages filled in, in any of the forms that can say it. */
static IOMMU_MAP_PHYSICAL_ADDRESS some_form(struct model *m, unsigned int count)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what = {};

	switch (below(m, is_contiguous(m, count) ? 4 : 2)) {
	case 0:
		what.MapType = MapPhysicalAddressTypeMdl;
		what.Mdl.Mdl = m->mdl;
		m->mdl->ByteCount = count << PAGE_SHIFT;
		break;
	case 1:
		what.MapType = MapPhysicalAddressTypePfn;
		what.PfnArray.PageFrame = m->pfns;
		what.PfnArray.NumberOfPages = count;
		break;
	default:
		what.MapType = MapPhysicalAddressTypeContiguousRange;
		what.ContiguousRange.Base.QuadPart = m->pfns[0] << PAGE_SHIFT;
		what.ContiguousRange.Size = (u64)count << PAGE_SHIFT;
		break;
	}
	return what;
}

/* Steps. Each returns whether the call did what the list says, and the devices see it. */

static bool look_around(struct model *m, unsigned int first, unsigned int end)
{
	return look_at(m, is_window_start(first) ? first : first - 1, min(end + 1, MODEL_PAGES));
}

static bool map_logical(struct model *m)
{
	unsigned int count = some_length(m), page = some_place(m, count), i;
	IOMMU_DMA_LOGICAL_ADDRESS at = address_of(m, page), out = POISON;
	bool fits = all_are(m, page, count, MODEL_FREE);
	ULONG permissions = some_permissions(m);
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	NTSTATUS status;

	fill_some(m, page, count);
	what = some_form(m, count);
	status = m->v3->MapLogicalRangeEx(m->domain, permissions, &what, &at, NULL, NULL, &out);
	if (!expect(m, "MapLogicalRangeEx", page, count, status,
		    fits ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE))
		return false;
	if (out != (fits ? at : POISON))
		return fail(m, "MapLogicalRangeEx at %#llx: address output %#llx", at, out);
	if (fits) {
		m->mapped++;
		m->owner++;
		for (i = 0; i < count; i++)
			set_page(m, page + i, MODEL_LOGICAL, m->pfns[i], permissions);
		m->next = page + count;
	}
	return look_around(m, page, page + count);
}

/*
 * The range to unmap: whole mappings, one or several, or a part, or what is not mapped as a whole.
 */
static void some_range(struct model *m, unsigned int page, unsigned int *first, unsigned int *end)
{
	unsigned int more = below(m, 3), size;

	*first = first_of(m, page);
	*end = end_of(m, page);
	size = *end - *first;
	switch (below(m, 8)) {
	case 0 ... 2:
		return;
	case 3:
		while (more-- && *end < MODEL_PAGES && m->pages[*end].kind == MODEL_LOGICAL &&
		       !is_window_start(*end))
			*end = end_of(m, *end);
		return;
	case 4:
		*end -= below(m, size);
		return;
	case 5:
		*first += below(m, size);
		return;
	case 6:
		*first += below(m, size);
		*end = *first + 1 + below(m, *end - *first);
		return;
	default:
		*first = page;
		*end = min(page + 1 + below(m, 16), round_up(page + 1, MODEL_POOL));
		return;
	}
}

/* Where an entry of the IOMMU may lie across a cut, both answers are right, if they are true. */
static bool take_answer(struct model *m, const char *call, unsigned int first, unsigned int end,
			NTSTATUS status, bool whole, bool may_refuse)
{
	if (whole && may_refuse && status == STATUS_INVALID_PARAMETER) {
		m->uncut++;
		return true;
	}
	return expect(m, call, first, end - first, status,
		      whole ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
}

static bool unmap_logical(struct model *m)
{
	unsigned int page = find(m, MODEL_LOGICAL), first, end, around_first, around_end;
	bool whole, part, may_refuse;
	NTSTATUS status;

	if (page == ABSENT)
		return true;
	some_range(m, page, &first, &end);
	around_first = first_of(m, first);
	around_end = end_of(m, end - 1);
	whole = all_are(m, first, end - first, MODEL_LOGICAL);
	part = around_first < first || around_end > end;
	may_refuse = cuts_contiguous(m, first) || cuts_contiguous(m, end);
	status = m->v3->UnmapLogicalRange(m->domain, address_of(m, first), end - first);
	if (!take_answer(m, "UnmapLogicalRange", first, end, status, whole, may_refuse))
		return false;
	if (NT_SUCCESS(status)) {
		m->unmapped++;
		m->cuts += part;
		clear(m, first, end - first, MODEL_FREE);
	}
	return look_around(m, around_first, around_end);
}

/* All there is, neighbours together, so that large pages find room again. */
static bool unmap_all_logical(struct model *m)
{
	unsigned int page = 0, end;
	NTSTATUS status;

	while (page < MODEL_PAGES) {
		if (m->pages[page].kind != MODEL_LOGICAL) {
			page++;
			continue;
		}
		for (end = page + 1; !is_window_start(end) && m->pages[end].kind == MODEL_LOGICAL;)
			end++;
		status = m->v3->UnmapLogicalRange(m->domain, address_of(m, page), end - page);
		if (!expect(m, "UnmapLogicalRange", page, end - page, status, STATUS_SUCCESS))
			return false;
		m->unmapped++;
		clear(m, page, end - page, MODEL_FREE);
		page = end;
	}
	return look_at(m, 0, MODEL_PAGES);
}

static bool map_identity(struct model *m)
{
	unsigned int count = 1 + below(m, below(m, 8) ? 12 : 128), i, page;
	ULONG permissions = some_permissions(m);
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	NTSTATUS status;
	bool fits = true;

	fill_some(m, MODEL_POOL + below(m, MODEL_POOL), count);
	/* A page that is named twice is in the way of itself. */
	m->owner++;
	for (i = 0; i < count; i++) {
		page = identity_of(m, m->pfns[i]);
		fits &= m->pages[page].kind == MODEL_FREE && m->pages[page].owner != m->owner;
		if (m->pages[page].kind == MODEL_FREE)
			m->pages[page].owner = m->owner;
	}
	what = some_form(m, count);
	status = m->v3->MapIdentityRangeEx(m->domain, permissions, &what);
	if (!expect(m, "MapIdentityRangeEx", identity_of(m, m->pfns[0]), count, status,
		    fits ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE))
		return false;
	if (fits)
		m->mapped++;
	for (i = 0; i < count; i++) {
		page = identity_of(m, m->pfns[i]);
		/* Each run of neighbours is a mapping. */
		if (!i || m->pfns[i] != m->pfns[i - 1] + 1)
			m->owner++;
		if (fits)
			set_page(m, page, MODEL_IDENTITY, m->pfns[i], permissions);
	}
	for (i = 0; i < count; i++) {
		page = identity_of(m, m->pfns[i]);
		if (!look_around(m, page, page + 1))
			return false;
	}
	return true;
}

/* Some mappings in turn; the last one perhaps not to its end, perhaps with a page too many. */
static unsigned int fill_identity(struct model *m)
{
	unsigned int mappings = 1 + below(m, 3), count = 0, page, first, end;

	while (mappings--) {
		page = find(m, MODEL_IDENTITY);
		first = first_of(m, page);
		end = end_of(m, page);
		/* Twice the same is nothing that the list could answer. */
		for (page = 0; page < count; page++)
			if (same_owner(m, identity_of(m, m->pfns[page]), first))
				return count;
		if (!mappings && !below(m, 3))
			first += below(m, end - first);
		if (!mappings && !below(m, 3))
			end -= below(m, end - first);
		if (!mappings && !below(m, 6) && end < MODEL_PAGES &&
		    m->pages[end].kind != MODEL_IDENTITY)
			end++;
		for (page = first; page < end && count < MODEL_POOL; page++)
			m->pfns[count++] = pool_page(m) + page - MODEL_POOL;
	}
	return count;
}

/* Calls @fn for each run of neighbours among the pages filled in. */
static bool each_run(struct model *m, unsigned int count,
		     bool (*fn)(struct model *m, unsigned int first, unsigned int end))
{
	unsigned int start, i;
	bool all = true;

	for (start = 0; start < count; start = i) {
		for (i = start + 1; i < count && m->pfns[i] == m->pfns[i - 1] + 1; i++)
			;
		all &= fn(m, identity_of(m, m->pfns[start]), identity_of(m, m->pfns[i - 1]) + 1);
	}
	return all;
}

static bool is_identity(struct model *m, unsigned int first, unsigned int end)
{
	return all_are(m, first, end - first, MODEL_IDENTITY);
}

static bool is_uncut(struct model *m, unsigned int first, unsigned int end)
{
	return begins(m, first) && (end == MODEL_PAGES || begins(m, end));
}

static bool clear_run(struct model *m, unsigned int first, unsigned int end)
{
	clear(m, first, end - first, MODEL_FREE);
	return true;
}

/* All of what was there before. */
static bool look_around_run(struct model *m, unsigned int first, unsigned int end)
{
	return look_around(m, is_window_start(first) ? first : first_of(m, first - 1),
			   end < MODEL_PAGES ? end_of(m, end) : end);
}

static bool unmap_identity(struct model *m)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	bool whole, uncut;
	unsigned int count;
	NTSTATUS status;

	if (find(m, MODEL_IDENTITY) == ABSENT)
		return true;
	count = fill_identity(m);
	whole = each_run(m, count, is_identity);
	uncut = each_run(m, count, is_uncut);
	what = some_form(m, count);
	status = m->v3->UnmapIdentityRangeEx(m->domain, &what);
	if (!take_answer(m, "UnmapIdentityRangeEx", identity_of(m, m->pfns[0]),
			 identity_of(m, m->pfns[0]) + count, status, whole, !uncut))
		return false;
	if (NT_SUCCESS(status)) {
		m->unmapped++;
		m->cuts += !uncut;
		each_run(m, count, clear_run);
	}
	return each_run(m, count, look_around_run);
}

static unsigned int some_token(struct model *m, bool used)
{
	unsigned int i, token = below(m, MODEL_TOKENS);

	for (i = 0; i < MODEL_TOKENS; i++, token = (token + 1) % MODEL_TOKENS)
		if (!!m->tokens[token] == used)
			return token;
	return ABSENT;
}

static unsigned int token_page(const struct model *m, unsigned int token)
{
	unsigned int page = 0;

	while (address_of(m, page) != m->tokens[token]->LogicalAddressBase)
		page++;
	return page;
}

static bool reserve(struct model *m)
{
	unsigned int count = 2 + below(m, below(m, 4) ? 60 : LARGE_PAGES);
	unsigned int page = some_place(m, count), token = some_token(m, false), i;
	bool fits = all_are(m, page, count, MODEL_FREE);
	IOMMU_DMA_LOGICAL_ADDRESS at = address_of(m, page);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN out = NULL;
	NTSTATUS status;

	if (token == ABSENT)
		return true;
	status = m->v3->ReserveLogicalAddressRange(m->domain, (u64)count << PAGE_SHIFT, &at, NULL,
						   NULL, &out);
	m->tokens[token] = out;
	if (!expect(m, "ReserveLogicalAddressRange", page, count, status,
		    fits ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE))
		return false;
	if (fits) {
		m->mapped++;
		if (out->LogicalAddressBase != at || out->Size != (u64)count << PAGE_SHIFT)
			return fail(m, "token of %u pages at %#llx: %#llx bytes at %#llx", count,
				    at, (u64)out->Size, out->LogicalAddressBase);
		m->owner++;
		for (i = page; i < page + count; i++) {
			set_page(m, i, MODEL_RESERVED, 0, 0);
			m->pages[i].token = token;
		}
	}
	return look_around(m, page, page + count);
}

static bool unreserve(struct model *m)
{
	unsigned int token = some_token(m, true), page, count;
	NTSTATUS status;
	bool idle;

	if (token == ABSENT)
		return true;
	page = token_page(m, token);
	count = m->tokens[token]->Size >> PAGE_SHIFT;
	idle = all_are(m, page, count, MODEL_RESERVED);
	status = m->v3->FreeReservedLogicalAddressRange(m->tokens[token]);
	if (!expect(m, "FreeReservedLogicalAddressRange", page, count, status,
		    idle ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE))
		return false;
	if (idle) {
		m->unmapped++;
		m->tokens[token] = NULL;
		clear(m, page, count, MODEL_FREE);
	}
	return look_around(m, page, page + count);
}

/* The page behind a segment, still without one and of the same token. */
static unsigned int behind_segment(struct model *m)
{
	unsigned int page = find(m, MODEL_SEGMENT), tries, end;

	for (tries = 0; tries < 8 && page != ABSENT; tries++) {
		end = end_of(m, page);
		if (!is_window_start(end) && m->pages[end].kind == MODEL_RESERVED &&
		    m->pages[end].token == m->pages[page].token)
			return end;
		page = find(m, MODEL_SEGMENT);
	}
	return ABSENT;
}

static bool map_reserved(struct model *m)
{
	unsigned int page = below(m, 2) ? behind_segment(m) : ABSENT, count, first, end, i, token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {};
	ULONG permissions = some_permissions(m);
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	PFN_NUMBER pfn = 0;
	NTSTATUS status;
	bool fits;

	if (page != ABSENT) {
		/* The memory goes on, too: nothing but the token's list tells the two apart. */
		pfn = m->pages[page - 1].pfn + 1;
		permissions = m->pages[page - 1].permissions;
	} else {
		page = find(m, MODEL_RESERVED);
	}
	if (page == ABSENT)
		return true;
	token = m->pages[page].token;
	first = token_page(m, token);
	end = first + (unsigned int)(m->tokens[token]->Size >> PAGE_SHIFT);
	count = min(below(m, 4) ? 1 : some_length(m), end - page);
	if (pfn && identity_of(m, pfn) + count <= MODEL_PAGES)
		fill_contiguous(m, count, (unsigned int)(pfn - pool_page(m)));
	else
		fill_some(m, page, count);
	fits = all_are(m, page, count, MODEL_RESERVED);
	what = some_form(m, count);
	status = m->v3->MapReservedLogicalRange(m->tokens[token], (u64)(page - first) << PAGE_SHIFT,
						permissions, &what, &segment);
	if (!expect(m, "MapReservedLogicalRange", page, count, status,
		    fits ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE))
		return false;
	if (fits) {
		m->mapped++;
		m->owner++;
		for (i = 0; i < count; i++)
			set_page(m, page + i, MODEL_SEGMENT, m->pfns[i], permissions);
	}
	return look_around(m, page, page + count);
}

static bool unmap_reserved(struct model *m)
{
	unsigned int page = find(m, MODEL_SEGMENT), first, count, before, behind;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {};
	NTSTATUS status;
	bool right;

	if (page == ABSENT)
		return true;
	first = first_of(m, page);
	count = end_of(m, page) - first;
	segment.OwningToken = m->tokens[m->pages[page].token];
	segment.Offset = address_of(m, first) - segment.OwningToken->LogicalAddressBase;
	segment.Size = (u64)count << PAGE_SHIFT;
	right = below(m, 8) || count == 1;
	if (!right)
		segment.Size -= PAGE_SIZE;
	before = is_window_start(first) ? first : first_of(m, first - 1);
	behind = first + count < MODEL_PAGES ? end_of(m, first + count) : first + count;
	status = m->v3->UnmapReservedLogicalRange(&segment);
	if (!expect(m, "UnmapReservedLogicalRange", first, count, status,
		    right ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER))
		return false;
	if (right) {
		m->unmapped++;
		clear(m, first, count, MODEL_RESERVED);
	}
	return look_around(m, before, behind);
}

static bool toggle(struct model *m, unsigned int index)
{
	struct model_device *device = &m->devices[index];
	NTSTATUS status;

	status = device->attached ? m->v3->DetachDeviceEx(device->handle) :
				    m->v3->AttachDeviceEx(m->domain, device->handle);
	if (!NT_SUCCESS(status))
		return fail(m, "%s of device %u: status %#x",
			    device->attached ? "DetachDeviceEx" : "AttachDeviceEx", index,
			    (u32)status);
	if (device->attached)
		m->unmapped++;
	else
		m->mapped++;
	device->attached = !device->attached;
	return look_at(m, 0, MODEL_PAGES);
}

static bool attach_or_detach(struct model *m)
{
	return toggle(m, below(m, MODEL_DEVICES));
}

static const struct {
	unsigned int weight;
	bool (*run)(struct model *m);
} choices[] = {
	{ 24, map_logical },
	{ 26, unmap_logical },
	{ 1, unmap_all_logical },
	{ 7, map_identity },
	{ 6, unmap_identity },
	{ 4, reserve },
	{ 2, unreserve },
	{ 16, map_reserved },
	{ 9, unmap_reserved },
	{ 5, attach_or_detach },
};

static bool step(struct model *m)
{
	unsigned int i, dice = below(m, 100);

	for (i = 0; dice >= choices[i].weight; i++)
		dice -= choices[i].weight;
	return choices[i].run(m);
}

/* After a failure nothing is known for sure, so that all that can be tried is tried. */
static void finish(struct model *m)
{
	unsigned int page, i;

	for (page = 0; page < MODEL_PAGES; page = end_of(m, page)) {
		IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {};

		if (m->pages[page].kind != MODEL_SEGMENT)
			continue;
		segment.OwningToken = m->tokens[m->pages[page].token];
		segment.Offset = address_of(m, page) - segment.OwningToken->LogicalAddressBase;
		segment.Size = (u64)(end_of(m, page) - page) << PAGE_SHIFT;
		if (!NT_SUCCESS(m->v3->UnmapReservedLogicalRange(&segment)))
			fail(m, "a segment at %#llx cannot be unmapped", address_of(m, page));
	}
	for (i = 0; i < MODEL_TOKENS; i++)
		if (m->tokens[i] &&
		    !NT_SUCCESS(m->v3->FreeReservedLogicalAddressRange(m->tokens[i])))
			fail(m, "the token at %#llx cannot be freed",
			     m->tokens[i]->LogicalAddressBase);
	for (i = 0; i < MODEL_DEVICES; i++) {
		if (m->devices[i].attached &&
		    !NT_SUCCESS(m->v3->DetachDeviceEx(m->devices[i].handle)))
			fail(m, "device %u cannot be detached", i);
		m->devices[i].attached = false;
	}
}

static void walk(struct model *m)
{
	unsigned int wanted = m->steps, i;

	prandom_seed_state(&m->random, m->seed);
	for (m->steps = 0; m->steps < wanted && !m->error[0]; m->steps++)
		if (step(m) && m->steps % LOOK_STEPS == LOOK_STEPS - 1)
			look_at(m, 0, MODEL_PAGES);
	for (i = 0; i < MODEL_DEVICES && !m->error[0]; i++)
		if (!m->devices[i].attached)
			toggle(m, i);
	finish(m);
}

static bool prepare(struct model *m)
{
	unsigned int i;

	/* The list of pages is large, the description of memory as long as all of it. */
	m->pages = kvcalloc(MODEL_PAGES, sizeof(*m->pages), GFP_KERNEL);
	m->pool = alloc_pages(GFP_KERNEL | __GFP_ZERO, MODEL_ORDER);
	m->mdl = IoAllocateMdl(NULL, MODEL_POOL << PAGE_SHIFT, FALSE, FALSE, NULL);
	if (!m->pages || !m->pool || !m->mdl)
		return fail(m, "no memory");
	m->pfns = MmGetMdlPfnArray(m->mdl);
	/* What a driver does that fills the array itself. */
	m->mdl->MdlFlags |= MDL_PAGES_LOCKED;
	for (i = 0; i < MODEL_POOL; i++)
		*(u64 *)page_address(m->pool + i) = (u64)(i + 1) << 32;
	return true;
}

bool model_run(struct model *m)
{
	if (prepare(m))
		walk(m);
	if (m->mdl)
		IoFreeMdl(m->mdl);
	if (m->pool)
		__free_pages(m->pool, MODEL_ORDER);
	kvfree(m->pages);
	return !m->error[0];
}

bool model_sim_sees(void *context, u64 address, u64 physical, ULONG permissions)
{
	u64 *word = phys_to_virt(physical), before = READ_ONCE(*word), sent = before + 1, seen = 0;
	bool reads, writes;

	reads = !iommusim_dma_read(context, IOMMUSIM_NO_PASID, address, &seen, sizeof(seen), NULL);
	if (reads != !!(permissions & READS) || (reads && seen != before))
		return false;
	writes = !iommusim_dma_write(context, IOMMUSIM_NO_PASID, address, &sent, sizeof(sent),
				     NULL);
	return writes == !!(permissions & ~READS) &&
	       READ_ONCE(*word) == (writes ? sent : before);
}
