# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How does PostgreSQL do it?
#
# By the end you can
#
# - say what each `sslmode` of PostgreSQL's clients verifies, and which one stops an impostor;
# - make a server ask for certificates, and say which name in them opens which database user;
# - find the faults that make no noise: a call in the clear, a file that is not there.
#
# **Minutes:** 40. **Before this:** notebook 04, *How does the server verify the client?*

# %%
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab import Authority, show
from mtls_lab.certificates.crl import crl, empty_crl
from mtls_lab.clients.postgres import about, open_server, psql, psycopg_connect
from mtls_lab.exercises import check, hint
from mtls_lab.views.sslmodes import sslmode_ladder

# %% [markdown]
# The usual cast, and a desk: a folder with the files that you would have in your home directory.

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
service = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice, bob = (issuing.issue(name, purpose="clientAuth") for name in ("alice", "bob"))

# %%
home = TemporaryDirectory()
desk = Path(home.name)
(desk / "root.pem").write_bytes(root.certificate.pem)
for one in (alice, bob):
    one.write(desk)
# %% [markdown]
# ## A server of your own
#
# This starts a real PostgreSQL server in a private folder, on a port of this machine alone. It has three database users. It ends with
# the notebook.

# %%
users = {"roles": ("alice", "bob"), "passwords": {"app": "correct horse"}}
right = open_server(presents=service, trusts=(root.certificate,), **users)

# %% [markdown]
# Is it live? Where no PostgreSQL is installed, you get the recorded answers of a real one, and the next line says so, with
# what to install.

# %% tags=["nbval-ignore-output"]
print(about(right))

# %% [markdown]
# `psql` is PostgreSQL's command line. It runs at your desk; above the verdict stands what you would type.


# %%
ask = partial(psql, folder=desk)
print(ask(right))

# %% [markdown]
# Over TLS, and you asked for nothing. So far, so good. But with whom did you speak?
#
# ## The ladder
#
# `psql`, `psycopg`, and most other clients rest on one library, [**libpq**](glossary.md#libpq). It has a setting for how it verifies the server,
# [**sslmode**](glossary.md#sslmode), with six rungs. In our words, `verify-ca` is the level `chain`, and `verify-full` is `chain and name`.
#
# Now a stranger listens in the server's place, with a certificate from an authority of his own. It names localhost, too.

# %%
stranger = Authority.create("Stranger CA")
fake = stranger.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
impostor = open_server(presents=fake, trusts=(root.certificate,), **users)

# %% [markdown]
# Before you run it: which of the six lets the stranger have your query?

# %%
sslmode_ladder({"the right server": right, "an impostor": impostor}, folder=desk)

# %% [markdown]
# Four rungs verify nothing, and the default, `prefer`, is one of them. `require` requires encryption, and nothing else. The two
# others refuse *both* servers: they have no trust anchor. libpq does not look into the system's store. It wants a [**root file**](glossary.md#root-file).

# %%
print(ask(right, sslmode="verify-full"))

# %% [markdown]
# Give it one. A second impostor comes along: his certificate is from *our* authority, but for another server.

# %%
other = issuing.issue("other.example", purpose="serverAuth")
namesake = open_server(presents=other, trusts=(root.certificate,), **users)
servers = {"the right server": right, "an impostor": impostor, "a colleague's server": namesake}
sslmode_ladder(servers, folder=desk, sslrootcert="root.pem")

# %% [markdown]
# Look at three rows. `require` now verifies the chain, because a root file is there. `prefer` does something worse than nothing:
# we come to that. And one row alone is as it should be from left to right.
#
# **1.** Which `sslmode` lets you in to the right server, and stops both impostors?

# %% tags=["exercise"]
my_mode = ...
check("10-impostor", my_mode, servers, desk)

# %% tags=["solution"]
my_mode = "verify-full"
check("10-impostor", my_mode, servers, desk)

# %% [markdown]
# ## What `prefer` does without a word
#
# Between `psql` and the server sits a tap. It sees every connection, as somebody on the way would.

# %%
fooled = ask(impostor, sslmode="prefer", sslrootcert="root.pem")
print(fooled)

# %% [markdown]
# Two attempts. In the first libpq verified the impostor, found him out, and sent the alert unknown_ca. Then it called *the same
# impostor* again, without TLS. What did `psql` say about it, and what could be read on the way?

