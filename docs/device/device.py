#!/usr/bin/env python3
"""A Gatebook device in Python, standard library alone: asks for access until it is granted.

    python3 device.py press-17 --url https://gatebook.plant:8443 --ca-fingerprint HEX --state press-17.json

Run it again whenever you like: it goes on where it was. As a module: register(...) returns what was granted.
"""

import argparse
import email.utils
import hashlib
import http.client
import json
import os
import random
import re
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request

REGISTER = "/api/client-registry/register"
SELF = "/api/client-registry/requests/self"
LONG_POLL_S = 30
BACK_OFF_MAX_S = 60
RETRY_AFTER_MAX_S = 3600
ANSWER_BYTES_MAX = 1024 * 1024


class Refused(Exception):
    """The registry refused for good."""


class OtherAuthority(Exception):
    """Who answers has another CA. Nothing was sent."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The password goes to nobody else."""

    def redirect_request(self, *_):
        return None


def trusted(url, fingerprint):
    """What is trusted is the fingerprint, so the CA itself may come from anywhere."""
    if fingerprint is None:
        return ssl.create_default_context()
    wanted = re.sub(r"[\s:]", "", fingerprint).lower()
    nobody = ssl._create_unverified_context()
    with urllib.request.urlopen(f"{url}/ca/certificate", timeout=10, context=nobody) as answer:
        chain = answer.read(ANSWER_BYTES_MAX).decode("ascii", "replace")
    for pem in re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", chain, re.S):
        if hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == wanted:
            return ssl.create_default_context(cadata=pem)
    raise OtherAuthority(f"{url} has another certificate authority")


def ask(opener, request, timeout_s):
    """Status, body and headers; status 0: nobody answered, or not to the end."""
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return answer.status, json.loads(answer.read(ANSWER_BYTES_MAX)), answer.headers
    except urllib.error.HTTPError as answer:
        try:
            body = json.loads(answer.read(ANSWER_BYTES_MAX))
        except (OSError, ValueError, http.client.HTTPException):
            body = {}
        return answer.code, body if isinstance(body, dict) else {}, answer.headers
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, {"detail": str(error)}, {}


def retry_after_s(headers):
    """Seconds, or a date, which the answer's own Date is compared with: a device's clock may be wrong."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    if text.isdigit():
        return min(int(text), RETRY_AFTER_MAX_S)
    try:
        now = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
        after = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0, min(after - now, RETRY_AFTER_MAX_S))


def wait_s(headers, failures):
    """Never before Retry-After, and not when all others do: full jitter after a failure, else up to a fifth."""
    asked = retry_after_s(headers)
    if failures == 0:
        return (5 if asked is None else max(asked, 0.25)) * (1 + random.random() / 5)
    return max(0.25, (asked or 0) + random.random() * min(BACK_OFF_MAX_S, 2 ** min(failures - 1, 10)))


class State:
    """A file of mode 0600 with the password and how far the registration is; never half written."""

    def __init__(self, path, url, username):
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                self.held = json.load(file)
        except FileNotFoundError:
            self.held = {"url": url, "username": username, "password": secrets.token_hex(32)}
            self.save(pairingId=secrets.token_hex(3))
        if (self.held["url"], self.held["username"]) != (url, username):
            raise ValueError(f"{path} belongs to {self.held['username']} at {self.held['url']}")

    def save(self, **changes):
        self.held.update(changes)
        draft = f"{self.path}.new"
        if os.path.exists(draft):
            os.unlink(draft)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(self.held, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.path)


def status_of(code, body, taken):
    """None: final."""
    if code in (0, 408, 429) or code >= 500:
        return "busy" if code else "unreachable"
    if code == 202:
        return "pending"
    if code == 423:
        return "locked"
    problem = body.get("code")
    if code == 409 and (problem == "replacement-pending" or (problem == "username-taken" and taken == 0)):
        return problem
    return None


def register(url, username, path, ca_fingerprint=None, context=None, say=lambda *_: None):
    """Waits until it is granted, however long that takes; returns what the registry says. Raises Refused."""
    url = url.rstrip("/")
    state = State(path, url, username)
    say("pairing ID", f"{state.held['pairingId'][:3]} {state.held['pairingId'][3:]}")
    opener = None
    failures = taken = 0
    polled = False
    while True:
        token = state.held.get("token")
        if token is None:
            names = ("username", "password", "pairingId")
            body = {name: state.held[name] for name in names} | ({"context": context} if context else {})
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(url + REGISTER, json.dumps(body).encode(), headers)
        else:
            headers = {"Authorization": f"Bearer {token}", "Prefer": f"wait={LONG_POLL_S}"}
            request = urllib.request.Request(url + SELF, headers=headers)
        try:
            if opener is None:
                tls = urllib.request.HTTPSHandler(context=trusted(url, ca_fingerprint))
                opener = urllib.request.build_opener(NoRedirect, tls)
            code, answer, headers = ask(opener, request, LONG_POLL_S + 30)
        except (OSError, http.client.HTTPException) as error:
            code, answer, headers = 0, {"detail": str(error)}, {}
        if code == 201 and answer.get("username") == username:
            state.save(token=None, granted=answer)
            return answer
        status = status_of(code, answer, taken)
        if status is None:
            if token is None:
                raise Refused(f"{code} {answer.get('code')}: {answer.get('detail')}")
            # What ended the token may not have ended the password.
            state.save(token=None)
            continue
        if status in ("busy", "unreachable") and state.held.get("granted"):
            return state.held["granted"]
        say(status, answer.get("detail", ""))
        failures = failures + 1 if status in ("busy", "unreachable") else 0
        if failures == 0:
            taken = 1 if status == "username-taken" else 0
        if status == "pending":
            state.save(token=answer["registrationToken"], requestId=answer["requestId"])
            if not polled:
                # The registry holds the answer to the next question back itself.
                polled = True
                continue
        time.sleep(wait_s(headers, failures))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("name")
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--ca-fingerprint", help="SHA-256 of the registry's CA, hex; default: whom the system trusts")
    parser.add_argument("--state", required=True, help="the file that it goes on from")
    given = parser.parse_args()
    say = lambda *words: print(given.name + ":", *words, file=sys.stderr, flush=True)
    try:
        granted = register(given.url, given.name, given.state, given.ca_fingerprint, say=say)
    except (Refused, OtherAuthority, ValueError, OSError) as error:
        say(error)
        return 3
    say("granted")
    print(json.dumps(granted))
    return 0


# Then, with paho-mqtt (the password is in the state file):
#
#     client = paho.mqtt.client.Client(client_id=username)
#     client.username_pw_set(username, password)
#     client.tls_set_context(trusted(url, ca_fingerprint))  # for a broker at mqtts://
#     client.connect(host, port)
#
# or, without: mosquitto_pub -h HOST -u NAME -P PASSWORD -t TOPIC -m MESSAGE

if __name__ == "__main__":
    sys.exit(main())
