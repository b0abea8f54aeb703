/* SPDX-License-Identifier: GPL-2.0 */
/* In the place of drivers/iommu/v3compat/base/trace.h: nobody traces. */
#ifndef V3BENCH_TRACE_H
#define V3BENCH_TRACE_H

#define trace_v3compat_map_enabled()					false
#define trace_v3compat_unmap_enabled()					false
#define trace_v3compat_map_identity_enabled()				false
#define trace_v3compat_unmap_identity_enabled()				false
#define trace_v3compat_map(domain, page, pages, reason)			barrier()
#define trace_v3compat_unmap(domain, page, pages, reason)		barrier()
#define trace_v3compat_map_identity(domain, page, pages, reason)	barrier()
#define trace_v3compat_unmap_identity(domain, page, pages, reason)	barrier()
#define trace_v3compat_map_reserved(domain, page, pages, reason)	barrier()
#define trace_v3compat_unmap_reserved(domain, page, pages, reason)	barrier()

#endif
