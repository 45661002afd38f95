"""Times as OpenSSL compares them: only the two forms of RFC 5280 section 4.1.2.5, to the second, and a real date."""

from calendar import monthrange
from datetime import UTC, datetime

from mtls_lab.certificates.validation.ber import UTC_TIME

Moment = tuple[int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, UTC. No datetime: OpenSSL's years begin at 0000."""
_LENGTHS = {UTC_TIME: 13}


def moment_of(at: datetime) -> Moment:
    """The same moment, to the second."""
    utc = at.astimezone(UTC)
    return (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second)


def parse_time(time: tuple[int, bytes]) -> Moment | None:
    """The moment that a Time spells; None where OpenSSL calls it an error in the field."""
    tag, content = time
    if len(content) != _LENGTHS.get(tag, 15) or not content[:-1].isdigit() or content[-1:] != b"Z":
        return None
    digits = content.decode()[:-1]
    if tag == UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    year = int(digits[:4])
    month, day, hour, minute, second = (int(digits[start : start + 2]) for start in range(4, 14, 2))
    if not (1 <= month <= 12 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    # The Gregorian calendar repeats after 400 years; Python's begins at year 1.
    if not 1 <= day <= monthrange(year or 400, month)[1]:
        return None
    return (year, month, day, hour, minute, second)


def covers(not_before: tuple[int, bytes], not_after: tuple[int, bytes], at: Moment) -> bool:
    """The moment lies between the two; an unreadable time covers nothing. The last second is already outside."""
    begin, end = parse_time(not_before), parse_time(not_after)
    return begin is not None and end is not None and begin <= at < end


def days_between(earlier: Moment, later: Moment) -> int | None:
    """How many whole days apart; None where Python's calendar does not reach."""
    try:
        return (datetime(*later, tzinfo=UTC) - datetime(*earlier, tzinfo=UTC)).days
    except ValueError:
        return None
