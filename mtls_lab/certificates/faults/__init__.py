"""The catalogue of faults: what an end presents, wrong in exactly one way.

To add one, write a function in the file of its kind: its name is the slug, its docstring the published sentence,
its body what is wrong. The files load in this order, which is the order of the catalogue.
"""

from mtls_lab.certificates.faults import (  # noqa: I001 - the order of the catalogue
    issuers,
    times,
    names,
    purposes,
    chains,
    authorities,
    algorithms,
    files,
)
from mtls_lab.certificates.faults.catalogue import FAULTS, Fault, Role, present

__all__ = ["FAULTS", "Fault", "Role", "present"]

# Loaded for what they enter into FAULTS.
_ = (issuers, times, names, purposes, chains, authorities, algorithms, files)
