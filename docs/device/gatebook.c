/* See gatebook.h. The rules are those of docs/device-author.md. */
#include "gatebook.h"

#include <stdio.h>
#include <string.h>

static const char hex[] = "0123456789abcdef";

static void random_hex(const gb_platform *platform, char *text, size_t digits) {
  unsigned char bytes[32];
  size_t i;
  platform->random(platform->user, bytes, digits / 2);
  for (i = 0; i < digits; i++) text[i] = hex[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
  text[digits] = 0;
}

int gb_begin(gb_device *device, const gb_platform *platform, const char *host, const char *username, const char *context) {
  char kept[GB_KEPT_SIZE];
  memset(device, 0, sizeof *device);
  device->platform = platform;
  device->host = host;
  device->username = username;
  device->context = context;
  if (platform->load(platform->user, kept, sizeof kept) == GB_KEPT_SIZE) {
    memcpy(device->password, kept, 64);
    memcpy(device->pairing_id, kept + 65, 6);
    return 0;
  }
  random_hex(platform, device->password, 64);
  random_hex(platform, device->pairing_id, 6);
  memcpy(kept, device->password, 64);
  kept[64] = ' ';
  memcpy(kept + 65, device->pairing_id, 6);
  kept[71] = '\n';
  return platform->save(platform->user, kept, sizeof kept);
}

/* The end of a string in JSON, whose opening quote stands at `at`; NULL: it has none. */
static const char *end_of_string(const char *at) {
  for (at++; *at && *at != '"'; at++)
    if (*at == '\\' && !*++at) return NULL;
  return *at ? at : NULL;
}

/* A string of the outermost object, as it stands in the JSON; 0: found, and it fits. */
static int string_in(const char *json, const char *name, char *value, size_t size) {
  size_t length = strlen(name);
  int depth = 0;
  value[0] = 0;
  for (; *json; json++) {
    const char *begin = json + 1, *end;
    if (*json == '{' || *json == '[') depth++;
    if (*json == '}' || *json == ']') depth--;
    if (*json != '"') continue;
    if (!(end = end_of_string(json))) return -1;
    json = end;
    if (depth != 1 || (size_t)(end - begin) != length || memcmp(begin, name, length) != 0) continue;
    for (json++; *json == ' '; json++) continue;
    if (*json != ':') continue; /* it is a value */
    for (json++; *json == ' '; json++) continue;
    if (*json != '"' || !(end = end_of_string(json)) || (size_t)(end - json) > size) return -1;
    memcpy(value, json + 1, (size_t)(end - json) - 1);
    value[end - json - 1] = 0;
    return 0;
  }
  return -1;
}

static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter; }

/* What a header says, from its first character on; NULL: it is not there. `name` in small letters. */
static const char *header_in(const char *answer, const char *name) {
  for (; *answer; answer++) {
    const char *at = answer + 1, *letter = name;
    if (*answer != '\n') continue;
    if (*at == '\r' || *at == '\n') return NULL; /* the body begins */
    while (*letter && lower(*at) == *letter) at++, letter++;
    if (*letter || *at != ':') continue;
    for (at++; *at == ' '; at++) continue;
    return at;
  }
  return NULL;
}

/* Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT" [RFC 9110, 5.6.7]; -1: it is none. */
static int64_t date_in(const char *text) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char name[4] = "";
  int day, year, hour, minute, second, month;
  int64_t shifted, days;
  const char *found;
  if (!text || sscanf(text, "%*3s, %d %3s %d %d:%d:%d", &day, name, &year, &hour, &minute, &second) != 6) return -1;
  if (!(found = strstr(months, name)) || year < 1970 || year > 9999) return -1;
  month = (int)(found - months) / 3;
  /* The year begins in March, so that the odd day is its last one. */
  shifted = month < 2 ? year - 1 : year;
  days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (153 * ((month + 10) % 12) + 2) / 5 + day - 719469;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

/* Seconds, or a date, which is compared with the answer's own: a board may have no clock. -1: nothing is said. */
static int64_t retry_after(const char *answer) {
  const char *text = header_in(answer, "retry-after");
  int64_t seconds = 0;
  if (!text) return -1;
  if (*text < '0' || *text > '9') {
    int64_t now = date_in(header_in(answer, "date")), then = date_in(text);
    seconds = now < 0 || then < 0 ? -1 : then > now ? then - now : 0;
  } else
    while (*text >= '0' && *text <= '9' && seconds < 3600) seconds = seconds * 10 + (*text++ - '0');
  return seconds > 3600 ? 3600 : seconds;
}

