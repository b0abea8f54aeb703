/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel, as far as the space's code uses it, for a program with two threads. This file comes
 * in front of every other one, and the kernel's own headers are empty, see the script `threads`.
 *
 * Each thread is a processor of its own. RCU has nothing to do, because no work is ever run, so
 * that nodes are freed at the end only. Functions without a body are those that only such code
 * calls as the linker drops. The program does not link if that code comes to be used.
 */
#ifndef V3BENCH_KERNEL_H
#define V3BENCH_KERNEL_H

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef unsigned int gfp_t;

#define U8_MAX		((u8)~0u)
#define U64_MAX		((u64)~0ull)
#define SZ_2M		0x200000
#define SZ_1G		0x40000000
#define GFP_KERNEL	1u
#define GFP_ATOMIC	2u

/* IOMMU_READ and IOMMU_WRITE are as in linux/iommu.h. */
#define IOMMU_READ	1
#define IOMMU_WRITE	2

/* The compiler. */
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define V3B_ATTRIBUTE(what)	__attribute__((what))
#define __force
#define noinline		V3B_ATTRIBUTE(noinline)
#define __aligned(bytes)	V3B_ATTRIBUTE(aligned(bytes))
#define static_assert(x)	_Static_assert(x, #x)
#define container_of(ptr, type, member)	((type *)((char *)(ptr) - offsetof(type, member)))
#define IS_ENABLED(...)		0
#define OPTIMIZER_HIDE_VAR(x)	({ asm("" : "+r" (x)); })
#define WARN_ON(x)		({ if (unlikely(x)) abort(); false; })
#define V3B_JOIN(a, b)		a##b
#define V3B_UNIQUE(name, line)	V3B_JOIN(name, line)

/* Numbers. */
#define BIT(nr)			(1ul << (nr))
#define BIT_ULL(nr)		(1ull << (nr))
#define min(x, y)		({ __auto_type _x = (x); __auto_type _y = (y); _x < _y ? _x : _y; })
#define max(x, y)		({ __auto_type _x = (x); __auto_type _y = (y); _x > _y ? _x : _y; })
#define max_t(type, x, y)	max((type)(x), (type)(y))
#define round_up(x, to)		((((x) - 1) | ((typeof(x))(to) - 1)) + 1)
#define round_down(x, to)	((x) & ~((typeof(x))(to) - 1))
#define IS_ALIGNED(x, to)	(!((x) & ((typeof(x))(to) - 1)))
#define ilog2(x)		(63 - __builtin_clzll(x))
#define order_base_2(x)		((x) > 1 ? ilog2((x) - 1) + 1 : 0)
#define __ffs64(x)		__builtin_ctzll(x)
#define cpu_to_le64(x)		htole64(x)

