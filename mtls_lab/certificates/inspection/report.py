"""What the files hold, as a value that prints."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.inspection.summary import describe, summary
from mtls_lab.certificates.remark import Remark, told, told_evidence, wrapped


@dataclass(frozen=True, kw_only=True)
class FilesReport:
    """What the files hold, and what is wrong with it."""

    certificate_path: Path | None
    """The certificate file, leaf first; None when none was given."""
    key_path: Path | None
    """The key file; None when none was given."""
    anchors_path: Path | None
    """The file of trust anchors; None when none was given."""
    file_remarks: tuple[Remark, ...]
    """On the files themselves: what they are, whether key and certificate belong together, the trust anchors."""
    chain_remarks: tuple[Remark, ...]
    """On the certificates in them: order, path, times, purposes."""
    credential: Credential | None = field(repr=False)
    """Key and chain, where they can be used together; None where they cannot."""
    chain: tuple[Certificate, ...]
    """The certificates of the certificate file, in its order."""
    trusts: tuple[Certificate, ...]
    """The trust anchors of the third file."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Everything there is to say."""
        return self.file_remarks + self.chain_remarks

    @property
    def exit_code(self) -> int:
        """0 when nothing is wrong, else 1."""
        return 1 if any(remark.level == "wrong" for remark in self.remarks) else 0

    @property
    def verdict(self) -> str:
        """One sentence."""
        wrong = [remark.title for remark in self.remarks if remark.level == "wrong"]
        if not wrong:
            used = "these files can be used" if self.trusts else "these files can be used; no anchors were given"
            return f"Nothing is wrong: {used}"
        return f"{'One thing is' if len(wrong) == 1 else f'{len(wrong)} things are'} wrong: {'; '.join(wrong)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; holds no key."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "files": {
                "certificate": _text(self.certificate_path),
                "key": _text(self.key_path),
                "anchors": _text(self.anchors_path),
            },
            "chain": [summary(one) for one in self.chain],
            "remarks": [remark.as_dict() for remark in self.remarks],
        }

    def __str__(self) -> str:
        lines = [*wrapped("", f"{self.verdict}.", indent=0, column=0), *told(self.remarks)]
        lines += ["", "The chain, leaf first"] if self.chain else []
        for one in self.chain:
            lines += wrapped("-", describe(one), indent=2, column=4)
        facts = list(told_evidence(self.remarks))
        return "\n".join([*lines, *(["", "Evidence", *facts] if facts else [])])


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
