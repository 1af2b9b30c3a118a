"""One server for all the tests of a process."""

import atexit
import functools

from install import install
from server import Server


@functools.cache
def shared_server(version, **env):
    """A server that runs until the process ends."""
    install(version)
    made = Server(version, env)
    atexit.register(made.close)
    return made
