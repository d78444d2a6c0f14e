/*
 * LD_PRELOAD: appends one line to the file that REFOLD_TEST_SEARCHES names for
 * each tree search of the process: tree, first and last objectid, items returned.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const struct btrfs_ioctl_search_key *asked, unsigned items)
{
	const char *path = getenv("REFOLD_TEST_SEARCHES");
	char line[128];
	int fd, length;

	if (!path)
		return;
	length = snprintf(line, sizeof line, "%llu %llu %llu %u\n",
		(unsigned long long)asked->tree_id, (unsigned long long)asked->min_objectid,
		(unsigned long long)asked->max_objectid, items);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)length) != length)
		abort();
	close(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct btrfs_ioctl_search_key asked;
	va_list list;
	void *argument;
	long result;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (request != BTRFS_IOC_TREE_SEARCH && request != BTRFS_IOC_TREE_SEARCH_V2)
		return (int)syscall(SYS_ioctl, fd, request, argument);
	asked = *(struct btrfs_ioctl_search_key *)argument;
	result = syscall(SYS_ioctl, fd, request, argument);
	if (result == 0)
		tell(&asked, ((struct btrfs_ioctl_search_key *)argument)->nr_items);
	return (int)result;
}
