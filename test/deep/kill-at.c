/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LD_PRELOAD: ends the process with SIGKILL at the KILL_AT-th FIDEDUPERANGE, right
 * before it is made (KILL_BEFORE set) or right after it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int calls;

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	const char *at = getenv("KILL_AT");
	va_list list;
	void *argument;
	int result, hit;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (!real)
		real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	hit = request == FIDEDUPERANGE && at && atomic_fetch_add(&calls, 1) + 1 == atoi(at);
	if (hit && getenv("KILL_BEFORE"))
		kill(getpid(), SIGKILL);
	result = real(fd, request, argument);
	if (hit)
		kill(getpid(), SIGKILL);
	return result;
}
