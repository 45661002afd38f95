"""What root can see of the learners from outside: memory, ports, files."""

import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hub_trial.users import User, processes_of, started_by

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_LISTENS = "0A"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Megabytes that one learner takes: PSS, where what is shared is divided among those who share it."""

    server: float = 0.0
    """The single-user server."""
    kernels: float = 0.0
    """All kernels together."""
    number: int = 0
    """How many kernels."""
    others: float = 0.0
    """What they have started: curl, openssl, ..."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.server + self.kernels + self.others


def memory_of(users: Iterable[User]) -> dict[int, Memory]:
    """By user id."""
    sums: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for pid, uid in processes_of({user.uid for user in users}):
        kind = _kind_of(pid)
        sums[uid][kind] += _pss(pid)
        sums[uid]["number"] += kind == "kernels"
    return {uid: Memory(number=int(one.pop("number", 0)), **one) for uid, one in sums.items()}


def memory_of_hub(pid: int, users: Iterable[User]) -> float:
    """Megabytes of the hub, its proxy and the culler."""
    learners = {one for one, _ in processes_of({user.uid for user in users})}
    return sum(_pss(one) for one in {pid, *started_by(pid)} - learners)


def _kind_of(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "others"
    if b"ipykernel_launcher" in line:
        return "kernels"
    return "server" if b"jupyterhub" in line else "others"


def _pss(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0  # it has just ended
    found = re.search(r"(?m)^Pss:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


def ports_of(users: Iterable[User]) -> dict[int, list[int]]:
    """The TCP ports that each user's programs listen on, by user id."""
    uids = {user.uid for user in users}
    found: dict[int, list[int]] = {uid: [] for uid in uids}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTENS and int(columns[7]) in uids:
                found[int(columns[7])].append(int(columns[1].split(":")[-1], 16))
    return found


def things_of(user: User) -> Iterator[tuple[str, str]]:
    """Kind and path of all that lies about of this user and is nobody else's business."""
    places = [user.home, Path("/run/mtls-lab", str(user.uid))]
    places += [path for shared in ("/tmp", "/var/tmp", "/dev/shm") for path in _owned(Path(shared), user.uid)]  # noqa: S108
    for place in places:
        in_home = place == user.home
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            kind = _kind(path, in_home=in_home)
            if kind:
                yield kind, str(path)


def _owned(folder: Path, uid: int) -> list[Path]:
    return [path for path in folder.iterdir() if path.lstat().st_uid == uid]


def _kind(path: Path, *, in_home: bool) -> str:
    try:
        mode = path.lstat().st_mode
        holds_key = stat.S_ISREG(mode) and _PRIVATE_KEY.search(path.read_bytes()[:100_000])
    except OSError:
        return ""  # gone meanwhile
    if stat.S_ISSOCK(mode):
        return "socket"
    if not in_home:
        kind = "temporary folder" if stat.S_ISDIR(mode) else "temporary file"
    elif not stat.S_ISREG(mode):
        kind = ""
    else:
        kind = "progress" if "progress" in path.name else "home"
    return "key" if holds_key else kind
