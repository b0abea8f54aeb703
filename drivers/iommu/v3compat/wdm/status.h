/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WDM_STATUS_H
#define V3COMPAT_WDM_STATUS_H

#include <v3compat/wdm.h>

#include "base/why.h"

/*
 * V3W_MEMBERS - members that may refuse
 *
 * X(name, status, ordinals). The status is for %V3C_REASON_HARDWARE, which only an IOMMU driver
 * understood. The ordinals are those of the parameters that a verb, or a check, can find wrong.
 */
#define V3W_MEMBERS(X)									\
	X(IoGetIommuInterface, UNSUCCESSFUL, P(VERSION, 1) P(OUT, 2))			\
	X(IoGetIommuInterfaceEx, UNSUCCESSFUL, P(VERSION, 1) P(FLAGS, 3) P(OUT, 3))	\
	X(CreateDomain, NOT_SUPPORTED, P(OUT, 2))					\
	X(CreateDomainEx, NOT_SUPPORTED, P(TYPE, 1) P(FLAGS, 2) P(ALLOCATOR, 3)		\
					 P(REGIONS, 4) P(OUT, 5))			\
	X(DeleteDomain, UNSUCCESSFUL, P(DOMAIN, 1))					\
	X(AttachDevice, INVALID_PARAMETER, P(DOMAIN, 1) P(DEVICE, 2) P(MAPPING, 3) P(NUMBER, 4)) \
	X(DetachDevice, UNSUCCESSFUL, P(DOMAIN, 1) P(DEVICE, 2) P(MAPPING, 3))		\
	X(AttachDeviceEx, INVALID_PARAMETER, P(DOMAIN, 1) P(DEVICE, 2))			\
	X(DetachDeviceEx, UNSUCCESSFUL, P(DEVICE, 1))					\
	X(FlushDomain, INSUFFICIENT_RESOURCES, P(DOMAIN, 1))				\
	X(FlushDomainByVaList, INSUFFICIENT_RESOURCES, P(DOMAIN, 1) P(LIST, 4))		\
	X(QueryInputMappings, UNSUCCESSFUL, P(DEVICE, 1) P(BUFFER, 2))			\
	X(MapLogicalRange, INVALID_PARAMETER_3, P(DOMAIN, 1) P(PERMISSIONS, 2) P(PHYS, 3) \
						P(ADDRESS, 4))				\
	X(MapLogicalRangeEx, INVALID_PARAMETER_3, P(DOMAIN, 1) P(PERMISSIONS, 2) P(PHYS, 3) \
						  P(ADDRESS, 4) P(OUT, 7))		\
	X(UnmapLogicalRange, INVALID_PARAMETER, P(DOMAIN, 1) P(ADDRESS, 2) P(SIZE, 3))	\
	X(MapIdentityRange, INVALID_PARAMETER_3, P(DOMAIN, 1) P(PERMISSIONS, 2) P(PHYS, 3)) \
	X(MapIdentityRangeEx, INVALID_PARAMETER_3, P(DOMAIN, 1) P(PERMISSIONS, 2) P(PHYS, 3)) \
	X(UnmapIdentityRange, INVALID_PARAMETER, P(DOMAIN, 1) P(PHYS, 2))		\
	X(UnmapIdentityRangeEx, INVALID_PARAMETER, P(DOMAIN, 1) P(PHYS, 2))		\
	X(SetDeviceFaultReporting, UNSUCCESSFUL, P(DEVICE, 1) P(MAPPING, 2) P(CALLBACK, 4)) \
	X(SetDeviceFaultReportingEx, UNSUCCESSFUL, P(DEVICE, 1) P(MAPPING, 2) P(CALLBACK, 4)) \
	X(ConfigureDomain, INSUFFICIENT_RESOURCES, P(DOMAIN, 1) P(CONFIG, 2))		\
	X(RegisterInterfaceStateChangeCallback, UNSUCCESSFUL, P(CALLBACK, 1) P(DEVICE, 3)	\
							      P(FIELDS, 4))		\
	X(UnregisterInterfaceStateChangeCallback, UNSUCCESSFUL, P(CALLBACK, 1) P(DEVICE, 2)) \
	X(ReserveLogicalAddressRange, INSUFFICIENT_RESOURCES, P(DOMAIN, 1) P(SIZE, 2)	\
							      P(ADDRESS, 3) P(OUT, 6))	\
	X(FreeReservedLogicalAddressRange, UNSUCCESSFUL, P(TOKEN, 1))			\
	X(MapReservedLogicalRange, INVALID_PARAMETER_4, P(TOKEN, 1) P(OFFSET, 2) P(PERMISSIONS, 3) \
							P(PHYS, 4) P(OUT, 5))		\
	X(UnmapReservedLogicalRange, INVALID_PARAMETER, P(NONE, 0))			\
	X(CreateDevice, UNSUCCESSFUL, P(DEVICE, 1) P(CONFIG, 2) P(OUT, 3))		\
	X(DeleteDevice, UNSUCCESSFUL, P(DEVICE, 1))					\
	X(QueryDeviceInfo, UNSUCCESSFUL, P(DEVICE, 1) P(NUMBER, 3) P(BUFFER, 4))	\
	X(CreatePasidDevice, UNSUCCESSFUL, P(DEVICE, 1) P(OUT, 2) P(NUMBER, 3))		\
	X(DeletePasidDevice, UNSUCCESSFUL, P(PASID, 1))					\
	X(AttachPasidDevice, INVALID_PARAMETER_1, P(DOMAIN, 1) P(PASID, 2))		\
	X(DetachPasidDevice, UNSUCCESSFUL, P(PASID, 1))					\
	X(v3compat_create_sva_device, NOT_SUPPORTED, P(DEVICE, 1) P(PROCESS, 2) P(OUT, 3)	\
						    P(NUMBER, 4))			\
	X(v3compat_query_capabilities, UNSUCCESSFUL, P(DEVICE, 1) P(OUT, 2))		\
	X(v3compat_configure_x64, INSUFFICIENT_RESOURCES, P(DOMAIN, 1) P(CONFIG, 2) P(NUMBER, 3))

#define X(name, status, ordinals) V3W_##name,
enum v3w_member { V3W_MEMBERS(X) };
#undef X

NTSTATUS v3w_status(enum v3w_member member, enum v3c_reason reason, enum v3c_param param);
NTSTATUS v3w_refuse(enum v3w_member member, const struct v3c_why *why);

#endif
