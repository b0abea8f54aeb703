/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Symbol namespaces on every supported kernel.
 *
 * EXPORT_SYMBOL_NS_GPL() and MODULE_IMPORT_NS() take the namespace as a bare
 * token up to 6.12 and as a string from 6.13. The macros below them take a
 * string on both, so nothing here depends on the version.
 */
#ifndef _V3COMPAT_KCOMPAT_H
#define _V3COMPAT_KCOMPAT_H

#include <linux/export.h>
#include <linux/module.h>
#include <linux/stringify.h>

/* Exports @sym to GPL-compatible modules that import @ns, a bare token. */
#define V3C_EXPORT_NS_GPL(sym, ns) __EXPORT_SYMBOL(sym, "GPL", __stringify(ns))

/* Imports the namespace @ns, a bare token, into this module. */
#define V3C_IMPORT_NS(ns) MODULE_INFO(import_ns, __stringify(ns))

#endif /* _V3COMPAT_KCOMPAT_H */
