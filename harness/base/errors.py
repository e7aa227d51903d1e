"""The errors of the harness. The text of each is one sentence: what happened, what was seen, and what to do.

    HarnessError             exit 3   base: the harness itself could not go on
    ├── SetupError           exit 3   base: something that the harness needs is not installed
    ├── UsageError           exit 4   base: an option, argument or environment variable is wrong
    ├── DevToolsError        exit 3   browser: the browser refused a command
    ├── PageGone             exit 3   browser: the page crashed or was closed
    │   └── BrowserGone      exit 3   browser: the browser ended
    ├── PageUnreachable      exit 3   clock: nothing answers at the page's address
    ├── ClockStuck           exit 3   clock: an answer does not come, so the clock cannot advance
    ├── RequestStorm         exit 3   clock: a page sent more requests than its limit
    ├── TookTooLong          exit 3   clock: the real-time budget is used up
    ├── NothingEmbedded      exit 3   stage: the page has no Power BI item
    ├── AdapterFailed        exit 3   contract: the user's adapter raised an exception
    └── NotAPage             exit 3   contract: the address does not answer with an HTML page

The exit codes are pytest's: 1 a check failed, 2 interrupted, 3 an error of the harness, 4 wrong usage.
"""

from typing import ClassVar


class HarnessError(Exception):
    """The harness could not go on; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 3


class SetupError(HarnessError):
    """Something that the harness needs could not be installed or found."""


class UsageError(HarnessError):
    """The user's own words cannot be followed: an option, an argument or a variable of the environment."""

    exit_code: ClassVar[int] = 4
