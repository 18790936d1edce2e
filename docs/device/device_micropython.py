"""A Gatebook device in MicroPython 1.22 or later, with what a board has: asks for access until it is granted.

    import device_micropython as gatebook
    granted = gatebook.register("https://gatebook.plant:8443", "press-17", "/gatebook.json", ca_fingerprint="9f…")

Then, with umqtt (`mpremote mip install umqtt.simple`):

    import umqtt.simple
    held = gatebook.load("/gatebook.json")
    client = umqtt.simple.MQTTClient(held["username"], host, port, held["username"], held["password"], ssl=gatebook.tls(url, fingerprint))
    client.connect()

TLS takes about 40 kB of RAM. It checks host name and dates, so the clock has to be set first (`ntptime.settime()`).
"""

import binascii
import hashlib
import json
import os
import socket
import ssl
import time

ANSWER_BYTES_MAX = 16 * 1024
LONG_POLL_S = 30
TIMEOUT_S = 60


class Refused(Exception):
    """The registry refused for good."""


class OtherAuthority(Exception):
    """Who answers has another CA. Nothing was sent."""


def chance():
    """From 0 to 1."""
    return int.from_bytes(os.urandom(2), "big") / 65536


def load(path):
    """What the device keeps; None: there is no file yet."""
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return None


def save(path, held):
    """The file is the old one or this one: littlefs renames at once. A board has one user; a machine with more sets umask 077."""
    with open(path + ".new", "w") as file:
        json.dump(held, file)
        file.flush()
    if hasattr(os, "sync"):
        os.sync()
    os.rename(path + ".new", path)


def address_of(url):
    """Whether it is TLS, host, port."""
    scheme, rest = url.rstrip("/").split("://")
    is_tls = scheme == "https"
    host, _, port = rest.partition(":")
    return is_tls, host, int(port or (443 if is_tls else 80))


def exchange(url, context, method, path, headers, body):
    """One request on a connection of its own: status, headers, body. Raises OSError, ValueError where there is no whole answer."""
    is_tls, host, port = address_of(url)
    plain = socket.socket()
    stream = plain
    try:
        plain.settimeout(TIMEOUT_S)
        plain.connect(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1])
        if is_tls:
            stream = context.wrap_socket(plain, server_hostname=host)
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % (host, port), "Connection: close"]
        lines += ["%s: %s" % one for one in headers.items()]
        if body:
            lines.append("Content-Length: %d" % len(body))
        # In one piece: a board sends each write as a packet of its own.
        stream.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        status = int(stream.readline().split()[1])
        told = {}
        while True:
            line = stream.readline().strip()
            if not line:
                break
            name, _, value = line.decode().partition(":")
            told[name.lower()] = value.strip()
        length = int(told.get("content-length", "-1"))
        if not 0 <= length <= ANSWER_BYTES_MAX:
            raise ValueError("no answer of a registry")
        answer = b""
        while len(answer) < length:
            piece = stream.read(length - len(answer))
            if not piece:
                raise OSError("the answer broke off")
            answer += piece
        return status, told, answer
    finally:
        stream.close()
        plain.close()


def tls(url, fingerprint):
    """What is trusted is the fingerprint, so the CA itself may come from anywhere."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if hasattr(nobody, "check_hostname"):
        nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE
    chain = exchange(url, nobody, "GET", "/ca/certificate", {}, b"")[2].decode()
    for part in chain.split("-----BEGIN CERTIFICATE-----")[1:]:
        der = binascii.a2b_base64("".join(part.split("-----END")[0].split()))
        if binascii.hexlify(hashlib.sha256(der).digest()).decode() != fingerprint.replace(":", "").lower():
            continue
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=der)
        return context
    raise OtherAuthority("another certificate authority")


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds_of(date):
    """Of "Sun, 06 Nov 1994 08:49:37 GMT" [RFC 9110, 5.6.7], in seconds since some day."""
    _, day, month, year, clock, _ = date.split()
    hour, minute, second = (int(part) for part in clock.split(":"))
    # The year begins in March, so that the odd day is its last one.
    number = MONTHS.index(month)
    shifted = int(year) - (1 if number < 2 else 0)
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + (153 * ((number + 10) % 12) + 2) // 5 + int(day)
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def retry_after_s(headers):
    """Seconds, or a date, which is compared with the answer's own: a board may have no clock. None: nothing is said."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        after = int(text) if text.isdigit() else seconds_of(text) - seconds_of(headers["date"])
    except (KeyError, ValueError):
        return None
    return max(0, min(after, 3600))


def wait_s(headers, failures):
    """Never before Retry-After, and not when all others do: full jitter after a failure, else up to a fifth."""
    asked = retry_after_s(headers)
    if failures == 0:
        return max(0.25, 5 if asked is None else asked) * (1 + chance() / 5)
    return max(0.25, (asked or 0) + chance() * min(60, 2 ** min(failures - 1, 6)))


def status_of(code, problem, taken):
    """None: final."""
    if code in (0, 408, 429) or code >= 500:
        return "busy" if code else "unreachable"
    if code == 202:
        return "pending"
    if code == 423:
        return "locked"
    if code == 409 and (problem == "replacement-pending" or (problem == "username-taken" and taken == 0)):
        return problem
    return None


def ask(url, context, held, token):
    """With the registration token where there is one, so that the password is sent once."""
    if token:
        headers = {"Authorization": "Bearer " + token, "Prefer": "wait=%d" % LONG_POLL_S}
        method, path, body = "GET", "/api/client-registry/requests/self", b""
    else:
        headers = {"Content-Type": "application/json"}
        asked = {name: held[name] for name in ("username", "password", "pairingId")}
        method, path, body = "POST", "/api/client-registry/register", json.dumps(asked).encode()
    code, headers, answer = exchange(url, context, method, path, headers, body)
    return code, headers, json.loads(answer) if answer else {}


def register(url, username, path, ca_fingerprint=None, say=print):
    """Waits until it is granted, however long that takes; returns what the registry says. Raises Refused, OtherAuthority."""
    held = load(path)
    if held is None:
        password, pairing = (binascii.hexlify(os.urandom(count)).decode() for count in (32, 3))
        held = {"username": username, "password": password, "pairingId": pairing}
        save(path, held)
    say("pairing ID", held["pairingId"][:3], held["pairingId"][3:])
    context = token = None
    failures = taken = 0
    polled = False
    while True:
        try:
            if context is None and url.startswith("https:"):
                context = tls(url, ca_fingerprint)
            code, headers, answer = ask(url, context, held, token)
        except (OSError, ValueError, IndexError):
            code, headers, answer = 0, {}, {}
        if code == 201 and answer.get("username") == username:
            return answer
        problem = answer.get("code")
        status = status_of(code, problem, taken)
        if status is None:
            if token is None:
                raise Refused("%d %s" % (code, problem))
            token = None  # what ended the token may not have ended the password
            continue
        say(status)
        failures = failures + 1 if status in ("busy", "unreachable") else 0
        if failures == 0:
            taken = 1 if status == "username-taken" else 0
        if status == "pending":
            token = answer["registrationToken"]
            if not polled:
                polled = True  # the registry holds the answer to the next question back itself
                continue
        time.sleep(wait_s(headers, failures))
