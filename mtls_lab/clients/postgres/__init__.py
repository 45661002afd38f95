"""A real PostgreSQL server of our own, and psql and psycopg as its clients.

with PostgreSQL(presents=server, trusts=(root.certificate,), hba=("hostssl all all 127.0.0.1/32 cert",)) as server:
    print(psql(server, "select 1", user="alice", sslmode="verify-full", sslrootcert="root.pem"))
"""

from mtls_lab.clients.postgres.answer import DatabaseCall
from mtls_lab.clients.postgres.builds import Build, NoPostgreSQL, find_build
from mtls_lab.clients.postgres.connecting import MODES, psql, psycopg_connect
from mtls_lab.clients.postgres.recorded import Recorded, Server, about, open_server
from mtls_lab.clients.postgres.recording import NotRecorded
from mtls_lab.clients.postgres.server import DidNotStart, PostgreSQL
from mtls_lab.clients.postgres.tap import Attempt

__all__ = [
    "MODES",
    "Attempt",
    "Build",
    "DatabaseCall",
    "DidNotStart",
    "NoPostgreSQL",
    "NotRecorded",
    "PostgreSQL",
    "Recorded",
    "Server",
    "about",
    "find_build",
    "open_server",
    "psql",
    "psycopg_connect",
]
