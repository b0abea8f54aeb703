// SPDX-License-Identifier: GPL-2.0
/*
 * example BUS DEVICE: gives a device a buffer, and takes it back. The device is bound to v3compat's
 * driver already; who may claim it is root, or has CAP_SYS_RAWIO.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <v3compat/v3compat.h>

#define SIZE	(16 * 4096)
#define ADDRESS	0x10000000	/* where the device finds the buffer: any multiple of a page */

static struct v3compat_result result;

/* try_call() ends the program when @ret, of a call, says that it was refused. */
static int try_call(const char *what, int ret)
{
	char sentence[256];

	if (ret >= 0)
		return ret;
	if (result.out_reason) {
		v3compat_result_sentence(&result, sentence, sizeof(sentence));
		fprintf(stderr, "%s: %s\n", what, sentence);
	} else {
		perror(what);
	}
	exit(1);
}

int main(int argc, char **argv)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_USER, .length = SIZE };
	struct v3compat_region_query region = { 0 };
	void *buffer = aligned_alloc(4096, SIZE);
	__u64 address = ADDRESS;
	__u32 device, domain;
	int file, device_fd;

	if (argc != 3 || !buffer) {
		fprintf(stderr, "usage: example BUS DEVICE\n");
		return 2;
	}
	memset(buffer, 0, SIZE);
	source.start = (uintptr_t)buffer;

	file = try_call("open", v3compat_open());
	try_call("claim", v3compat_device_create(file, argv[1], argv[2], 0, &device, &result));
	try_call("domain", v3compat_domain_create(file, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL, 0,
						  &domain, &result));
	try_call("map", v3compat_map(file, domain, V3COMPAT_MAP_FIXED,
				     V3COMPAT_READ | V3COMPAT_WRITE, &source, &address, 0, 0,
				     &result));
	try_call("attach", v3compat_attach(file, domain, device, &result));

	/* From here on the device reaches the buffer at ADDRESS, and nothing else. */
	device_fd = try_call("device", v3compat_device_open(file, device, &result));
	try_call("region", v3compat_region_query(device_fd, 0, &region, &result));
	printf("%s has the buffer at %#llx; its first region has %llu bytes\n", argv[2],
	       (unsigned long long)address, (unsigned long long)region.out_length);

	/* When this returns, no device reaches the buffer, and it is not pinned any more. */
	try_call("unmap", v3compat_unmap(file, domain, address, SIZE, &result));
	free(buffer);
	/* The end of the program would close the file, too, and that detaches the device. */
	close(device_fd);
	close(file);
	return 0;
}
