"""`python -m nerlib serve`: a tagger over HTTP, for programs, and for people as a page."""

import argparse
import socket
import webbrowser

from nerlib.device import set_threads
from nerlib.tools.commands import UsageError, load_tagger
from nerlib.tools.extras import require_extra

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_WAITING = 100


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; raises `UsageError` for a user's mistake."""
    require_extra("serve")
    import uvicorn

    from nerlib.tools.service import application  # both need the extra packages

    set_threads(options.threads)
    here = options.host in LOOPBACK
    app = application(load_tagger(options), (*LOOPBACK, "[::1]") if here else ("*",))
    with _listen(options.host, options.port) as listener:
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listener.getsockname()[1]}/"
        print(f"The page is at {address}, for programs POST {address}tag  (Ctrl-C ends it)")
        if not here:
            print("Everybody who can reach this machine can use it: it asks for no password.")
        if options.open:
            webbrowser.open(address)
        config = uvicorn.Config(app, log_level="warning", limit_concurrency=MOST_WAITING)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; raises `UsageError` if nobody can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--host {host} --port {port}: {reason}: choose another") from None
