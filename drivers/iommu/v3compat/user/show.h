/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_SHOW_H
#define V3COMPAT_USER_SHOW_H

struct seq_file;
struct v3u_file;

void v3u_show_file(struct seq_file *seq, struct v3u_file *file);
void v3u_slots_show(struct seq_file *seq);
void v3u_show_init(void);
void v3u_show_exit(void);

#endif
