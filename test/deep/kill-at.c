/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LD_PRELOAD: counts what a fold does to the volume and to its journal, and ends
 * the process with SIGKILL at the KILL_AT-th of these, right before it is made
 * (KILL_BEFORE set) or right after it, or right after the one with which their
 * letters end in those of KILL_AFTER. With STOP set it only stops there. Counting
 * begins with the journal's first write. KILL_LOG names a file that gets one letter each:
 *
 *   j  writes to the journal, in a row   s  a sync of the journal
 *   k  those of its checkpoint           S  a sync of the volume, or of the copy
 *   x  an immutable flag set or cleared  l  a lease taken or given up
 *   t  a file without a name             c  a range cloned to it
 *   w  a write to it                     d  a range deduplicated
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_int counted, last, logged;
static char letters[1 << 16];

static void die(void)
{
	if (getenv("STOP")) {
		kill(getpid(), SIGSTOP);
		return;
	}
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static int ends(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* Counts an operation; dies where it is the one and KILL_BEFORE is set. Returns whether to die after it. */
static int enter(char letter)
{
	const char *at = getenv("KILL_AT"), *log = getenv("KILL_LOG"), *after = getenv("KILL_AFTER");
	int hit, index;

	if (letter != 'j' && !atomic_load(&last))
		return 0;
	if (atomic_exchange(&last, letter) == letter && (letter == 'j' || letter == 'k'))
		return 0;
	hit = at && atomic_fetch_add(&counted, 1) + 1 == atoi(at);
	index = atomic_fetch_add(&logged, 1);
	if (index >= (int)sizeof(letters) - 1)
		abort();
	letters[index] = letter;
	if (after && ends(letters, after))
		hit = 1;
	if (log) {
		int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || write(fd, &letter, 1) != 1)
			abort();
		close(fd);
	}
	if (hit && getenv("KILL_BEFORE"))
		die();
	return hit;
}

static long leave(int hit, long result)
{
	if (hit)
		die();
	return result;
}

/* Which write it is to this file: j, k, w, or 0 for one that does not count. */
static char write_to(int fd)
{
	char link[32], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = 0;
	if (ends(path, ".journal.db-wal"))
		return 'j';
	if (ends(path, ".journal.db"))
		return 'k';
	/* O_TMPFILE: "/mnt/#257 (deleted)" */
	return strstr(path, "/#") && ends(path, " (deleted)") ? 'w' : 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;
	char letter;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	letter = request == FIDEDUPERANGE ? 'd' : request == FICLONERANGE ? 'c' :
		 request == FS_IOC_FSSETXATTR ? 'x' : 0;
	/* how the copy is flushed */
	if (request == FS_IOC_FIEMAP && write_to(fd) == 'w')
		letter = 'S';
	if (!letter)
		return REAL(ioctl)(fd, request, argument);
	int hit = enter(letter);
	return (int)leave(hit, REAL(ioctl)(fd, request, argument));
}

int fcntl(int fd, int command, ...)
{
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	if (command != F_SETLEASE)
		return REAL(fcntl)(fd, command, argument);
	int hit = enter('l');
	return (int)leave(hit, REAL(fcntl)(fd, command, argument));
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	va_end(list);
	if ((flags & O_TMPFILE) != O_TMPFILE)
		return REAL(openat)(dir, path, flags, mode);
	int hit = enter('t');
	return (int)leave(hit, REAL(openat)(dir, path, flags, mode));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	char letter = write_to(fd);

	if (!letter)
		return REAL(pwrite64)(fd, bytes, count, offset);
	int hit = enter(letter);
	return leave(hit, REAL(pwrite64)(fd, bytes, count, offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	return pwrite64(fd, bytes, count, offset);
}

static int sync_of(int fd, int (*real)(int))
{
	char letter = write_to(fd);

	if (!letter)
		return real(fd);
	int hit = enter(letter == 'w' ? 'S' : 's');
	return (int)leave(hit, real(fd));
}

int fsync(int fd)
{
	return sync_of(fd, REAL(fsync));
}

int fdatasync(int fd)
{
	return sync_of(fd, REAL(fdatasync));
}

int syncfs(int fd)
{
	int hit = enter('S');

	return (int)leave(hit, REAL(syncfs)(fd));
}
