// SPDX-License-Identifier: GPL-2.0
/* Reserved ranges and the segments in them. */
#include "v3fuzz.h"

static struct fuzz_token *some_token(struct fuzz_thread *t)
{
	unsigned int i, first = fuzz_random(t, FUZZ_TOKENS);

	for (i = 0; i < FUZZ_TOKENS; i++) {
		struct fuzz_token *token = &t->tokens[(first + i) % FUZZ_TOKENS];

		if (token->handle)
			return token;
	}
	return NULL;
}

static unsigned int count_segments(struct fuzz_thread *t, const struct fuzz_token *token)
{
	unsigned int i, n = 0;

	for (i = 0; i < FUZZ_MAPS; i++)
		n += t->maps[i].kind == FUZZ_SEGMENT && t->maps[i].token == token - t->tokens;
	return n;
}

static void reserve(struct fuzz_thread *t, struct fuzz_token *token)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS), pages = 1 + fuzz_random(t, 64);
	IOMMU_DMA_LOGICAL_ADDRESS at, min = FUZZ_BASE;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle;
	struct fuzz_domain *domain;

	if (!fuzz_use_domain(n, READ_ONCE(fuzz_domains[n].generation)))
		return;
	domain = &fuzz_domains[n];
	at = FUZZ_BASE + t->id * FUZZ_SLICE + FUZZ_TOKEN_ZONE + fuzz_random(t, 64) * 32 * SZ_4K;
	fuzz_wild_pause();
	if (NT_SUCCESS(FUZZ_CALL(t, ReserveLogicalAddressRange, n, domain->allocator ? 0 : at,
				 pages, domain->handle, (SIZE_T)pages * SZ_4K,
				 domain->allocator ? NULL : &at, &min, NULL, &handle))) {
		token->domain = n;
		token->pages = pages;
		token->handle = handle;
		if (handle->Size != (SIZE_T)pages * SZ_4K ||
		    (!domain->allocator && handle->LogicalAddressBase != at))
			fuzz_fail(
				t,
				"ReserveLogicalAddressRange: %llu bytes at %#llx, not %u pages at %#llx",
				handle->Size, handle->LogicalAddressBase, pages, at);
	}
	fuzz_wild_resume(token->handle);
	fuzz_unuse_domain(n);
}

static void free_token(struct fuzz_thread *t, struct fuzz_token *token)
{
	unsigned int segments = count_segments(t, token);
	NTSTATUS status;

	status = FUZZ_CALL(t, FreeReservedLogicalAddressRange, token->domain, token - t->tokens,
			   segments, token->handle);
	if (NT_SUCCESS(status) == !!segments)
		fuzz_fail(t, "FreeReservedLogicalAddressRange of a token with %u segments: %#x",
			  segments, status);
	if (NT_SUCCESS(status))
		token->handle = NULL;
}

/* The token keeps its domain. */
static bool map_segment(struct fuzz_thread *t, struct fuzz_token *token, struct fuzz_map *map,
			unsigned int offset)
{
	struct fuzz_buffer buffer;
	unsigned long how;
	NTSTATUS status;

	map->domain = token->domain;
	map->generation = fuzz_domains[token->domain].generation;
	map->token = token - t->tokens;
	map->at = token->handle->LogicalAddressBase + (u64)offset * SZ_4K;
	if (!fuzz_describe(t, map, &buffer))
		return false;
	how = fuzz_atomic_begin(t);
	status =
		FUZZ_CALL(t, MapReservedLogicalRange, map->token, offset, map->pages, token->handle,
			  (SIZE_T)offset * SZ_4K, map->prot, &buffer.what, &map->segment);
	fuzz_atomic_end(how);
	fuzz_describe_end(&buffer);
	if (!NT_SUCCESS(status))
		return false;
	if (offset + map->pages > token->pages)
		fuzz_fail(t, "MapReservedLogicalRange of %u pages at %u of %u succeeded",
			  map->pages, offset, token->pages);
	map->kind = FUZZ_SEGMENT;
	return true;
}

static void map_somewhere(struct fuzz_thread *t)
{
	struct fuzz_token *token = some_token(t);
	struct fuzz_map *map = fuzz_new_map(t);
	unsigned int offset, n;

	if (!token || !map ||
	    !fuzz_use_domain(token->domain, fuzz_domains[token->domain].generation))
		return;
	n = token->domain;
	offset = fuzz_random(t, token->pages);
	map->at = token->handle->LogicalAddressBase + (u64)offset * SZ_4K;
	fuzz_choose_pages(t, map, 16);
	map->prot = 1 + fuzz_random(t, 3);
	if (map_segment(t, token, map, offset))
		fuzz_check_domain(t, n);
	fuzz_unuse_domain(n);
}

/* What touches the segment in its token must be there still. */
static void check_neighbours(struct fuzz_thread *t, const struct fuzz_map *map)
{
	u64 end = map->at + (u64)map->pages * SZ_4K;
	unsigned int i;

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *other = &t->maps[i];

		if (other->kind == FUZZ_SEGMENT && other->token == map->token &&
		    (other->at == end || other->at + (u64)other->pages * SZ_4K == map->at))
			fuzz_check_map(t, other, false);
	}
}

