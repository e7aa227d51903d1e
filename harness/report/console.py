"""Text for a terminal or a CI log, in colours and lines that suit it."""

import os
import re
import shutil
import textwrap
from typing import TextIO


def printable(text: str) -> str:
    """Return a text without control characters, by which a page under test could change what the terminal shows.

    Line feeds stay.
    """
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+", " ", text)


class Console:
    """A stream that a person reads. Colours appear only on a terminal, and not if NO_COLOR is set."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.is_terminal = out.isatty()
        self._coloured = self.is_terminal and not os.environ.get("NO_COLOR")  # https://no-color.org
        self.columns = shutil.get_terminal_size((120, 24)).columns
        """The columns of the terminal; 120 if there is none."""
        self.width = max(60, min(140, self.columns))
        """The longest line of wrapped text, in characters."""

    def write(self, text: str) -> None:
        """Write text at once, so that it appears even if the program then works for a while."""
        self._out.write(text)
        self._out.flush()

    def tint(self, colour: str, text: str) -> str:
        """Return a text in the colour of an SGR code, such as "31" (red). Source: ECMA-48."""
        return f"\x1b[{colour}m{printable(text)}\x1b[0m" if self._coloured else printable(text)

    def wrapped(self, text: str, indent: int) -> str:
        """Return a text in lines of at most `width` characters, each of which begins with `indent` spaces."""
        space = " " * indent
        return textwrap.fill(
            text,
            self.width,
            initial_indent=space,
            subsequent_indent=space,
            break_long_words=False,
            break_on_hyphens=False,  # "LIFE-1" stays in one line
        )
