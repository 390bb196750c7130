/*
 * Stands between a program and the C library (LD_PRELOAD), and does to its disk and its clock what a control file says. The file is
 * shared memory, so that whoever holds it can change its mind while the programs run.
 *
 * Compiled with -DCONTROL="file" -DUNDER="folder": only what is under the folder is touched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* In the order of control.ts. */
enum { WRITE = 1, SYNC = 2, NAME = 4, MAKE = 8, REMOVE = 16, READ = 32 };

struct control {
  /* What the chosen operations end with; 0: with what they would. */
  _Atomic int32_t error;
  _Atomic uint32_t operations;
  /* So many of them still pass. */
  _Atomic int32_t after;
  /* So many then fail; below 0: all. */
  _Atomic int32_t times;
  /* Of them there were so many, and so many failed. */
  _Atomic uint32_t seen;
  _Atomic uint32_t failed;
  /* Milliseconds that the clock of the day is ahead. */
  _Atomic int64_t ahead;
  /* Part of a path; empty: any path. */
  char part[64];
};

static struct control nothing;
static struct control *control = &nothing;

__attribute__((constructor)) static void begin(void) {
  int file = syscall(SYS_openat, AT_FDCWD, CONTROL, O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return;
  void *shared = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared != MAP_FAILED) control = shared;
  close(file);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int concerns(const char *path) {
  if (strncmp(path, UNDER, strlen(UNDER)) != 0) return 0;
  return control->part[0] == 0 || strstr(path, control->part) != NULL;
}

/* Whether this one fails; it then has set errno. */
static int strikes(const char *path) {
  if (!concerns(path)) return 0;
  atomic_fetch_add(&control->seen, 1);
  if (control->error == 0) return 0;
  if (atomic_load(&control->after) > 0 && atomic_fetch_sub(&control->after, 1) > 0) return 0;
  if (atomic_load(&control->times) == 0) return 0;
  if (atomic_load(&control->times) > 0) atomic_fetch_sub(&control->times, 1);
  atomic_fetch_add(&control->failed, 1);
  errno = control->error;
  return 1;
}

static int watched(uint32_t operation) { return (control->operations & operation) != 0; }

/* A path that is not absolute is of no folder that is watched: our programs name whole paths. */
static int at_path(uint32_t operation, const char *path) { return watched(operation) && path && strikes(path); }

static int at_file(uint32_t operation, int file) {
  if (!watched(operation)) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strikes(path);
}

/* A disk that fills up takes a part of what it is given first. */
static size_t taken(size_t size) { return control->error == ENOSPC ? size / 2 : 0; }

ssize_t write(int file, const void *bytes, size_t size) {
  REAL(write);
  if (!at_file(WRITE, file)) return real(file, bytes, size);
  int error = errno;
  if (taken(size) > 0) return real(file, bytes, taken(size));
  errno = error;
  return -1;
}

#define POSITIONED(name) \
  ssize_t name(int file, const void *bytes, size_t size, off_t at) { \
    REAL(name); \
    if (!at_file(WRITE, file)) return real(file, bytes, size, at); \
    int error = errno; \
    if (taken(size) > 0) return real(file, bytes, taken(size), at); \
    errno = error; \
    return -1; \
  }
POSITIONED(pwrite)
POSITIONED(pwrite64)

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL(writev);
  return at_file(WRITE, file) ? -1 : real(file, parts, count);
}

#define POSITIONED_PARTS(name) \
  ssize_t name(int file, const struct iovec *parts, int count, off_t at) { \
    REAL(name); \
    return at_file(WRITE, file) ? -1 : real(file, parts, count, at); \
  }
POSITIONED_PARTS(pwritev)
POSITIONED_PARTS(pwritev64)

#define READING(name, ...) \
  ssize_t name(int file, void *bytes, size_t size __VA_OPT__(, off_t at)) { \
    REAL(name); \
    return at_file(READ, file) ? -1 : real(file, bytes, size __VA_OPT__(, ) __VA_ARGS__); \
  }
READING(read)
READING(pread, at)
READING(pread64, at)

#define OF_FILE(name, operation, parameters, ...) \
  int name parameters { \
    REAL(name); \
    return at_file(operation, file) ? -1 : real(__VA_ARGS__); \
  }
OF_FILE(fsync, SYNC, (int file), file)
OF_FILE(fdatasync, SYNC, (int file), file)
OF_FILE(ftruncate, WRITE, (int file, off_t size), file, size)
OF_FILE(ftruncate64, WRITE, (int file, off_t size), file, size)

#define OF_PATH(name, operation, parameters, path, ...) \
  int name parameters { \
    REAL(name); \
    return at_path(operation, path) ? -1 : real(__VA_ARGS__); \
  }
OF_PATH(rename, NAME, (const char *from, const char *to), to, from, to)
OF_PATH(link, NAME, (const char *from, const char *to), to, from, to)
OF_PATH(symlink, NAME, (const char *from, const char *to), to, from, to)
OF_PATH(mkdir, MAKE, (const char *path, mode_t mode), path, path, mode)
OF_PATH(unlink, REMOVE, (const char *path), path, path)
OF_PATH(rmdir, REMOVE, (const char *path), path, path)
OF_PATH(utimensat, NAME, (int folder, const char *path, const struct timespec times[2], int flags), path, folder, path, times, flags)

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list rest; \
      va_start(rest, flags); \
      mode = va_arg(rest, mode_t); \
      va_end(rest); \
    } \
    int makes = (flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY; \
    return at_path(makes ? MAKE : READ, path) ? -1 : real(path, flags, mode); \
  }
OPENING(open)
OPENING(open64)

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  int64_t ahead = control->ahead;
  if (result == 0 && ahead != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t all = (int64_t)time->tv_nsec + (ahead % 1000) * 1000000;
    time->tv_sec += ahead / 1000;
    if (all >= 1000000000) time->tv_sec++, all -= 1000000000;
    if (all < 0) time->tv_sec--, all += 1000000000;
    time->tv_nsec = all;
  }
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
