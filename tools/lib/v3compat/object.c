// SPDX-License-Identifier: GPL-2.0
/*
 * The table of objects. A pointer is looked up there before it is followed, because one that is
 * stale or of another kind is to be refused.
 */
#include "internal.h"

#define BUCKETS 256

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct v3l_object *table[BUCKETS];

static struct v3l_object **bucket_of(const void *key)
{
	uintptr_t bits = (uintptr_t)key / 16;

	return &table[(bits ^ bits / BUCKETS) % BUCKETS];
}

/* v3l_object_add() makes @key good, which stands for the reference that the object begins with. */
void v3l_object_add(struct v3l_object *object, enum v3l_kind kind, __u32 handle, const void *key)
{
	struct v3l_object **bucket = bucket_of(key);

	object->kind = kind;
	object->handle = handle;
	object->key = key;
	atomic_init(&object->refs, 1);
	pthread_rwlock_wrlock(&table_lock);
	object->next = *bucket;
	*bucket = object;
	pthread_rwlock_unlock(&table_lock);
}

/*
 * v3l_object_remove() takes @object, which the caller uses, out of the table, and the reference of
 * the table away. False when another thread has done so.
 */
bool v3l_object_remove(struct v3l_object *object)
{
	struct v3l_object **link = bucket_of(object->key);

	pthread_rwlock_wrlock(&table_lock);
	while (*link && *link != object)
		link = &(*link)->next;
	if (*link)
		*link = object->next;
	else
		link = NULL;
	pthread_rwlock_unlock(&table_lock);
	if (link)
		v3l_object_put(object);
	return link;
}

/* v3l_object_get() returns the object, for v3l_object_put(), or NULL when @key is not good. */
void *v3l_object_get(const void *key, enum v3l_kind kind)
{
	struct v3l_object *object;

	pthread_rwlock_rdlock(&table_lock);
	for (object = *bucket_of(key); object; object = object->next)
		if (object->key == key && object->kind == kind)
			break;
	if (object)
		atomic_fetch_add(&object->refs, 1);
	pthread_rwlock_unlock(&table_lock);
	return object;
}

/* v3l_object_find() does that by a handle of the kernel's. */
void *v3l_object_find(__u32 handle, enum v3l_kind kind)
{
	struct v3l_object *object = NULL;
	unsigned int i;

	pthread_rwlock_rdlock(&table_lock);
	for (i = 0; !object && i < BUCKETS; i++)
		for (object = table[i]; object; object = object->next)
			if (object->handle == handle && object->kind == kind)
				break;
	if (object)
		atomic_fetch_add(&object->refs, 1);
	pthread_rwlock_unlock(&table_lock);
	return object;
}

/* free_object() frees an object that nobody uses, and lets go of those that it was made of. */
static void free_object(struct v3l_object *object)
{
	struct v3l_token *token;

	switch (object->kind) {
	case V3L_PDO:
		break;
	case V3L_DOMAIN:
		v3l_list_free(&((PIOMMU_DMA_DOMAIN)object)->gathered);
		break;
	case V3L_DEVICE:
		v3l_object_put(&((PIOMMU_DMA_DEVICE)object)->pdo->object);
		break;
	case V3L_PASID:
		v3l_object_put(&((PIOMMU_DMA_PASID_DEVICE)object)->device->object);
		break;
	case V3L_TOKEN:
		token = (struct v3l_token *)object;
		v3l_list_free(&token->mapped);
		v3l_object_put(&token->domain->object);
		break;
	}
	free(object);
}

void v3l_object_put(struct v3l_object *object)
{
	if (atomic_fetch_sub(&object->refs, 1) == 1)
		free_object(object);
}

__u32 v3compat_handle(const void *object)
{
	struct v3l_object *found = NULL;
	enum v3l_kind kind;
	__u32 handle = 0;

	for (kind = V3L_PDO; !found && kind <= V3L_TOKEN; kind++)
		found = v3l_object_get(object, kind);
	if (found) {
		handle = found->handle;
		v3l_object_put(found);
	}
	return handle;
}
