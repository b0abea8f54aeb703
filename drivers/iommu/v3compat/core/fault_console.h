/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_FAULT_CONSOLE_H
#define V3COMPAT_FAULT_CONSOLE_H

#include <linux/types.h>

struct v3c_logged_fault;

bool v3c_fault_console_parse(const char *text, size_t len, struct v3c_logged_fault *out);
bool v3c_fault_console_enabled(void);

int v3c_fault_console_init(void);
void v3c_fault_console_exit(void);

#endif
