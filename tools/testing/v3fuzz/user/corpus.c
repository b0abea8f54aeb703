// SPDX-License-Identifier: GPL-2.0
/*
 * Sequences that reached new blocks are kept, and others are made of them: the same up to some
 * operation, and from there on something else.
 */
#include "fuzz.h"

/* draw() takes a number from @chooser, which the operations do not draw from. */
static uint64_t draw(uint64_t *chooser)
{
	uint64_t number, operations = random_state;

	random_state = *chooser;
	number = (uint64_t)rnd(~0U) << 32 | rnd(~0U);
	*chooser = random_state;
	random_state = operations;
	return number | 1;
}

void choose_sequence(struct sequence *sequence, uint64_t *chooser)
{
	uint64_t kind = draw(chooser), which = draw(chooser), seed = draw(chooser);
	unsigned int at = 1 + draw(chooser) / 2 % (OPERATIONS - 1);
	unsigned int kept = __atomic_load_n(&shared->in_corpus, __ATOMIC_ACQUIRE);

	*sequence = (struct sequence) { .seed = { seed }, .parts = 1 };
	if (!kept || kind >> 1 & 1)
		return;
	*sequence = shared->corpus[which % (kept < CORPUS ? kept : CORPUS)];
	/* Whoever wrote it may have been killed meanwhile: any seeds will do, but not any count. */
	if (!sequence->parts || sequence->parts > SPLICES)
		sequence->parts = 1;
	while (sequence->parts > 1 && (sequence->at[sequence->parts - 1] >= at ||
				       sequence->parts == SPLICES))
		sequence->parts--;
	sequence->seed[sequence->parts] = seed;
	sequence->at[sequence->parts++] = at;
}

/* keep_sequence() keeps it as it was up to operation @last. The oldest of too many goes. */
void keep_sequence(const struct sequence *sequence, unsigned int last)
{
	unsigned int i = __atomic_fetch_add(&shared->in_corpus, 1, __ATOMIC_RELEASE) % CORPUS;
	struct sequence kept = *sequence;

	while (kept.parts > 1 && kept.at[kept.parts - 1] > last)
		kept.parts--;
	shared->corpus[i] = kept;
}

int parse_sequence(const char *text, struct sequence *sequence)
{
	char *end;

	*sequence = (struct sequence) {};
	while (sequence->parts < SPLICES) {
		sequence->seed[sequence->parts] = strtoull(text, &end, 0);
		if (*end != '@')
			return -1;
		sequence->at[sequence->parts++] = strtoul(end + 1, &end, 0);
		if (!*end)
			return 0;
		if (*end != ',')
			return -1;
		text = end + 1;
	}
	return -1;
}

void print_sequence(const char *what, const struct sequence *sequence)
{
	unsigned int i;

	printf("%s", what);
	for (i = 0; i < sequence->parts; i++)
		printf("%s%#lx@%u", i ? "," : "", sequence->seed[i], sequence->at[i]);
	printf("\n");
}
