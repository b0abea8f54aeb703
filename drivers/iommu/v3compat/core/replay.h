/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REPLAY_H
#define V3COMPAT_REPLAY_H

struct v3c_domain;
struct v3c_hwpt;

int v3c_replay(struct v3c_domain *domain, struct v3c_hwpt *hwpt);

#endif
