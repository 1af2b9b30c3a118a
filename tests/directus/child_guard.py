"""Replaces itself by another program, which the kernel ends together with its parent.

    python3 child_guard.py [--signal NAME] PARENT COMMAND …

PARENT is the parent's process id, as the parent may end before this runs. The signal is
SIGKILL by default; give another one to a program that must clean up.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main():
    args, number = sys.argv[1:], signal.SIGKILL
    if args[0] == "--signal":
        number, args = signal.Signals[args[1]], args[2:]
    parent, command = int(args[0]), args[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
