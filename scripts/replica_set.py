"""Makes a fresh mongod a replica set of one, and waits until it is the primary.

    replica_set.py PORT PID

Speaks MongoDB's wire protocol (OP_MSG) by itself, since no shell of MongoDB's is at hand.
"""

import os
import socket
import struct
import sys
import time

PATIENCE = 30  # seconds


def element(name, value):
    """One field of a BSON document."""
    key = name.encode() + b"\0"
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02" + key + struct.pack("<i", len(text)) + text
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    if isinstance(value, list):
        return b"\x04" + key + document({str(i): item for i, item in enumerate(value)})
    return b"\x03" + key + document(value)


def document(fields):
    """A BSON document."""
    body = b"".join(element(name, value) for name, value in fields.items()) + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise OSError("mongod closed the connection")
        data += part
    return data


def run(port, command):
    """Runs a command on the admin database; returns the reply's raw BSON."""
    body = struct.pack("<iB", 0, 0) + document(command | {"$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(struct.pack("<iiii", len(body) + 16, 1, 0, 2013) + body)
        length = struct.unpack("<i", receive(connection, 4))[0]
        return receive(connection, length - 4)


def wait_for(what, done):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if done():
                return
        except OSError:
            os.kill(pid, 0)  # raises when it has died
        if time.monotonic() > end:
            sys.exit(f"mongod on port {port}: not {what} within {PATIENCE} s")
        time.sleep(0.05)


port, pid = int(sys.argv[1]), int(sys.argv[2])
members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
try:
    wait_for("answering", lambda: run(port, {"hello": 1}))
    run(port, {"replSetInitiate": {"_id": "rs0", "members": members}})
    wait_for("primary", lambda: b"\x08isWritablePrimary\0\x01" in run(port, {"hello": 1}))
except OSError as error:
    sys.exit(f"mongod on port {port}: {error}")
