// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in pieces becomes one range: the kernel maps each of them, and what is mapped is told in
 * one go. When a piece is refused, those before it are unmapped again.
 */
#include <errno.h>

#include "internal.h"

/* MOST entries of a batch at a time, because the program's stack is not ours. */
#define MOST 16

void v3l_list_add(struct v3l_list *list, struct v3l_pieces *pieces)
{
	pthread_mutex_lock(&list->lock);
	pieces->next = list->first;
	list->first = pieces;
	pthread_mutex_unlock(&list->lock);
}

/* v3l_list_take() takes the mapping that is this range out of the list, or returns NULL. */
struct v3l_pieces *v3l_list_take(struct v3l_list *list, __u64 at, __u64 length)
{
	struct v3l_pieces **link, *found;

	pthread_mutex_lock(&list->lock);
	link = &list->first;
	while (*link && ((*link)->at != at || (*link)->length != length))
		link = &(*link)->next;
	found = *link;
	if (found)
		*link = found->next;
	pthread_mutex_unlock(&list->lock);
	return found;
}

struct v3l_pieces *v3l_list_take_any(struct v3l_list *list)
{
	struct v3l_pieces *found;

	pthread_mutex_lock(&list->lock);
	found = list->first;
	if (found)
		list->first = found->next;
	pthread_mutex_unlock(&list->lock);
	return found;
}

void v3l_list_free(struct v3l_list *list)
{
	struct v3l_pieces *pieces;

	while ((pieces = v3l_list_take_any(list)))
		free(pieces);
	pthread_mutex_destroy(&list->lock);
}

/* v3l_pieces_new() makes the record of a mapping of @memory. NULL without memory. */
struct v3l_pieces *v3l_pieces_new(const struct v3l_memory *memory)
{
	struct v3l_pieces *pieces = malloc(sizeof(*pieces) +
					   memory->count * sizeof(pieces->lengths[0]));
	__u32 i;

	if (!pieces)
		return NULL;
	*pieces = (struct v3l_pieces) { .length = memory->length, .count = memory->count };
	for (i = 0; i < memory->count; i++)
		pieces->lengths[i] = memory->pieces[i].length;
	return pieces;
}

/* unmap_lengths() unmaps @count ranges that follow each other. */
static NTSTATUS unmap_lengths(__u32 object, __u64 at, const __u64 *lengths, __u32 count)
{
	struct v3compat_batch_entry entries[MOST];
	struct v3compat_result result = { .out_status = 0 };
	__u32 n, i;
	int done;

	while (count) {
		n = count < MOST ? count : MOST;
		for (i = 0; i < n; i++) {
			entries[i] = (struct v3compat_batch_entry) {
				.command = V3COMPAT_CMD_UNMAP,
				.unmap = {
					.size = sizeof(entries[i].unmap),
					.object = object,
					.address = at,
					.length = lengths[i],
				},
			};
			at += lengths[i];
		}
		done = v3compat_batch(v3compat_file(), entries, n, &result);
		if (done != (int)n)
			return v3l_answer(-1, &result);
		lengths += n;
		count -= n;
	}
	return STATUS_SUCCESS;
}

NTSTATUS v3l_unmap_pieces(__u32 object, __u64 at, const struct v3l_pieces *pieces)
{
	return unmap_lengths(object, at, pieces->lengths, pieces->count);
}

/* unmap_done() takes back the first @count pieces of @memory, and keeps what was refused said. */
static void unmap_done(__u32 object, __u64 at, const struct v3l_memory *memory, __u32 count)
{
	struct v3compat_result said = *v3compat_last_refusal();
	__u32 i;

	for (i = 0; i < count; i++) {
		unmap_lengths(object, at, &memory->pieces[i].length, 1);
		at += memory->pieces[i].length;
	}
	v3l_answer(-1, &said);
}

static NTSTATUS map_some(__u32 object, __u32 flags, ULONG permissions,
			 const struct v3compat_source *pieces, __u32 count, __u64 at, __u32 *done)
{
	struct v3compat_batch_entry entries[MOST];
	struct v3compat_result result = { .out_status = 0 };
	__u32 i;
	int ret;

	for (i = 0; i < count; i++) {
		entries[i] = (struct v3compat_batch_entry) {
			.command = V3COMPAT_CMD_MAP,
			.map = {
				.size = sizeof(entries[i].map),
				.flags = flags,
				.object = object,
				.permissions = permissions,
				.source = pieces[i],
				.address = at,
			},
		};
		at += pieces[i].length;
	}
	ret = v3compat_batch(v3compat_file(), entries, count, &result);
	*done += ret > 0 ? ret : 0;
	return v3l_answer(ret == (int)count ? 0 : -1, &result);
}

/*
 * v3l_map_pieces() maps @memory at one address after the other, from @at on, which is an address
 * with %V3COMPAT_MAP_FIXED, or an offset in a reservation.
 */
NTSTATUS v3l_map_pieces(__u32 object, __u32 flags, ULONG permissions,
			const struct v3l_memory *memory, __u64 at)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status = STATUS_SUCCESS;
	__u64 to = at, last;
	__u32 done = 0, from, n, i;

	if (memory->count == 1)
		return v3l_answer(v3compat_map(v3compat_file(), object, flags, permissions,
					       memory->pieces, &to, 0, 0, &result), &result);
	if (__builtin_add_overflow(at, memory->length - 1, &last))
		return V3L_REFUSE(V3L_ORDINAL(4), WRAPS, ADDRESS, at, memory->length);
	while (done < memory->count && NT_SUCCESS(status)) {
		from = done;
		n = memory->count - done < MOST ? memory->count - done : MOST;
		status = map_some(object, flags, permissions, memory->pieces + done, n, to, &done);
		for (i = from; i < done; i++)
			to += memory->pieces[i].length;
	}
	if (!NT_SUCCESS(status))
		unmap_done(object, at, memory, done);
	return status;
}

/* v3l_release_gathered() unmaps a mapping of several pieces and gives its addresses back. */
NTSTATUS v3l_release_gathered(PIOMMU_DMA_DOMAIN domain, struct v3l_pieces *pieces)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status = v3l_unmap_pieces(pieces->reservation, 0, pieces);

	if (!NT_SUCCESS(status)) {
		v3l_list_add(&domain->gathered, pieces);
		return status;
	}
	status = v3l_answer(v3compat_destroy(v3compat_file(), pieces->reservation, &result),
			    &result);
	free(pieces);
	return status;
}
