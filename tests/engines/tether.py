"""Runs a server that ends with the process that started it: `tether.py SIGNAL USER PARENT_PID COMMAND…`.

The kernel sends SIGNAL when the parent dies, however it dies (prctl(2), PR_SET_PDEATHSIG; a change of user clears it,
so it is set after that). USER may be `-`: whoever runs this.
"""

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    signal_name, user, parent, *command = sys.argv[1:]
    if user != "-":
        entry = pwd.getpwnam(user)
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.Signals[signal_name])
    if os.getppid() != int(parent):
        return  # the parent was quicker
    os.execvp(command[0], command)  # noqa: S606


main()
