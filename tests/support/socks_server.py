"""A SOCKS5 proxy (RFC 1928) that notes where its clients want to go, and connects them to one port of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_BY_NAME = 3  # the type of an address


@contextlib.contextmanager
def socks_server(port: int) -> Iterator[tuple[int, list[tuple[str, int]]]]:
    """Its port, and the places that it was asked for. All connections go to `port`."""
    asked: list[tuple[str, int]] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                threading.Thread(target=_serve_one, args=(client, port, asked), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield listener.getsockname()[1], asked
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _serve_one(client: socket.socket, port: int, asked: list[tuple[str, int]]) -> None:
    with contextlib.suppress(OSError), client:
        _, methods = client.recv(2)
        client.recv(methods)
        client.sendall(b"\x05\x00")
        kind = client.recv(4)[3]
        by_name = kind == _BY_NAME
        host = client.recv(client.recv(1)[0]).decode() if by_name else socket.inet_ntoa(client.recv(4))
        asked.append((host, int.from_bytes(client.recv(2), "big")))
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        with socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
