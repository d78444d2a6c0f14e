// SPDX-License-Identifier: GPL-3.0-or-later
/* Lets the kernel refuse FIDEDUPERANGE now and then: every REFUSE_EVERY-th call, counted from REFUSE_FROM. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int calls;

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (!real)
		real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	if (request == FIDEDUPERANGE && getenv("REFUSE_EVERY")) {
		struct file_dedupe_range *range = argument;
		int n = atomic_fetch_add(&calls, 1) - atoi(getenv("REFUSE_FROM"));

		if (n >= 0 && n % atoi(getenv("REFUSE_EVERY")) == 0) {
			for (int k = 0; k < range->dest_count; k++)
				range->info[k].status = -ENOSPC;
			return 0;
		}
	}
	return real(fd, request, argument);
}
