"""Words without what varies by run: ports, times, process numbers, memory addresses, line numbers, folders.

What is left is the same on every run of one version of a program, so that it can be recorded, compared and searched.
"""

import re

_STANDS_FOR: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), stands)
    for pattern, stands, flags in (
        (r"\x1b\[[0-9;]*m", "", 0),
        # What servers put before every line.
        (r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:\[\w+\] \d+#\d+: )?(?:\*\d+ )?", "", re.MULTILINE),
        (r"\b[0-9A-F]{8,}:(?=error:)", "", 0),
        (r", client: \S+, server: .*$", "", re.MULTILINE),
        (r"(?<=http: TLS handshake error from )\S+(?=:)", "CLIENT", 0),
        (r"^verify depth is \d+.*$|^Using default temp DH parameters$", "", re.MULTILINE),
        # Times.
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?(?: UTC| GMT)?", "TIME", 0),
        (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [A-Z]+ \d{4}", "TIME", 0),
        # Where in a source file, in memory, in a folder, at which port.
        (r" ?\(_ssl\.c:\d+\)", "", 0),
        (r":(?:\.\./)?[\w./-]+\.c:\d+:", ":", 0),
        (r"0x[0-9a-fA-F]{6,}", "0xADDRESS", 0),
        (r"(?:/[\w.-]+)*/mtls-lab-[\w-]+/", "", 0),
        (r"(?<=[\w\]]):\d{4,5}\b", ":PORT", 0),
        (r"(?<=port=)\d+|(?<=port )\d+", "PORT", 0),
        (r"(?<=socket )\d+\b", "N", 0),
        (r"(?<=Serial number: )[0-9a-f:]+", "SERIAL", 0),
        (r"[ \t]+$", "", re.MULTILINE),
    )
)


def normalise(text: str) -> str:
    """The words, the same on every run; a line that was said twice is there once."""
    # Bytes that are no text, as a server's log of a client that speaks something else may hold.
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    for pattern, stands in _STANDS_FOR:
        text = pattern.sub(stands, text)
    return "\n".join(dict.fromkeys(line for line in text.splitlines() if line.strip()))
