"""A temporary folder that is removed when this process ends, even if this process is killed."""

import os
import subprocess
import tempfile
from pathlib import Path

# A shell script that runs in a second process. The script's argument is the folder. The script reads the ids of process
# groups from its stdin, one per line, until stdin ends: the system closes the pipe when this process ends, for whatever
# reason. Then the script kills the process groups and removes the folder. It tries up to 50 times, because a process
# that was just killed may still have created a file.
GUARD_SCRIPT = """
groups=
while read -r group; do groups="$groups -$group"; done
[ -z "$groups" ] || kill -s KILL -- $groups 2>/dev/null
n=0; while ! rm -rf "$1" 2>/dev/null && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done
"""
BROWSER_SOCKET = "org.chromium.Chromium.123456/SingletonSocket"
"""A socket that Chromium makes in its folder for temporary files; the digits stand for random characters."""
SOCKET_PATH_LIMIT_BYTES = 103
"""Maximum length of a socket's path in bytes on macOS, which has the lower limit. On Linux the limit is 107."""


class GuardedFolder:
    """A temporary folder that is removed by `close`, or when this process ends, even if this process is killed.

    `path` is the folder's path, which is short enough for a browser to start with `TMPDIR` set to it.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="pbi-harness-"))
        if len(os.fsencode(self.path / BROWSER_SOCKET)) > SOCKET_PATH_LIMIT_BYTES:
            self.path.rmdir()
            self.path = Path(tempfile.mkdtemp(prefix="pbi-harness-", dir="/tmp"))
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD_SCRIPT, "guard", self.path],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_first(self, group: int) -> None:
        """Add a process group, by its id, that is killed before the folder is removed."""
        assert self._guard.stdin
        self._guard.stdin.write(f"{group}\n".encode())

    def close(self) -> None:
        """Kill the added process groups, remove the folder, and wait until both are done."""
        self._guard.communicate()  # closes the guard's stdin
