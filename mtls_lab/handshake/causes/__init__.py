"""The table of causes: why one end refused the other. One decorated function, one row.

A row's function looks at the evidence and returns a `Finding`, or None when that cause is not there. It decides
on chains, trust anchors, names, times and settings; the decorator's `verify_codes` and `alerts` say which numbers can
come with it, `decides` what evidence would settle it. `explain` asks every row. Where several are left, and nothing
else tells them apart, the one that stands higher is named first: the more particular, and the more common. To add a
cause, write a function in the file of its kind, and a fault of the same slug in `certificates/faults/` or an exhibit in
`handshake/exhibits.py`.
"""

from mtls_lab.handshake.causes import (  # noqa: I001 - the order of the table
    files,
    withheld,
    protocol,
    issuers,
    names,
    times,
    revocation,
    purposes,
    authorities,
    algorithms,
    strictness,
)
from mtls_lab.handshake.causes.table import REFUSALS

__all__ = ["REFUSALS"]

# Loaded for what they enter into REFUSALS.
_ = (files, withheld, protocol, issuers, names, times, revocation, purposes, authorities, algorithms, strictness)
