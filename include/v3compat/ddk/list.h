/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linked lists. As on Windows, nothing here is safe against a concurrent call on the same list:
 * ExInterlockedInsertTailList() and its like are.
 */
#ifndef _V3COMPAT_DDK_LIST_H
#define _V3COMPAT_DDK_LIST_H

#include "types.h"

V3COMPAT_BEGIN

/**
 * struct _LIST_ENTRY - link of a circular doubly linked list
 * @Flink: next entry; the first one, in a list head
 * @Blink: previous entry; the last one, in a list head
 */
typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY, *PRLIST_ENTRY;

/**
 * struct _SINGLE_LIST_ENTRY - link of a singly linked list
 * @Next: next entry, NULL in the last; the first one, in a list head
 */
typedef struct _SINGLE_LIST_ENTRY {
	struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;
V3COMPAT_LAYOUT(LIST_ENTRY, 0x10);
V3COMPAT_LAYOUT(SINGLE_LIST_ENTRY, 0x8);

/**
 * InitializeListHead() - make a list head, or a single entry, point to itself
 * @ListHead: the head
 *
 * Source: wdm.h page initializelisthead.
 */
static inline void InitializeListHead(PLIST_ENTRY ListHead)
{
	ListHead->Flink = ListHead;
	ListHead->Blink = ListHead;
}

/**
 * IsListEmpty() - tell whether a list has no entries
 * @ListHead: the head
 *
 * Return: TRUE if there is no entry.
 *
 * Source: wdm.h page islistempty.
 */
static inline BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead)
{
	return ListHead->Flink == ListHead;
}

/**
 * InsertHeadList() - add an entry at the front
 * @ListHead: the head
 * @Entry: in no list
 *
 * Source: wdm.h page insertheadlist.
 */
static inline void InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	Entry->Flink = ListHead->Flink;
	Entry->Blink = ListHead;
	ListHead->Flink->Blink = Entry;
	ListHead->Flink = Entry;
}

/**
 * InsertTailList() - add an entry at the end
 * @ListHead: the head
 * @Entry: in no list
 *
 * Source: wdm.h page inserttaillist.
 */
static inline void InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	InsertHeadList(ListHead->Blink, Entry);
}

/**
 * RemoveEntryList() - take an entry out of its list
 * @Entry: the entry; its own links keep their values
 *
 * Return: TRUE if the list is empty now.
 *
 * Source: wdm.h page removeentrylist.
 */
static inline BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
	Entry->Blink->Flink = Entry->Flink;
	Entry->Flink->Blink = Entry->Blink;
	return Entry->Flink == Entry->Blink;
}

/**
 * RemoveHeadList() - take the first entry out of a list
 * @ListHead: the head
 *
 * Return: The entry, whose own links keep their values; @ListHead if there is none.
 *
 * Source: wdm.h page removeheadlist.
 */
static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY Entry = ListHead->Flink;

	RemoveEntryList(Entry);
	return Entry;
}

/**
 * RemoveTailList() - take the last entry out of a list
 * @ListHead: the head
 *
 * Return: The entry, whose own links keep their values; @ListHead if there is none.
 *
 * Source: wdm.h page removetaillist.
 */
static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY Entry = ListHead->Blink;

	RemoveEntryList(Entry);
	return Entry;
}

/**
 * AppendTailList() - add entries that have no head of their own at the end
 * @ListHead: the head
 * @ListToAppend: the first of the entries, which are linked in a circle
 *
 * A list with a head is appended by giving its first entry, behind a RemoveEntryList() of its head.
 *
 * Source: wdm.h page appendtaillist.
 */
static inline void AppendTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListToAppend)
{
	PLIST_ENTRY Last = ListToAppend->Blink;

	ListHead->Blink->Flink = ListToAppend;
	ListToAppend->Blink = ListHead->Blink;
	ListHead->Blink = Last;
	Last->Flink = ListHead;
}

/**
 * PushEntryList() - add an entry at the front of a singly linked list
 * @ListHead: the head
 * @Entry: in no list
 *
 * Source: wdm.h page pushentrylist.
 */
static inline void PushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY Entry)
{
	Entry->Next = ListHead->Next;
	ListHead->Next = Entry;
}

/**
 * PopEntryList() - take the first entry out of a singly linked list
 * @ListHead: the head
 *
 * Return: The entry, whose own link keeps its value; NULL if there is none.
 *
 * Source: wdm.h page popentrylist.
 */
static inline PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead)
{
	PSINGLE_LIST_ENTRY Entry = ListHead->Next;

	if (Entry)
		ListHead->Next = Entry->Next;
	return Entry;
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_LIST_H */
