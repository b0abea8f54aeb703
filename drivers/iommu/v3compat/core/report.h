/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REPORT_H
#define V3COMPAT_REPORT_H


#include "base/why.h"

struct device;
struct v3c_device;
struct v3c_fault_handler;
struct v3c_owner;

enum v3c_reason v3c_report_faults(struct v3c_device *device, u32 base, bool enable,
				  const struct v3c_fault_handler *handler, struct v3c_why *why);
enum v3c_reason v3c_report_faults_pdo(const struct v3c_owner *owner, struct device *pdo, u32 base,
				      bool enable,
				      const struct v3c_fault_handler *handler,
				      struct v3c_why *why);
enum v3c_reason v3c_report_answer(struct v3c_device *device, u64 cookie, bool allow,
				  struct v3c_why *why);
unsigned long v3c_report_expire(struct v3c_device *device, unsigned long age);
enum v3c_reason v3c_report_check(struct v3c_device *device, bool refusals, bool requests,
				 struct v3c_why *why);
void v3c_report_query(struct v3c_device *device, bool *refusals, bool *requests, u64 *lost);

#endif
