/* The device's side of Gatebook's registration in plain C99: no heap, no JSON library, under 4 kB of RAM. */
#ifndef GATEBOOK_H
#define GATEBOOK_H

#include <stddef.h>
#include <stdint.h>

#define GB_ANSWER_SIZE 2048 /* what is longer is read to its end and cut */
#define GB_TOKEN_SIZE 768
#define GB_KEPT_SIZE 72 /* "password pairing-id\n" */

/* What a board has to offer; `user` is handed to each. */
typedef struct {
  /* Sends `length` bytes of the buffer on a connection of its own, puts the answer in their place until the other side closes, and
   * returns how long that was, also where it did not fit into `size`; -1: nobody answered within a minute. Over TLS it checks the
   * registry's CA (WiFiClientSecure.setCACert, mbedTLS …) before it sends anything. */
  int (*exchange)(void *user, char *buffer, size_t length, size_t size);
  /* Puts the bytes where a power cut leaves the old ones or these; 0: done. */
  int (*save)(void *user, const char *bytes, size_t length);
  /* Fills `bytes` with what was saved; -1: nothing yet. */
  int (*load)(void *user, char *bytes, size_t length);
  /* Unpredictable bytes: esp_fill_random, a hardware generator, /dev/urandom. */
  void (*random)(void *user, void *bytes, size_t length);
  void *user;
} gb_platform;

typedef enum { GB_WAITS, GB_GRANTED, GB_REFUSED } gb_outcome;

typedef struct {
  const gb_platform *platform;
  const char *host; /* of the header Host, with the port */
  const char *username;
  const char *context; /* a JSON object, or NULL */
  char password[65];
  char pairing_id[7]; /* show it as 303 9bb */
  char token[GB_TOKEN_SIZE];
  char answer[GB_ANSWER_SIZE];
  char problem[32]; /* "locked", "pending", or the code of the refusal: show it */
  uint32_t wait_ms; /* before the next step */
  int failures, taken, polled;
} gb_device;

/* Takes up the password that was saved, or makes one and saves it before anybody hears of it; 0: done. The texts must stay. */
int gb_begin(gb_device *device, const gb_platform *platform, const char *host, const char *username, const char *context);

/* One question, which takes up to a minute; wait `wait_ms` before the next, after GB_REFUSED until somebody says so. */
gb_outcome gb_step(gb_device *device);

/* After GB_GRANTED: the first address of a broker that begins so ("mqtt://", "mqtts://"); 0: found. */
int gb_broker(const gb_device *device, const char *beginning, char *url, size_t size);

#endif