# %%
fooled.output, fooled.attempts[-1].overheard

# %% [markdown]
# The answer to the query, and no warning; who asks, and what. In PostgreSQL's protocol TLS begins on request: the client sends an [**SSLRequest**](glossary.md#sslrequest), the
# server answers S or N, and whoever goes on without it speaks in the clear.
#
# `require` has a trap, too. Here the name of the root file is mistyped:

# %%
print(ask(impostor, sslmode="require", sslrootcert="rooot.pem"))

# %%
print(ask(impostor, sslmode="verify-full", sslrootcert="rooot.pem"))

# %% [markdown]
# With `verify-full` a missing file is an error, and with `verify-ca`. On the lower rungs it is as if you had named none.
#
# Since version 16 of libpq, `sslrootcert=system` means the system's trust anchors, and is taken with `verify-full` only. Older
# ones look for a *file* called `system`, find none, and connect. Which is yours?

# %% tags=["nbval-ignore-output"]
system = ask(impostor, sslmode="require", sslrootcert="system")
print(system.version, system, sep="\n")

# %% [markdown]
# ## The server can insist, too
#
# `pg_hba.conf` says who may come in, and how. The first line that fits decides. A line that begins with `hostssl` is for calls
# over TLS, `hostnossl` for those without, and `host` for both. So far ours was the careless one:

# %%
print(right.file("pg_hba.conf"))

# %%
right.reload(hba=("hostssl all all 127.0.0.1/32 trust",))
print(ask(right, sslmode="disable"))

# %% [markdown]
# That protects the server from calls in the clear. It does not protect you from an impostor: he writes his own `pg_hba.conf`.
#
# ## Who are you?
#
# Until now the server asked nobody who he is: that is what `trust` means. The method `cert` wants a certificate from an
# authority in `ssl_ca_file`, with the database user's name in it. With and without a certificate:

# %%
full = {"sslmode": "verify-full", "sslrootcert": "root.pem"}
as_alice = full | {"sslcert": "alice.pem", "sslkey": "alice-key.pem"}
right.reload(hba=("hostssl all all 127.0.0.1/32 cert",))
print(ask(right, **full), ask(right, **as_alice), sep="\n\n")

# %% [markdown]
# [**Mutual TLS**](glossary.md#mutual-tls), and the server can tell whom it let in, in SQL and in its log.

# %%
known = ask(right, query="select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()", **as_alice)
print(known.body, *known.server_said, sep="\n")

# %% [markdown]
# The two directions are independent. Below, alice presents her certificate to a server that she does not verify. And the user
# app, with a password, verifies the server and needs no key at all.

# %%
right.reload(hba=("hostssl all app 127.0.0.1/32 scram-sha-256", "hostssl all all 127.0.0.1/32 cert"))
print(ask(right, sslmode="require", sslcert="alice.pem", sslkey="alice-key.pem").verdict)
print(ask(right, user="app", password="correct horse", **full).verdict)

# %% [markdown]
# So you need a client key only if the server is to know you by TLS. To verify the *server*, `verify-full` and a root file are
# enough.
#
# ## Any certificate, or yours?
#
# Other methods can demand a certificate as well, with `clientcert`. Alice calls as herself, and then as bob:

# %%
for method in ("cert", "trust clientcert=verify-full", "trust clientcert=verify-ca"):
    right.reload(hba=(f"hostssl all all 127.0.0.1/32 {method}",))
    for user in ("alice", "bob"):
        print(f"{method:29} as {user:6}", ask(right, user=user, **as_alice).verdict)

# %% [markdown]
# `verify-ca` takes any certificate of the authority, for anybody: alice is bob. And look at the refusal of the second method: it
# complains of "trust authentication", where the name in the certificate was at fault. The log knows better.

# %%
right.reload(hba=("hostssl all all 127.0.0.1/32 trust clientcert=verify-full",))
print(*ask(right, user="bob", **as_alice).server_said, sep="\n")

# %% [markdown]
# Certificates name people, database users are often named for programs. A [**user-name map**](glossary.md#user-name-map) in `pg_ident.conf` ties one to the other.
# Its lines have three words: the map, the name in the certificate, the database user.

# %%
right.reload(hba=("hostssl all all 127.0.0.1/32 cert map=lab",), ident=("lab alice bob",))
for user in ("alice", "bob"):
    print(f"as {user:6}", ask(right, user=user, **as_alice).verdict)

