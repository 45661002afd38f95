"""Error messages as they are compared: what differs between two machines is taken out of both.

`canonical` makes one long line of a message, without case, quotes, class names and the noise that libraries wrap
around OpenSSL's words. `key_of` makes what to look for in such a line out of recorded words: fixed words with holes
where names, times and numbers stood.
"""

import re
from dataclasses import dataclass
from functools import cached_property

HOLE = "\0"
SHORTEST_KEY = 3
"""Letters: `EOF` is a whole message of Go's."""
_WIDEST_HOLE = 160
_LONGEST = 20_000
"""Characters of a message that are looked at."""

_NOISE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), stands)
    for pattern, stands in (
        (r"\x1b\[[0-9;]*m", ""),
        (r"\(_ssl\.c:\d+\)", ""),
        # One word for what OpenSSL has had several words for.
        (r"ssl/tls alert", "sslv3 alert"),
        (r"\bself signed\b", "self-signed"),
        # Where an OpenSSL error came from; the symbol before the words, which says them again.
        (r"(?:[0-9a-f]{8,}:)?error:[0-9a-f]{6,8}:[^:\n]*:[^:\n]*:", ""),
        (r"\[ssl: [a-z0-9_]+\]|\[x509: [a-z0-9_]+\]|\[ssl\]", ""),
        (r":(?:\.\./)?[\w./-]+\.c:\d+:", ":"),
        (r":?ssl alert number \d+", ""),
        # What stands before the reason.
        (r"ssl certificate problem: |ssl certificate openssl verify result: ", ""),
        (r"certificate verify failed: (?=[a-z])", ""),
        (r"verify error:num=\d+:", ""),
        (r"tls: failed to verify certificate: ", ""),
        (r"\b(?:javax?|sun|jdk)(?:\.\w+)+: ", ""),
        (r"\bcaused by: ", ""),
        (r"openssl/[\w.]+: ", ""),
        (r"openssl ssl_(?:read|write|connect): (?!ssl_error|connection)|, errno 0\b", ""),
        (r"(?m)^(?:log|fatal|detail|hint): +", ""),
        (r"\bnet::(?=err_)", ""),
        (r"[\"'`\\“”‘’]", ""),
        (r"\s+", " "),
    )
)
_CODED = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): (.+)")
_VARIES = re.compile(
    r"\b(?:TIME|PORT|CLIENT|SERIAL|0xADDRESS|N)\b"
    r"|\b[\w-]+\.(?:pem|p12|key|crt)\b"
    r"|\b(?:DNS:|IP Address:|IP:)?(?:localhost|127\.0\.0\.1|192\.0\.2\.\d+|(?:[\w*-]+\.)+example(?:\.test)?)\b\.?"
    r"|\b(?:Lab|Aged|Stranger|Another|Old|Other) [A-Z]\w+(?: CA)?\b|\balice\b"
)


def canonical(message: str) -> str:
    """The message as one line, without what two machines or two versions would put differently."""
    text = message[:_LONGEST].lower()
    for pattern, stands in _NOISE:
        text = pattern.sub(stands, text)
    return text.strip(" .:")


@dataclass(frozen=True, kw_only=True)
class Key:
    """What to look for in a message."""

    text: str
    """Canonical words, with a NUL where something varies."""

    @property
    def weight(self) -> int:
        """Letters that must be there: the more, the more it says."""
        return len(self.text.replace(HOLE, "").strip())

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The same as a regular expression."""
        parts = [re.escape(part.strip()) for part in self.text.split(HOLE)]
        gap = rf".{{0,{_WIDEST_HOLE}}}?"
        return re.compile(rf"(?<!\w){gap.join(parts)}(?!\w)" if parts[-1] else gap.join(parts))

    @cached_property
    def _longest(self) -> str:
        """The longest of its fixed parts: where it is missing, there is nothing to search for."""
        return max((part.strip() for part in self.text.split(HOLE)), key=len)

    def find(self, canonical_message: str) -> tuple[int, int] | None:
        """Where it stands in the message; None where it does not."""
        if self._longest not in canonical_message:
            return None
        found = self.pattern.search(canonical_message)
        return found.span() if found else None


def keys_of(words: str) -> tuple[Key, ...]:
    """What to look for, line by line, when somebody is to have said these words; () where they say nothing.

    Node's `CODE: words` makes two: people quote either.
    """
    lines = [part for line in words.splitlines() for part in _parts(line)]
    found = (_key_of(line) for line in lines if not line.startswith("("))  # our own words for silence
    return tuple(dict.fromkeys(key for key in found if key is not None))


def _parts(line: str) -> tuple[str, ...]:
    coded = _CODED.fullmatch(line)
    return (line,) if coded is None else (coded[1], coded[2])


def _key_of(words: str) -> Key | None:
    text = canonical(_VARIES.sub(HOLE, words))
    text = re.sub(rf"^(?:curl: \(\d+\) |http \d+: |[{HOLE} .:,]+)+|[{HOLE} .:,]+$", "", text)
    text = re.sub(rf"(?:[ .:,]*{HOLE}[ .:,]*)+", f" {HOLE} ", text).strip()
    key = Key(text=text)
    return key if key.weight >= SHORTEST_KEY else None
