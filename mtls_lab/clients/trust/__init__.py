"""Where trust comes from: which file each client opens, which variable it heeds, and what beats what.

    print(opened("curl https://localhost:8443/"))          # the note's strace line, as a record
    decides(proxy, Setting(variables=("CURL_CA_BUNDLE",), session="a file"))   # requests: which file decides
    precedence(proxy)                                       # the whole grid
    heeded(proxy, ["curl", "node"])                         # which variable each of these heeds
    deciders(proxy, "curl", ("CURL_CA_BUNDLE", "SSL_CERT_FILE"))   # set at once: which counts
    here(proxy)                                             # every client of this machine, at this prompt

`mtls_lab.views.trust` makes tables of what they return.
"""

from mtls_lab.clients.trust.hashed import hashed_directory
from mtls_lab.clients.trust.heeded import VARIABLES, Heeded, deciders, heeded
from mtls_lab.clients.trust.here import Here, here
from mtls_lab.clients.trust.opened import Opened, opened
from mtls_lab.clients.trust.precedence import Decision, Setting, decides, precedence
from mtls_lab.clients.trust.recording import completed, recorded

__all__ = [
    "VARIABLES",
    "Decision",
    "Heeded",
    "Here",
    "Opened",
    "Setting",
    "completed",
    "deciders",
    "decides",
    "hashed_directory",
    "heeded",
    "here",
    "opened",
    "precedence",
    "recorded",
]
