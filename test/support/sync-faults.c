/*
 * Loaded before the C library (LD_PRELOAD): a disk that does not answer, or fails. While the folder that SYNC_FAULTS names
 * has a file `fail`, syncs of a journal of SQLite fail; while it has one `hold`, they wait, and make one `held`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_journal(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 4) return 0;
  path[length] = 0;
  return strcmp(path + length - 4, "-wal") == 0;
}

static int is_there(const char *name) {
  char path[4096];
  const char *folder = getenv("SYNC_FAULTS");
  if (folder == NULL) return 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return access(path, F_OK) == 0;
}

static int synced(long call, int file) {
  if (is_journal(file)) {
    if (is_there("fail")) {
      errno = EIO;
      return -1;
    }
    if (is_there("hold")) {
      char path[4096];
      snprintf(path, sizeof path, "%s/held", getenv("SYNC_FAULTS"));
      close(open(path, O_CREAT | O_WRONLY, 0600));
      while (is_there("hold")) usleep(1000);
    }
  }
  return (int)syscall(call, file);
}

int fsync(int file) { return synced(SYS_fsync, file); }
int fdatasync(int file) { return synced(SYS_fdatasync, file); }
