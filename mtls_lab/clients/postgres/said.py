"""What a server says in its log, without what differs from run to run."""

import re

_LINE = re.compile(r"(?:\d+ )?([A-Z]+):  (.*)")
_TALK = re.compile(
    r"starting PostgreSQL|listening on|database system|redirecting log|received (?:fast|SIGHUP)|shutting down"
    r"|checkpoint|background worker|aborting any|received SIG|parameter \"|connection received|disconnection"
    # Since PostgreSQL 16 also where nobody was asked who he is.
    r"|connection authenticated: user="
)
_CHANGES = (
    (re.compile(r"host=(\S+) port=\d+"), r"host=\1 port=PORT"),
    (re.compile(r"\((?:/\S*/)?pg_hba\.conf:(\d+)\)"), r"(pg_hba.conf:\1)"),
    # OpenSSL 3.0 says sslv3 of every alert, 3.2 and later ssl/tls: neither is the protocol's version.
    (re.compile(r"\b(?:sslv3|tlsv1|tlsv13|ssl/tls|tls) alert "), "alert "),
    (re.compile(r", bits=\d+(?:, compression=\w+)?"), ""),
    (re.compile(r", cipher=\w+"), ""),
    (re.compile(r" application_name=\S+"), ""),
    (re.compile(r"Connection matched (?:file \S+|pg_hba\.conf) line"), "Connection matched pg_hba.conf line"),
    (re.compile(r"unexpected eof while reading|EOF detected"), "the client went away"),
)
_CONFIGURATION = re.compile(r'(?:configuration )?file "\S*/(\w+\.conf)"')
PREFIX = re.compile(r"^(\d+) ", re.MULTILINE)
"""The process that said it."""


def normalised(log: str) -> tuple[str, ...]:
    """The server's sentences about connections, each as `LEVEL: words`."""
    found = (_LINE.fullmatch(line) for line in log.splitlines())
    return tuple(f"{one[1]}: {plain(one[2])}" for one in found if one and not _TALK.search(one[2]))


def complaints(log: str) -> tuple[str, ...]:
    """What it has to say against its files, each with the line that it means."""
    found = (_LINE.fullmatch(line) for line in log.splitlines())
    told = [one[2] for one in found if one and not _TALK.search(one[2]) and "was not reloaded" not in one[2]]
    short = (_CONFIGURATION.sub(r"\1", plain(words)).strip() for words in told)
    return tuple(dict.fromkeys(f"{words.removesuffix('.')}." for words in short))


def plain(words: str) -> str:
    """Words without ports, paths and the dialect of one OpenSSL."""
    for pattern, better in _CHANGES:
        words = pattern.sub(better, words)
    return words