/* The domain is held. */
static void unmap_segment(struct fuzz_thread *t, struct fuzz_map *map)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT copy = map->segment;
	const struct fuzz_domain *domain = &fuzz_domains[map->domain];
	unsigned long how;
	unsigned int i;
	NTSTATUS status;

	how = fuzz_atomic_begin(t);
	status = FUZZ_CALL(t, UnmapReservedLogicalRange, map->token, map->segment.Offset,
			   map->pages, &map->segment);
	fuzz_atomic_end(how);
	if (!NT_SUCCESS(status)) {
		fuzz_fail(t, "UnmapReservedLogicalRange of a segment of %u pages: %#x", map->pages,
			  status);
		return;
	}
	for (i = 0; i < map->pages; i++) {
		fuzz_note_gone(t, map, i);
		fuzz_check_gone(t, domain->handle, map->at + (u64)i * SZ_4K, &t->pool,
				fuzz_map_page(map, i), !domain->allocator);
	}
	map->kind = FUZZ_FREE;
	check_neighbours(t, map);
	fuzz_check_domain(t, map->domain);
	if (fuzz_one_in(t, 4) &&
	    NT_SUCCESS(FUZZ_CALL(t, UnmapReservedLogicalRange, map->token, copy.Offset, map->pages,
				 &copy)))
		fuzz_fail(t, "UnmapReservedLogicalRange of a segment succeeded twice");
}

static void unmap_segments(struct fuzz_thread *t, const struct fuzz_token *token)
{
	unsigned int i;

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *map = &t->maps[i];

		if (map->kind != FUZZ_SEGMENT || map->token != token - t->tokens ||
		    !fuzz_use_domain(map->domain, map->generation))
			continue;
		unmap_segment(t, map);
		fuzz_unuse_domain(map->domain);
	}
}

void fuzz_token_life(struct fuzz_thread *t)
{
	struct fuzz_token *token = &t->tokens[fuzz_random(t, FUZZ_TOKENS)];

	if (!token->handle) {
		reserve(t, token);
		return;
	}
	if (fuzz_one_in(t, 2))
		unmap_segments(t, token);
	free_token(t, token);
}

/* What other calls make of a range that is reserved. */
static void disturb(struct fuzz_thread *t, struct fuzz_map *map)
{
	if (NT_SUCCESS(FUZZ_CALL(t, UnmapLogicalRange, map->domain, 0, map->pages,
				 fuzz_domains[map->domain].handle, map->at, map->pages)))
		fuzz_fail(t, "UnmapLogicalRange of a segment succeeded");
}

void fuzz_segment(struct fuzz_thread *t)
{
	struct fuzz_map *map;
	unsigned int n;

	if (fuzz_one_in(t, 2)) {
		map_somewhere(t);
		return;
	}
	map = fuzz_some_map(t, FUZZ_SEGMENT);
	if (!map)
		return;
	n = map->domain;
	if (fuzz_one_in(t, 6))
		disturb(t, map);
	else
		unmap_segment(t, map);
	fuzz_unuse_domain(n);
}

/* One behind the other, in the token and in memory, each a segment of its own. */
static unsigned int map_row(struct fuzz_thread *t, struct fuzz_token *token)
{
	unsigned int offset = fuzz_random(t, token->pages), i, made = 0,
		     prot = 1 + fuzz_random(t, 3);
	unsigned int pages = 1 + fuzz_random(t, 2), first;
	u64 at = token->handle->LogicalAddressBase + (u64)offset * SZ_4K;

	first = fuzz_one_in(t, 3) ? fuzz_random(t, 512) : (at >> PAGE_SHIFT) % 512;
	for (i = 0; i < 8; i++) {
		struct fuzz_map *map = fuzz_new_map(t);

		if (!map || offset + pages > token->pages)
			break;
		map->contiguous = true;
		map->first = first;
		map->pages = pages;
		map->prot = fuzz_one_in(t, 4) ? 3 : prot;
		made += map_segment(t, token, map, offset);
		offset += pages;
		first += pages;
	}
	return made;
}

/*
 * Segments that touch each other, then devices of any kind of IOMMU, some of which get a page table
 * that is filled with these, then one after the other goes.
 */
void fuzz_neighbours(struct fuzz_thread *t)
{
	struct fuzz_token *token = some_token(t);
	unsigned int n, i;

	if (!token || !fuzz_use_domain(token->domain, fuzz_domains[token->domain].generation))
		return;
	n = token->domain;
	if (map_row(t, token)) {
		fuzz_device_attach_to(t, n);
		fuzz_check_domain(t, n);
		for (i = 0; i < FUZZ_MAPS; i++) {
			struct fuzz_map *map = &t->maps[fuzz_random(t, FUZZ_MAPS)];

			if (map->kind == FUZZ_SEGMENT && map->token == token - t->tokens)
				unmap_segment(t, map);
		}
	}
	fuzz_unuse_domain(n);
}

void fuzz_tokens_end(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = 0; i < FUZZ_TOKENS; i++) {
		if (!t->tokens[i].handle)
			continue;
		unmap_segments(t, &t->tokens[i]);
		free_token(t, &t->tokens[i]);
	}
}
