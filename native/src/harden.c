// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a root helper gives up at its start.
 *
 * Linux keeps capabilities and no_new_privs per thread, and Node has threads
 * before the first line of JavaScript runs. So rf_restrict changes the calling
 * thread, and rf_exec starts the program anew from it: all threads of the new
 * one come from the one that was restricted.
 */
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int rf_restrict(double capabilities)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t keep = (uint64_t)capabilities;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	/* the kernel may know more capabilities than its headers here */
	for (int cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (held < 0)
			break;
		if (held == 1 && !(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return -errno;
	}
	if (syscall(SYS_capget, &head, data) != 0)
		return -errno;
	for (int k = 0; k < 2; k++) {
		uint32_t half = (uint32_t)(keep >> 32 * k);

		data[k].permitted &= half;
		data[k].effective = data[k].permitted;
		data[k].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) != 0 ? -errno : 0;
}

/* NUL-terminated strings, one after another, as an array that ends with NULL. */
static char **strings(char *bytes, uint32_t size)
{
	uint32_t n = 0;
	char **list;

	for (uint32_t k = 0; k < size; k++)
		n += bytes[k] == 0;
	list = calloc(n + 1, sizeof *list);
	if (!list)
		return NULL;
	for (uint32_t k = 0; k < n; k++) {
		list[k] = bytes;
		bytes += strlen(bytes) + 1;
	}
	return list;
}

/* Every fd above 2 is closed by the exec; 0 to 2 are kept. */
static int keep_only_stdio(void)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!fds)
		return -errno;
	while ((entry = readdir(fds)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd > 2)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(fds);
	/* Node marks these too, for its children's sake */
	for (int fd = 0; fd <= 2; fd++)
		fcntl(fd, F_SETFD, 0);
	return 0;
}

int rf_exec(const char *path, uint8_t *words, uint32_t words_size, uint8_t *environment,
	uint32_t environment_size)
{
	char **argv, **envp;
	int ret;

	if (words_size == 0 || words[words_size - 1] != 0 ||
	    (environment_size > 0 && environment[environment_size - 1] != 0))
		return -EINVAL;
	argv = strings((char *)words, words_size);
	envp = strings((char *)environment, environment_size);
	ret = argv && envp ? keep_only_stdio() : -ENOMEM;
	if (ret == 0) {
		execve(path, argv, envp);
		ret = -errno;
	}
	free(argv);
	free(envp);
	return ret;
}

int rf_no_dump(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return -errno;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ? -errno : 0;
}

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef FILTER_ARCH

/* Nothing that Refold, or a program that it starts, has any use for. */
static const int never[] = {
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, /* other processes */
	SYS_init_module, SYS_finit_module, SYS_delete_module,              /* the kernel */
	SYS_kexec_load, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
	SYS_setns, SYS_unshare, SYS_pivot_root, SYS_chroot,                /* namespaces */
	SYS_add_key, SYS_request_key, SYS_keyctl,
	SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl,       /* the machine */
	SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime,
	SYS_adjtimex, SYS_syslog, SYS_vhangup,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef __x86_64__
	SYS_ioperm, SYS_iopl,
#endif
};

/* What only looking at a filesystem never needs: programs, mount points, changes. */
static const int observing[] = {
	SYS_execve, SYS_execveat, SYS_mount, SYS_umount2, SYS_move_mount, SYS_mknodat,
	SYS_fchownat, SYS_fsetxattr, SYS_setxattr, SYS_lsetxattr, SYS_linkat,
	SYS_symlinkat,
#ifdef __x86_64__
	SYS_mknod, SYS_chown, SYS_lchown, SYS_link, SYS_symlink,
#endif
};
static const uint32_t observing_ioctls[] = {
	FIDEDUPERANGE, FICLONE, FICLONERANGE, FS_IOC_FSSETXATTR, FS_IOC_SETFLAGS,
	BTRFS_IOC_DEFRAG, BTRFS_IOC_DEFRAG_RANGE, BTRFS_IOC_SNAP_DESTROY, BTRFS_IOC_SNAP_DESTROY_V2,
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE ANSWER(SECCOMP_RET_ERRNO | EPERM)
#define MAX_FILTER 160

int rf_seccomp(int observe)
{
	struct sock_filter code[MAX_FILTER];
	struct sock_fprog program = { .filter = code };
	size_t n = 0;
	long ret;

	_Static_assert(2 * COUNT(never) + 2 * COUNT(observing) + 2 * COUNT(observing_ioctls) + 16 <=
		MAX_FILTER, "the filter's room");
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	code[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS); /* 32-bit calls */
	code[n++] = (struct sock_filter)LOAD(nr);
#ifdef __x86_64__
	/* x32: the same calls by other numbers */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	code[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t k = 0; k < COUNT(never); k++) {
		code[n++] = (struct sock_filter)SKIP_UNLESS((uint32_t)never[k], 1);
		code[n++] = (struct sock_filter)REFUSE;
	}
	for (size_t k = 0; observe && k < COUNT(observing); k++) {
		code[n++] = (struct sock_filter)SKIP_UNLESS((uint32_t)observing[k], 1);
		code[n++] = (struct sock_filter)REFUSE;
	}
	/* no network: sockets of this machine only */
	code[n++] = (struct sock_filter)SKIP_UNLESS(SYS_socket, 4);
	code[n++] = (struct sock_filter)LOAD(args[0]);
	code[n++] = (struct sock_filter)SKIP_UNLESS(AF_UNIX, 1);
	code[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)REFUSE;
	if (observe) {
		code[n++] = (struct sock_filter)SKIP_UNLESS(SYS_ioctl, 2 * COUNT(observing_ioctls) + 1);
		code[n++] = (struct sock_filter)LOAD(args[1]);
		for (size_t k = 0; k < COUNT(observing_ioctls); k++) {
			code[n++] = (struct sock_filter)SKIP_UNLESS(observing_ioctls[k], 1);
			code[n++] = (struct sock_filter)REFUSE;
		}
	}
	code[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (ret > 0)
		return -EBUSY; /* a thread has a filter of its own */
	return ret < 0 ? -errno : 0;
}

#else

int rf_seccomp(int observe)
{
	(void)observe;
	return -ENOSYS;
}

#endif
