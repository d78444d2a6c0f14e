/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a command and says what it cost:
 *
 *   measure REPORT COMMAND [ARGUMENT...]
 *
 * writes to REPORT one JSON object with
 *   exitCode   of the command; 128 + n where signal n ended it
 *   seconds    wall time from fork to the end of the command
 *   user, system  CPU seconds of the command and all it waited for
 *   maxRss     bytes, the largest of the processes (wait4)
 *   treeRss    bytes, the largest sum over all the processes alive at one
 *              time, sampled every 5 ms; pages shared between them count twice
 *
 * It is a small C program because a child begins with the peak of the process
 * that forked it: under a script interpreter every figure would begin at the
 * interpreter's own size.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 5000000L

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads a small file of /proc. Returns its length, 0 where the process is gone. */
static size_t slurp(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buffer, size - 1);
	close(fd);
	if (n < 0)
		n = 0;
	buffer[n] = 0;
	return (size_t)n;
}

/* Bytes resident in `pid` and its descendants; only main threads fork here. */
static uint64_t resident(pid_t pid, int depth)
{
	char path[64], text[4096];
	unsigned long pages = 0;
	uint64_t sum;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (!slurp(path, text, sizeof(text)) || sscanf(text, "%*u %lu", &pages) != 1)
		return 0;
	sum = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (depth < 16 && slurp(path, text, sizeof(text))) {
		char *save = NULL;

		for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
			sum += resident((pid_t)atoi(word), depth + 1);
	}
	return sum;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	/* A signal from the terminal is for the command; the report is still written. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);

	double start = now();
	pid_t child = fork();

	if (child < 0) {
		fprintf(stderr, "measure: fork: %s\n", strerror(errno));
		return 1;
	}
	if (!child) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}

	struct rusage usage;
	uint64_t tree = 0;
	int status;

	/* SIGCHLD, blocked, ends the wait for the next sample at once. */
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	for (;;) {
		pid_t done = wait4(child, &status, WNOHANG, &usage);

		if (done == child)
			break;
		if (done < 0 && errno != EINTR) {
			fprintf(stderr, "measure: wait4: %s\n", strerror(errno));
			return 1;
		}
		uint64_t sum = resident(child, 0);

		if (sum > tree)
			tree = sum;
		sigtimedwait(&chld, NULL, &(struct timespec){.tv_nsec = SAMPLE_NS});
	}

	double seconds = now() - start;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	uint64_t max = (uint64_t)usage.ru_maxrss * 1024;
	FILE *report = fopen(argv[1], "we");

	if (!report) {
		fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fprintf(report,
		"{\"exitCode\":%d,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"maxRss\":%llu,\"treeRss\":%llu}\n",
		code, seconds, (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6, (unsigned long long)max,
		(unsigned long long)(tree > max ? tree : max));
	return fclose(report) ? 1 : code;
}
