/* gatebook.c on a POSIX machine, over plain TCP: a pattern for the four functions that a board writes.
 *   cc -o device posix.c gatebook.c && ./device HOST PORT NAME FILE */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "gatebook.h"

typedef struct {
  const char *host, *port, *file;
} place;

static int connected(const place *at) {
  const struct timeval patience = {60, 0};
  struct addrinfo hints, *found, *one;
  int handle = -1;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(at->host, at->port, &hints, &found) != 0) return -1;
  for (one = found; one && handle < 0; one = one->ai_next) {
    handle = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
    if (handle < 0) continue;
    setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(handle, one->ai_addr, one->ai_addrlen) == 0) break;
    close(handle);
    handle = -1;
  }
  freeaddrinfo(found);
  return handle;
}

static int exchange(void *user, char *buffer, size_t length, size_t size) {
  char rest[256];
  size_t sent, taken = 0;
  ssize_t count;
  int handle = connected(user);
  if (handle < 0) return -1;
  for (sent = 0; sent < length; sent += (size_t)count)
    if ((count = send(handle, buffer + sent, length - sent, MSG_NOSIGNAL)) <= 0) return close(handle), -1;
  do {
    count = taken < size ? recv(handle, buffer + taken, size - taken, 0) : recv(handle, rest, sizeof rest, 0);
    if (count > 0) taken += (size_t)count;
  } while (count > 0 && taken < 1000000);
  close(handle);
  return count == 0 ? (int)taken : -1;
}

static int save(void *user, const char *bytes, size_t length) {
  const place *at = user;
  char draft[256];
  int handle, is_whole;
  if (snprintf(draft, sizeof draft, "%s.new", at->file) >= (int)sizeof draft) return -1;
  unlink(draft);
  if ((handle = open(draft, O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0) return -1;
  is_whole = write(handle, bytes, length) == (ssize_t)length && fsync(handle) == 0;
  close(handle);
  return is_whole ? rename(draft, at->file) : -1;
}

static int load(void *user, char *bytes, size_t length) {
  int handle = open(((const place *)user)->file, O_RDONLY);
  ssize_t count = handle < 0 ? -1 : read(handle, bytes, length);
  if (handle >= 0) close(handle);
  return (int)count;
}

static void fill(void *user, void *bytes, size_t length) {
  int handle = open("/dev/urandom", O_RDONLY);
  (void)user;
  if (handle < 0 || read(handle, bytes, length) != (ssize_t)length) _exit(1);
  close(handle);
}

int main(int count, char **given) {
  static gb_device device;
  place at;
  gb_platform platform = {exchange, save, load, fill, NULL};
  gb_outcome outcome;
  char host[256], url[128];
  if (count != 5) return fprintf(stderr, "usage: %s HOST PORT NAME FILE\n", given[0]), 2;
  at.host = given[1], at.port = given[2], at.file = given[4];
  platform.user = &at;
  snprintf(host, sizeof host, "%s:%s", at.host, at.port);
  if (gb_begin(&device, &platform, host, given[3], NULL) != 0) return fprintf(stderr, "cannot write %s\n", at.file), 1;
  fprintf(stderr, "%s: pairing ID %.3s %s\n", given[3], device.pairing_id, device.pairing_id + 3);
  while ((outcome = gb_step(&device)) == GB_WAITS) {
    struct timespec rest;
    rest.tv_sec = (time_t)(device.wait_ms / 1000);
    rest.tv_nsec = (long)(device.wait_ms % 1000) * 1000000;
    fprintf(stderr, "%s: %s\n", given[3], device.problem);
    nanosleep(&rest, NULL);
  }
  fprintf(stderr, "%s: %s\n", given[3], device.problem);
  if (outcome == GB_GRANTED && gb_broker(&device, "mqtt://", url, sizeof url) == 0) puts(url);
  return outcome == GB_GRANTED ? 0 : 3;
}
