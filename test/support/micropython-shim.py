"""docs/device/device_micropython.py under CPython: streams as MicroPython's, whose sockets read and write like files.

    python3 micropython-shim.py URL NAME FILE [FINGERPRINT]
"""

import importlib.util
import json
import os
import pathlib
import socket
import ssl
import sys
import types


class Stream:
    def __init__(self, inner):
        self.inner = inner
        self.file = None

    def settimeout(self, seconds):
        self.inner.settimeout(seconds)

    def connect(self, address):
        self.inner.connect(address)

    def write(self, data):
        self.inner.sendall(data)

    def reading(self):
        self.file = self.file or self.inner.makefile("rb")
        return self.file

    def readline(self):
        return self.reading().readline()

    def read(self, count):
        return self.reading().read1(count)

    def close(self):
        self.inner.close()


class Context(ssl.SSLContext):
    def wrap_socket(self, stream, server_hostname):
        return Stream(super().wrap_socket(stream.inner, server_hostname=server_hostname))


os.umask(0o077)
path = pathlib.Path(__file__).parent.parent.parent / "docs/device/device_micropython.py"
spec = importlib.util.spec_from_file_location("device_micropython", path)
device = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(device)
names = {name: getattr(ssl, name) for name in ("PROTOCOL_TLS_CLIENT", "CERT_NONE", "CERT_REQUIRED")}
device.ssl = types.SimpleNamespace(SSLContext=Context, **names)
device.socket = types.SimpleNamespace(
    socket=lambda: Stream(socket.socket()), getaddrinfo=socket.getaddrinfo, SOCK_STREAM=socket.SOCK_STREAM
)
url, name, file, *fingerprint = sys.argv[1:]
say = lambda *words: print(*words, file=sys.stderr, flush=True)
try:
    print(json.dumps(device.register(url, name, file, *fingerprint, say=say)))
except (device.Refused, device.OtherAuthority) as error:
    say(error)
    sys.exit(3)