static inline u64 get_unaligned_le64(const void *at)
{
	u64 word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static inline const void *memchr_inv(const void *at, int byte, size_t size)
{
	const u8 *bytes = at;

	for (; size; bytes++, size--)
		if (*bytes != byte)
			return bytes;
	return NULL;
}

/* Atomic operations and barriers. */
typedef struct { int counter; } atomic_t;

#define READ_ONCE(x)			__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)		__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define smp_load_acquire(at)		__atomic_load_n(at, __ATOMIC_ACQUIRE) /* acquires */
#define smp_store_release(at, value)	__atomic_store_n(at, value, __ATOMIC_RELEASE) /* releases */
#define smp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST) /* full */
#define smp_rmb()			__atomic_thread_fence(__ATOMIC_ACQUIRE) /* reads */
#define smp_mb__after_atomic()		barrier() /* full, as atomic_inc() is here */
#define barrier()			__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define try_cmpxchg(at, old, new)						\
	__atomic_compare_exchange_n(at, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cmpxchg(at, old, new)							\
	({ typeof(*(at)) _old = (old); try_cmpxchg(at, &_old, new); _old; })
#define atomic_read_acquire(v)		__atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic_inc(v)			__atomic_add_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST)
#define atomic_dec_and_test(v)		(!__atomic_sub_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST))

/* Contexts: always a process's. */
#define preempt_disable()	barrier()
#define preempt_enable()	barrier()
#define rcu_read_lock()		barrier()
#define rcu_read_unlock()	barrier()
#define rcu_preempt_depth()	0
#define synchronize_rcu()	abort()
#define synchronize_rcu_expedited()	abort()
#define preemptible()		true
#define in_interrupt()		false
#define irqs_disabled()		false
#define cond_resched()		barrier()
#if defined(__x86_64__)
#define cpu_relax()		__builtin_ia32_pause()
#else
#define cpu_relax()		barrier()
#endif

struct rcu_head {
	void *next;
};

#define get_completed_synchronize_rcu()	0

/* Locks and guards. */
#define ____cacheline_aligned_in_smp	__aligned(64)

typedef pthread_spinlock_t spinlock_t;

struct mutex {
	pthread_mutex_t mutex;
};

#define lockdep_assert_held(lock)	barrier()

#define spin_lock_init(lock)	pthread_spin_init(lock, PTHREAD_PROCESS_PRIVATE)
#define mutex_init(lock)	pthread_mutex_init(&(lock)->mutex, NULL)

static inline spinlock_t *v3b_spin_lock(spinlock_t *lock)
{
	pthread_spin_lock(lock);
	return lock;
}

static inline void v3b_spin_unlock(spinlock_t **lock)
{
	pthread_spin_unlock(*lock);
}

static inline struct mutex *v3b_mutex_lock(struct mutex *lock)
{
	pthread_mutex_lock(&lock->mutex);
	return lock;
}

static inline void v3b_mutex_unlock(struct mutex **lock)
{
	pthread_mutex_unlock(&(*lock)->mutex);
}

#define V3B_GUARD(type, unlock)							\
	type V3B_UNIQUE(v3b_guard, __LINE__) __attribute__((cleanup(unlock), unused))
#define guard(what)		v3b_guard_##what
#define v3b_guard_rcu		barrier
#define v3b_guard_irqsave	barrier
#define v3b_guard_spinlock_irqsave	V3B_GUARD(spinlock_t *, v3b_spin_unlock) = v3b_spin_lock
#define v3b_guard_mutex		V3B_GUARD(struct mutex *, v3b_mutex_unlock) = v3b_mutex_lock
/* scoped_guard() is a loop, because a break leaves it. */
#define scoped_guard(what, ...)	v3b_scoped_guard_##what(__VA_ARGS__)
#define v3b_scoped_guard_rcu()							\
	for (bool v3b_once = true; v3b_once; v3b_once = false)
#define v3b_scoped_guard_spinlock_irqsave(lock)					\
	for (V3B_GUARD(spinlock_t *, v3b_spin_unlock) = v3b_spin_lock(lock),	\
	     *v3b_once = (lock); v3b_once; v3b_once = NULL)

/* Memory. Nodes are aligned to their size. */
static inline void *kzalloc(size_t size, gfp_t gfp)
{
	void *memory = aligned_alloc(size, size);

	return memory ? memset(memory, 0, size) : NULL;
}

#define kmalloc(size, gfp)		malloc(size)
#define kfree(memory)			free(memory)
#define kvfree_rcu_mightsleep(memory)	free(memory)

/* Memory of each processor, a piece of V3B_CPU_BYTES each. */
#define V3B_CPUS		2
#define V3B_CPU_BYTES		4096
#define __percpu

extern __thread unsigned int v3b_cpu;

#define raw_smp_processor_id()	v3b_cpu
#define for_each_online_cpu(cpu)	for ((cpu) = 0; (cpu) < V3B_CPUS; (cpu)++)
#define per_cpu_ptr(at, cpu)	((typeof(at))((char *)(at) + (size_t)(cpu) * V3B_CPU_BYTES))
#define this_cpu_read(x)	READ_ONCE(*per_cpu_ptr(&(x), v3b_cpu))
#define this_cpu_write(x, value)	WRITE_ONCE(*per_cpu_ptr(&(x), v3b_cpu), value)
#define free_percpu(memory)	free(memory)
#define alloc_percpu_gfp(type, gfp)						\
	({									\
		static_assert(sizeof(type) <= V3B_CPU_BYTES);			\
		void *_pieces = aligned_alloc(V3B_CPU_BYTES, V3B_CPUS * V3B_CPU_BYTES);	\
		_pieces ? memset(_pieces, 0, V3B_CPUS * V3B_CPU_BYTES) : NULL;	\
	})

/* Work, which is never run. */
struct work_struct {
	void (*func)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
};

#define HZ				100
#define INIT_DELAYED_WORK(delayed, to)	((delayed)->work.func = (to))
#define to_delayed_work(of)		container_of(of, struct delayed_work, work)
#define cancel_delayed_work_sync(delayed)	barrier()

/* Waiting, which nobody does. */
typedef struct { int waiters; } wait_queue_head_t;

#define init_waitqueue_head(queue)	((queue)->waiters = 0)
#define wake_up_all(queue)		abort()
#define wait_event(queue, condition)	({ if (!(condition)) abort(); })

/* XArrays, which are empty, because nothing stores. */
struct xarray {
	int nothing;
};

#define XA_FLAGS_LOCK_IRQ		1
#define XA_FLAGS_ACCOUNT		2
#define XA_PRESENT			8
#define xa_init_flags(xa, flags)	((void)(xa), (void)(flags))
#define xa_destroy(xa)			((void)(xa))
#define xa_to_value(entry)		((unsigned long)(entry) >> 1)
#define xa_mk_value(value)		((void *)((unsigned long)(value) << 1 | 1))
#define xa_for_each(xa, index, entry)						\
	for ((index) = 0; ((entry) = xa_find(xa, &(index), ~0ul, XA_PRESENT)); (index)++)

static inline void *xa_load(struct xarray *xa, unsigned long index)
{
	return NULL;
}

static inline void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max,
			    u32 filter)
{
	return NULL;
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
int xa_err(void *entry);
void xa_set_mark(struct xarray *xa, unsigned long index, unsigned int mark);

#define XA_MARK_0		0u

static inline bool xa_get_mark(struct xarray *xa, unsigned long index, unsigned int mark)
{
	return false;
}

#endif
