"""A name server that gives every name the same answer: `nameserver.py IPV4 IPV6`, `-` for none.

Run in a namespace of a test's own, on 127.0.0.1, port 53.
"""

import socket
import struct
import sys

A, AAAA = 1, 28


def answer(question: bytes, addresses: dict[int, str]) -> bytes:
    """RFC 1035 §4: the question again, and one record if there is an address of that kind."""
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
    address = addresses.get(kind, "-")
    record = b""
    if address != "-":
        packed = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, address)
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed
    head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, bool(record), 0, 0)
    return head + question[12:end] + record


def main(v4: str, v6: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        sys.stdout.write("ready")
        sys.stdout.flush()
        while True:
            question, client = server.recvfrom(512)
            server.sendto(answer(question, {A: v4, AAAA: v6}), client)


if __name__ == "__main__":
    main(*sys.argv[1:])
