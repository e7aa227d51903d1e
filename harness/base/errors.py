"""The errors of the harness. Each message says what happened, what was seen and what to do.

    HarnessError             exit 3   base: the harness itself could not go on
    ├── SetupError           exit 3   base: something that the harness needs is not installed
    ├── UsageError           exit 4   base: an option, argument or environment variable is wrong
    │   └── RecordingError   exit 4   contract: a recording cannot be read
    ├── DevToolsError        exit 3   browser: the browser refused a command
    ├── PageGone             exit 3   browser: the page crashed or was closed
    │   └── BrowserGone      exit 3   browser: the browser ended
    ├── PageUnreachable      exit 3   clock: nothing answers at the page's address
    ├── ClockStuck           exit 3   clock: an answer does not come, so the clock cannot advance
    ├── RequestStorm         exit 3   clock: a page sent more requests than its limit
    ├── TookTooLong          exit 3   clock: the real-time budget is used up
    ├── NothingEmbedded      exit 3   stage: the page has no Power BI item
    ├── AdapterFailed        exit 3   contract: the user's adapter raised an exception
    ├── NotAPage             exit 3   contract: the address does not answer with an HTML page
    └── NotRecorded          exit 3   contract: a rule looks at a visit that was not recorded

The second column is the exit code of the command line. The third column begins with the room that defines the class.
The exit codes are pytest's: 1 a check failed, 2 interrupted, 3 an error of the harness, 4 wrong usage.
"""

from typing import ClassVar


class HarnessError(Exception):
    """An error that keeps the harness from doing its work. `exit_code` is the exit code of the command line."""

    exit_code: ClassVar[int] = 3


class SetupError(HarnessError):
    """The lack of something that the harness needs: it was not found, or could not be installed."""


class UsageError(HarnessError):
    """A wrong option, argument or environment variable."""

    exit_code: ClassVar[int] = 4