/* Never before Retry-After, and not when all others do: full jitter after a failure, else up to a fifth. */
static uint32_t wait_ms(gb_device *device, int64_t asked) {
  uint16_t chance;
  uint32_t most, base;
  device->platform->random(device->platform->user, &chance, sizeof chance);
  if (device->failures > 0) {
    base = asked < 0 ? 0 : (uint32_t)asked * 1000;
    most = device->failures > 6 ? 60000 : 1000u << (device->failures - 1);
  } else {
    base = asked < 0 ? 5000 : (uint32_t)asked * 1000;
    most = base / 5;
  }
  base += (uint32_t)((uint64_t)most * chance / 65536);
  return base < 250 ? 250 : base;
}

/* The request, in the buffer that the answer comes in; its length, or -1: it does not fit. */
static int request_of(gb_device *device) {
  char body[512];
  int length;
  if (device->token[0])
    length = snprintf(device->answer, sizeof device->answer,
        "GET /api/client-registry/requests/self HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
        "Authorization: Bearer %s\r\nPrefer: wait=30\r\n\r\n", device->host, device->token);
  else {
    int size = snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"%s\",\"pairingId\":\"%s\"%s%s}", device->username,
        device->password, device->pairing_id, device->context ? ",\"context\":" : "", device->context ? device->context : "");
    if (size < 0 || (size_t)size >= sizeof body) return -1;
    length = snprintf(device->answer, sizeof device->answer,
        "POST /api/client-registry/register HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", device->host, size, body);
  }
  return length < 0 || (size_t)length >= sizeof device->answer ? -1 : length;
}

/* The status of one exchange; 0: nobody answered, or not to the end; -1: the request does not fit. */
static int ask(gb_device *device) {
  const char *body, *length;
  int status = 0, size = request_of(device);
  long told = 0;
  if (size < 0) return -1;
  size = device->platform->exchange(device->platform->user, device->answer, (size_t)size, sizeof device->answer - 1);
  device->answer[size < 0 ? 0 : (size_t)size < sizeof device->answer ? (size_t)size : sizeof device->answer - 1] = 0;
  body = strstr(device->answer, "\r\n\r\n");
  length = header_in(device->answer, "content-length");
  if (!body || !length || sscanf(device->answer, "HTTP/1.%*1d %3d", &status) != 1 || sscanf(length, "%ld", &told) != 1) return 0;
  return body + 4 - device->answer + told == size ? status : 0;
}

gb_outcome gb_step(gb_device *device) {
  int status = ask(device), had_token = device->token[0] != 0, is_busy;
  const char *found = strstr(device->answer, "\r\n\r\n"), *body = found ? found : "";
  if (status < 0) return strcpy(device->problem, "request-too-long"), GB_REFUSED;
  is_busy = status == 0 || status == 408 || status == 429 || status >= 500;
  device->failures = is_busy ? device->failures + (device->failures < 100) : 0;
  device->wait_ms = wait_ms(device, status == 0 ? -1 : retry_after(device->answer));
  if (status == 201) return strcpy(device->problem, "granted"), GB_GRANTED;
  if (is_busy) return strcpy(device->problem, status == 0 ? "unreachable" : "busy"), GB_WAITS;
  if (status == 423) return strcpy(device->problem, "locked"), device->taken = 0, GB_WAITS;
  if (status == 202) {
    strcpy(device->problem, "pending");
    string_in(body, "registrationToken", device->token, sizeof device->token);
    device->taken = 0;
    if (!device->polled && device->token[0]) device->wait_ms = 0; /* the registry holds the next answer back itself */
    device->polled = 1;
    return GB_WAITS;
  }
  string_in(body, "code", device->problem, sizeof device->problem);
  if (status == 409 && strcmp(device->problem, "replacement-pending") == 0) return device->taken = 0, GB_WAITS;
  /* Asked once more, it may have become a replacement. */
  if (status == 409 && strcmp(device->problem, "username-taken") == 0 && device->taken++ == 0) return GB_WAITS;
  device->taken = 0;
  if (!had_token) return GB_REFUSED;
  device->token[0] = 0; /* what ended the token may not have ended the password */
  device->wait_ms = 0;
  return GB_WAITS;
}

int gb_broker(const gb_device *device, const char *beginning, char *url, size_t size) {
  const char *at = strstr(device->answer, "\"brokers\":"), *end;
  size_t length = strlen(beginning);
  for (; at && (at = strchr(at, '"')); at = end + 1) {
    if (!(end = end_of_string(at))) return -1;
    if (strncmp(at + 1, beginning, length) != 0 || (size_t)(end - at) > size) continue;
    memcpy(url, at + 1, (size_t)(end - at) - 1);
    url[end - at - 1] = 0;
    return 0;
  }
  return -1;
}
