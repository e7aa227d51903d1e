"""A temporary folder that is removed when this process ends, in whatever way it ends."""

import os
import subprocess
import tempfile
from pathlib import Path

# Lives as long as this process does, however that ends: then it kills the process groups that it was told of, and removes
# the folder.
GUARD = """
groups=
while read -r group; do groups="$groups -$group"; done
[ -z "$groups" ] || kill -s KILL -- $groups 2>/dev/null
n=0; while ! rm -rf "$1" 2>/dev/null && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done
"""
SOCKET = "org.chromium.Chromium.123456/SingletonSocket"
LONGEST_SOCKET = 103
"""Bytes that the path of a socket may have on every system."""


class GuardedFolder:
    """A temporary folder that goes when it is closed, or when this process ends, in whatever way."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="pbi-harness-"))
        if len(os.fsencode(self.path / SOCKET)) > LONGEST_SOCKET:  # no browser could start in there
            self.path.rmdir()
            self.path = Path(tempfile.mkdtemp(prefix="pbi-harness-", dir="/tmp"))
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", self.path],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_first(self, group: int) -> None:
        """A process group that writes into the folder: it is killed before."""
        assert self._guard.stdin
        self._guard.stdin.write(f"{group}\n".encode())

    def close(self) -> None:
        self._guard.communicate()  # its stdin ends
