"""Where the page listens: this machine alone unless asked otherwise, and whether a port is free."""

from __future__ import annotations

import errno
import socket

HOST = "127.0.0.1"
FIRST_PORT = 7860


def port_is_free(host: str, port: int) -> bool:
    """Return whether nobody listens on a port; raises `OSError` for an address not of this machine.

    >>> with socket.socket() as taken:
    ...     taken.bind(("127.0.0.1", 0))
    ...     taken.listen()
    ...     port_is_free("127.0.0.1", taken.getsockname()[1])
    False
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
