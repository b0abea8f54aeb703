// SPDX-License-Identifier: GPL-2.0
/*
 * Lists: the order of entries, and what each function returns.
 */
#include "ddk_client.h"

typedef struct _ITEM {
	ULONG Number;
	LIST_ENTRY Link;
	SINGLE_LIST_ENTRY Single;
} ITEM, *PITEM;

static VOID NumberItems(PITEM Items, ULONG Count)
{
	ULONG i;

	RtlZeroMemory(Items, Count * sizeof(*Items));
	for (i = 0; i < Count; i++)
		Items[i].Number = i + 1;
}

/* The numbers of a list as the digits of one: 0 for an empty one. Both directions must agree. */
static ULONG Digits(PLIST_ENTRY Head)
{
	ULONG Forwards = 0, Backwards = 0, Place = 1;
	PLIST_ENTRY Entry;

	for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink)
		Forwards = Forwards * 10 + CONTAINING_RECORD(Entry, ITEM, Link)->Number;
	for (Entry = Head->Blink; Entry != Head; Entry = Entry->Blink) {
		Backwards += Place * CONTAINING_RECORD(Entry, ITEM, Link)->Number;
		Place *= 10;
	}
	return Forwards == Backwards ? Forwards : MAXULONG;
}

static VOID Insert(VOID)
{
	PRLIST_ENTRY Entry;
	LIST_ENTRY Head;
	ITEM Items[3];

	NumberItems(Items, RTL_NUMBER_OF(Items));
	InitializeListHead(&Head);
	CHECK(IsListEmpty(&Head) == TRUE);
	CHECK(Head.Flink == &Head && Head.Blink == &Head);

	InsertTailList(&Head, &Items[1].Link);
	CHECK(IsListEmpty(&Head) == FALSE);
	CHECK(Digits(&Head) == 2);
	InsertTailList(&Head, &Items[2].Link);
	CHECK(Digits(&Head) == 23);
	InsertHeadList(&Head, &Items[0].Link);
	CHECK(Digits(&Head) == 123);
	Entry = Head.Flink;
	CHECK(Entry == &Items[0].Link);
}

static VOID Remove(VOID)
{
	LIST_ENTRY Head;
	ITEM Items[4];
	ULONG i;

	NumberItems(Items, RTL_NUMBER_OF(Items));
	InitializeListHead(&Head);
	for (i = 0; i < RTL_NUMBER_OF(Items); i++)
		InsertTailList(&Head, &Items[i].Link);

	CHECK(RemoveHeadList(&Head) == &Items[0].Link);
	CHECK(Digits(&Head) == 234);
	CHECK(RemoveTailList(&Head) == &Items[3].Link);
	CHECK(Digits(&Head) == 23);
	CHECK(RemoveEntryList(&Items[1].Link) == FALSE);
	CHECK(Digits(&Head) == 3);
	CHECK(RemoveEntryList(&Items[2].Link) == TRUE);
	CHECK(IsListEmpty(&Head));

	/* An empty list gives its head. */
	CHECK(RemoveHeadList(&Head) == &Head);
	CHECK(RemoveTailList(&Head) == &Head);
	CHECK(IsListEmpty(&Head));
}

static VOID Append(VOID)
{
	LIST_ENTRY Head, Other;
	PLIST_ENTRY First;
	ITEM Items[5];
	ULONG i;

	NumberItems(Items, RTL_NUMBER_OF(Items));
	InitializeListHead(&Head);
	InitializeListHead(&Other);
	for (i = 1; i < 4; i++)
		InsertTailList(&Other, &Items[i].Link);
	First = Other.Flink;
	CHECK(RemoveEntryList(&Other) == FALSE);

	InsertTailList(&Head, &Items[0].Link);
	AppendTailList(&Head, First);
	CHECK(Digits(&Head) == 1234);

	/* One entry is a circle of its own. */
	InitializeListHead(&Items[4].Link);
	AppendTailList(&Head, &Items[4].Link);
	CHECK(Digits(&Head) == 12345);

	InitializeListHead(&Other);
	RemoveEntryList(&Head);
	AppendTailList(&Other, &Items[0].Link);
	CHECK(Digits(&Other) == 12345);
}

static VOID PushAndPop(VOID)
{
	SINGLE_LIST_ENTRY Head = { NULL };
	PSINGLE_LIST_ENTRY Entry;
	ITEM Items[2];

	NumberItems(Items, RTL_NUMBER_OF(Items));
	CHECK(!PopEntryList(&Head));
	PushEntryList(&Head, &Items[0].Single);
	PushEntryList(&Head, &Items[1].Single);
	CHECK(Head.Next == &Items[1].Single && Head.Next->Next == &Items[0].Single);

	Entry = PopEntryList(&Head);
	CHECK(CONTAINING_RECORD(Entry, ITEM, Single)->Number == 2);
	Entry = PopEntryList(&Head);
	CHECK(CONTAINING_RECORD(Entry, ITEM, Single)->Number == 1);
	CHECK(!Head.Next);
	CHECK(!PopEntryList(&Head) && !Head.Next);
}

VOID DdkLists(VOID)
{
	CHECK(sizeof(LIST_ENTRY) == 2 * sizeof(PVOID));
	CHECK(sizeof(SINGLE_LIST_ENTRY) == sizeof(PVOID));
	Insert();
	Remove();
	Append();
	PushAndPop();
}