# %% [markdown]
# Alice is let in as bob, and no longer as herself: the map is the whole truth.
#
# **2.** Let alice in as the user app, with her certificate, and nobody else as anybody. Six calls of `psql` judge your lines.

# %% tags=["exercise"]
my_hba = ...
my_ident = ...
check("10-app", my_hba, my_ident, right, desk)

# %% tags=["solution"]
my_hba = ("hostssl all app 127.0.0.1/32 cert map=lab",)
my_ident = ("lab alice app",)
check("10-app", my_hba, my_ident, right, desk)

# %% [markdown]
# ## The client's own files
#
# Here is a service that calls as alice, with a copy of her key. It is refused.

# %%
(desk / "service-key.pem").write_bytes(alice.key_pem)
(desk / "service-key.pem").chmod(0o644)
broken = full | {"sslcert": "alise.pem", "sslkey": "service-key.pem"}
right.reload(hba=("hostssl all all 127.0.0.1/32 cert",), ident=())
print(ask(right, **broken))

# %% [markdown]
# **3.** Mend it. There are two faults; the first makes no noise at all.

# %% tags=["exercise"]
my_settings = ...
check("10-mend", my_settings, right, desk)

# %% tags=["solution"]
my_settings = broken | {"sslcert": "alice.pem"}
(desk / "service-key.pem").chmod(0o600)
check("10-mend", my_settings, right, desk)

# %% [markdown]
# A key that others can read is not used: `0600` it must be, or `0640` if it belongs to root.

# %%
(desk / "alice-key.pem").chmod(0o644)
print(ask(right, **as_alice).verdict)
(desk / "alice-key.pem").chmod(0o600)

# %% [markdown]
# Files that you do *not* name are picked up as well, if they are where libpq looks: `~/.postgresql/postgresql.crt` and `.key`. An old
# certificate is enough to lock you out, even where none is needed. Here the server trusts everybody:

# %%
old = stranger.issue("alice", purpose="clientAuth")
(desk / ".postgresql").mkdir()
(desk / ".postgresql" / "postgresql.crt").write_bytes(old.chain_pem)
(desk / ".postgresql" / "postgresql.key").touch(mode=0o600)
(desk / ".postgresql" / "postgresql.key").write_bytes(old.key_pem)
right.reload(hba=("hostssl all all 127.0.0.1/32 trust",))
print(ask(right, **full))

# %% [markdown]
# A server with an `ssl_ca_file` asks everybody, and judges what it gets. No certificate is better than a bad one.

# %%
for name in ("postgresql.crt", "postgresql.key"):
    (desk / ".postgresql" / name).unlink()
print(ask(right, **full).verdict)

# %% [markdown]
# ## What crosses the wire
#
# Between SSLRequest and query there is TLS as you know it. This server speaks TLS 1.2, so that the tap can read the handshake,
# and it has a list of revoked certificates. Alice's is on it.

# %%
lists = crl(issuing, (alice.leaf,)), empty_crl(root)
strict = open_server(
    presents=service, trusts=(root.certificate,), crls=lists, settings={"ssl_max_protocol_version": "TLSv1.2"}, **users
)
revoked = ask(strict, **as_alice)
print(revoked)

# %%
show(revoked.handshake)

# %% [markdown]
# The tap knows neither end's settings, and still explains it: by the alert. A server without `ssl_crl_file` let the same certificate
# in a moment ago.
#
# ## psycopg
#
# Python's `psycopg` takes the same words, since it rests on the same library. It may bring another version of it than `psql`.

# %%
print(psycopg_connect(right, folder=desk, **full))

# %%
print(psycopg_connect(impostor, folder=desk, **full).verdict)

# %%
hint("10-impostor"), hint("10-app"), hint("10-mend")

# %%
for server in (*servers.values(), strict):
    server.close()

# %% [markdown]
# ## What you can do now
#
# - You measured what each `sslmode` verifies, and saw that `verify-full` with a root file stops an impostor, and nothing less.
# - You made a server ask for certificates, and said in `pg_hba.conf` and `pg_ident.conf` which name opens which database user.
# - You found faults that make no noise: a call in the clear after a failed one over TLS, a certificate file that is not there.
#
# Next, in notebook 11: which other programs speak mutual TLS, and what do you type there?
