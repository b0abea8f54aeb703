/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of /dev/v3compat. README.md says what it does; each file what its part is.
 */
#ifndef V3FUZZ_USER_FUZZ_H
#define V3FUZZ_USER_FUZZ_H

#include "user.h"

#include "../program.h"

#define PROCESSES	8	/* at most */
#define THREADS		4	/* of a process, at most, beside the one that waits for them */
#define ACTORS		(PROCESSES * (THREADS + 1) + 1)
#define CHILD		(ACTORS - 1)	/* all children of threads together */
#define NUMBERS		(V3COMPAT_CMD_RESET + 1)
#define LOG		40
#define RW		(V3COMPAT_READ | V3COMPAT_WRITE)

/* An answer that waits longer does not come. */
#define PATIENCE_MS	60000

/* struct entry: a command that was given. */
struct entry {
	unsigned int nr, object, detail;
	int ret;
};

#define SPLICES		4
#define OPERATIONS	48	/* of a sequence */
#define CORPUS		512

/*
 * struct sequence: operations whose choices follow from seeds. Before operation @at[i] the choices
 * begin anew with @seed[i].
 */
struct sequence {
	uint64_t seed[SPLICES];
	unsigned short at[SPLICES];
	unsigned short parts;
};

/* struct shared: seen by all processes, whoever of them is killed. */
struct shared {
	struct tally tallies[NUMBERS];
	unsigned int calls, rounds, kills, children, removals, wild_calls;
	unsigned int reached, refused;	/* DMA that arrived as it should, or did not */
	struct entry log[ACTORS][LOG];
	unsigned int logged[ACTORS];
	struct sequence running[ACTORS];
	uint64_t trace[ACTORS];
	time_t waits_since[ACTORS];	/* for an event; 0: it does not wait */
	struct sequence corpus[CORPUS];
	unsigned int in_corpus;
};

extern struct shared *shared;
extern const char *const command_names[NUMBERS];
extern __thread unsigned int actor;	/* whose log */
extern int wild_files[2];
extern time_t end_of_run, last_end_of_run;
extern unsigned int commands_wanted, successes_wanted;

int is_over(void);

/* cover.c: blocks of the module, by KCOV. */
void prepare_cover(void);
void start_cover(void);		/* of the calling thread */
void forget_cover(void);	/* in a child, whose parent it was */
unsigned int collect_cover(void);	/* what the thread has reached that nobody had before */
unsigned int count_cover(void);
void print_cover(void);

/* corpus.c */
void choose_sequence(struct sequence *sequence, uint64_t *chooser);
void keep_sequence(const struct sequence *sequence, unsigned int last);
int parse_sequence(const char *text, struct sequence *sequence);
void print_sequence(const char *what, const struct sequence *sequence);

/*
 * A part: what one thread has in the file that it shares with others. It knows all of it, because
 * nobody else has the handles.
 */
#define WINDOW_AT	(1ULL << 38)	/* where a part maps at addresses that it says */
#define WINDOW_PAGES	192
#define LARGE_AT	(WINDOW_AT + (1ULL << 30))
#define CHILD_AT	(WINDOW_AT + (2ULL << 30))
#define DOMAINS		4
#define RANGES		24
#define GONE		12
#define RESERVATIONS	3
#define MEMORIES	3
#define PASIDS		3
#define OWN_PAGES	64		/* of the process */
#define FILE_PAGES	64		/* of a memfd, behind them */
#define PAGES		(OWN_PAGES + FILE_PAGES)
#define NOWHERE		(-1)

/* struct range: what one map has made, or is left of it. */
struct range {
	unsigned long long address;
	unsigned int pages, page;	/* the latter of the memory of the part */
	unsigned int permissions;
	int memory;			/* place of the registered memory, or NOWHERE */
	int reservation;		/* likewise */
};

struct domain {
	int handle;			/* 0: none */
	int place;			/* in the part */
	unsigned int type, width;
	unsigned int count;
	struct range ranges[RANGES];
	unsigned long long gone[GONE];	/* unmapped last */
	unsigned int next_gone;
};

struct reservation {
	int handle, domain;
	unsigned long long base;
	unsigned int pages;
};

struct memory {
	int handle;
	unsigned int page, pages;
	bool read_only;
};

struct pasid {
	int handle, domain;
	unsigned int number;
};

struct part {
	int fd;
	struct sim sim;
	struct sim_config config;
	bool tagged;
	int device;		/* handle */
	int attached;		/* place of the domain, or NOWHERE */
	struct domain domains[DOMAINS];
	struct reservation reservations[RESERVATIONS];
	struct memory memories[MEMORIES];
	struct pasid pasids[PASIDS];
	char *pages;		/* PAGES of them */
	int memfd;		/* has the last FILE_PAGES */
	char *large;		/* LARGE bytes, or NULL */
	unsigned long long tag;
};

/* model.c: what there is, and whether devices see just that. */
void prepare_memory(struct part *part);
bool begin_part(struct part *part);
bool end_part(struct part *part);	/* destroys all of it, each step with success */
struct domain *some_domain(struct part *part, bool any);
void clear_domain(struct domain *domain, unsigned int width);
bool is_free(const struct part *part, const struct domain *domain, unsigned long long address,
	     unsigned long long pages);
const struct range *range_at(const struct domain *domain, unsigned long long address);
bool add_range(struct domain *domain, const struct range *range);
void cut_ranges(struct domain *domain, unsigned long long address, unsigned int pages);
void check_domain(struct part *part, struct domain *domain, bool all);
void check_address(struct part *part, struct domain *domain, unsigned long long address);
bool seen_at(struct part *part, struct domain *domain, unsigned long long address, void *memory);
bool hidden_at(struct part *part, struct domain *domain, unsigned long long address);
bool is_seen(const struct part *part, const struct domain *domain);
char *page_of(const struct part *part, unsigned int page);

/* expect(): @ret must be one of the two, which may be the same. */
bool expect(const char *what, int ret, int one, int other);

/* maps.c */
void try_map(struct part *part);
void try_unmap(struct part *part);
void try_batch(struct part *part);
void try_reservation(struct part *part);
void try_memory(struct part *part);
void try_physical(struct part *part);
void try_large(struct part *part);

/* objects.c */
void try_domain(struct part *part);
void try_attach(struct part *part);
void try_pasid(struct part *part);
void try_process(struct part *part);
void try_removal(struct part *part);
void try_queries(struct part *part);
void try_tables(struct part *part);
void try_guard(struct part *part);
void try_device_file(struct part *part);
void try_resources(struct part *part);
void try_listing(struct part *part);

/* events.c */
void try_events(struct part *part);
void try_page_request(struct part *part);
/* listen_to_end() returns a descriptor that hear_end() takes when the device has left. */
int listen_to_end(struct part *part);
void hear_end(struct part *part, int events);

/* refused.c: commands that must be refused and must change nothing. */
void try_refused(struct part *part);
void try_unanswerable(struct part *part);

/* child.c */
void try_child(struct part *part);
/*
 * A child has all descriptors of all threads, so that what one closes meanwhile stays open: who
 * counts on a close keeps others from making a child.
 */
void forbid_children(void);
void allow_children(void);

/* wild.c: calls that nobody can foresee; they must only be answered. */
void work_wildly(uint64_t seed, unsigned int threads);

/* edu.c: emulated PCI devices. */
bool has_edu(void);
void work_with_edu(uint64_t seed);

#endif
