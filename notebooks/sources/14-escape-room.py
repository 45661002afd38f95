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
# # Can you get out?
#
# By the end you can
#
# - find out what is wrong in a system that you did not build, from what both ends of each call say;
# - mend it in its files, settings, variables and rules, with every check left on;
# - get a certificate for a key that nobody but you has ever seen.
#
# **Minutes:** 45. **Before this:** notebooks 04, 08, 09 and 12. What 03, 10 and 13 show comes up as well.

# %%
from dataclasses import replace
from pathlib import Path

from mtls_lab import Credential, Endpoint, explain, get, show
from mtls_lab.certificates import Certificate
from mtls_lab.exercises import check, hint
from mtls_lab.exercises.escape_room import EscapeRoom
from mtls_lab.views.room import room_map

# %% [markdown]
# ## The house
#
# People and machines call a *gateway*. It passes their requests on to the service *orders* or *stock*, which keep what they know in
# a database. All of these speak mutual TLS, and each arrow of the map is a door. An old *desk* for wages stands beside them, and
# a vault: the way out.
#
# Overnight, nine things have gone wrong. Which ones, a seed decides. Without one of your own, yours is `"lab"`, and
# `EscapeRoom("another word")` is another room.

# %% tags=["lesson-only"]
room = EscapeRoom()
room_map(room.doors)

# %% tags=["solved-only"]
room = EscapeRoom("lab")  # the solutions below are for this room
room_map(room.doors)

# %% [markdown]
# A door is *open* when the call that is meant to come in does, and everybody else stays out. A door that is *ajar* lets in both:
# no message tells of it, so look twice.
#
# The database is a real PostgreSQL where there is one on this machine. Where there is none a stand-in plays it: real handshakes in
# memory, and PostgreSQL's rules as the lab reads them.

# %% tags=["nbval-ignore-output"]
print(room.database.name)

# %% [markdown]
# ## How to look
#
# `evidence` makes every call at one door and tells who came in. What went wrong is told by both sides, in their own words.

# %%
room.evidence(1)

# %% [markdown]
# Who refuses, the client, the server, or neither? The end that refuses knows why; the other one has an alert at most. If there
# was a handshake, it is kept, and all tools of the course take it. Before you run the next cell, say what was expected, and what
# was shown instead.

# %%
told = explain(room.evidence(1).handshake)
told.refused_by, told.title, told.expected, told.presented

# %% [markdown]
# `show(room.evidence(1).handshake)` is the whole story, and `room.hint(1)` a hint for your room, in three steps.
#
# ## How not to do it
#
# The quickest way to an answer is known to everybody. Alice looks at nobody any more:

# %%
as_it_was = room.alice
room.alice = replace(room.alice, verifies="none")
print(room.try_door(1))
room.alice = as_it_was

# %% [markdown]
# "It answers" opens no door here. Each is also tried by an impostor, by mallory with a certificate of her own authority, by
# somebody without one, and by somebody who speaks no TLS. All of them have to stay out.
#
# ## A client, and a server
#
# **1.** Alice calls the gateway. `room.alice` is her end, and `room.dials` the name that she asks for. She has a good credential in
# `room.people["alice"]`, the root is `room.root.certificate`, and you run the authority `room.issuing`.

# %% tags=["exercise"]
# Mend room.alice or room.dials here: room.alice = replace(room.alice, ...)

check("14-door-1", room)

# %% tags=["solution"]
room.alice = replace(room.alice, trusts=(room.root.certificate,))

check("14-door-1", room)

# %% [markdown]
# **2.** The robot calls the side entrance. `room.side` is the server's end there. The robot is as it was built, and cannot be changed.
# Another robot was stolen: its certificate, `room.stolen`, was taken back.

# %%
room.evidence(2)

# %% tags=["exercise"]
# Mend room.side here: room.side = replace(room.side, ...)

check("14-door-2", room)

# %% tags=["solution"]
room.side = replace(room.side, verifies="required")

check("14-door-2", room)

# %% [markdown]
# ## Files
#
# **3.** The gateway calls orders, and orders reads its files when it starts: what it presents, its key, and in `callers.pem` whom it
# trusts. With a plain tool, the first certificate of the file:

# %%
orders = room.folder / "orders"
sorted(path.name for path in orders.iterdir())

# %% tags=["nbval-ignore-output"]
# !openssl x509 -in "{orders}/orders.pem" -noout -subject -issuer -enddate -ext subjectAltName

# %%
room.evidence(3)

# %% [markdown]
# `Credential.read(chain, key)` reads a pair, `Certificate.from_pem` every certificate in a file. `credential.write(folder, name=...,
# overwrite=True)` writes a new pair.

# %% tags=["exercise"]
# Mend the files in room.folder / "orders" here.

check("14-door-3", room)

# %% tags=["solution"]
found = Certificate.from_pem((orders / "orders.pem").read_bytes())
print([one.common_name for one in found])
(orders / "orders.pem").write_bytes(b"".join(one.pem for one in reversed(found)))

check("14-door-3", room)

# %% [markdown]
# **4.** The gateway calls stock. Here the gateway is the *client*. In its folder are `to-stock.pem`, `to-stock-key.pem`, and in
# `stock-root.pem` whom it trusts there.

# %%
room.evidence(4)

# %% tags=["exercise"]
# Mend the files in room.folder / "gateway" here.

check("14-door-4", room)

# %% tags=["solution"]
gateway = room.folder / "gateway"
pair = Credential.read(gateway / "to-stock.pem", gateway / "to-stock-key.pem")
print("the key fits:", pair.key_matches)
room.issuing.issue("gateway", purpose="clientAuth").write(gateway, name="to-stock", overwrite=True)

check("14-door-4", room)

# %% [markdown]
# ## Variables
#
# **5.** The nightly report calls with requests and gives no `verify=`. So its environment decides whom it trusts, and where the call
# goes first.

# %%
print(room.evidence(5))
{name: Path(value).name for name, value in room.environment.items()}

# %% tags=["exercise"]
# Mend room.environment or room.report here. The report's folder: room.folder / "report"

check("14-door-5", room)

# %% tags=["solution"]
report = room.folder / "report"
print([path.name for path in report.iterdir()])
room.environment = {"REQUESTS_CA_BUNDLE": str(report / "root.pem")}

check("14-door-5", room)

# %% [markdown]
# ## Who may
#
# **6.** TLS lets in everybody with a certificate of the lab. Who may order is decided after that, by `room.rules`. Sales may, and guests
# may not; one of the guests is called alice, too.

# %%
print(room.evidence(6))
print("\nrules:", *room.rules)
for name in ("alice", "carol", "bob", "other alice"):
    print(f"{name:12}", *room.people[name].leaf.names)

# %% tags=["exercise"]
# Mend room.rules here: room.rules = ("kind:value",)

check("14-door-6", room)

# %% tags=["solution"]
room.rules = ("uri:spiffe://lab.example/sales/*",)

check("14-door-6", room)

# %% [markdown]
# **7.** The application behind the desk believes the field `X-Client-DN`. The desk writes it, and bob writes one too. `room.drops` is asked
# about every field of a client: is it left out?

# %%
room.evidence(7)

# %% tags=["exercise"]
# Mend room.drops here: room.drops = lambda name: ...

check("14-door-7", room)

# %% tags=["solution"]
room.drops = lambda name: name.lower().replace("_", "-") == "x-client-dn"

check("14-door-7", room)

# %% [markdown]
# ## The database
#
# **8.** Orders calls the database through libpq, the library behind psql. `room.libpq` holds libpq's own settings. Its `sslmode` says what
# it looks at; `verify-full` looks at the path and at the name, everything below it at less.

# %%
print(room.evidence(8))
{name: Path(value).name for name, value in room.libpq.items()}

# %% tags=["exercise"]
# Mend room.libpq here, or a file in room.folder / "database".

check("14-door-8", room)

# %% tags=["solution"]
trusted = Certificate.from_pem(Path(room.libpq["sslrootcert"]).read_bytes())[0]
print(trusted.common_name, "- the lab's root:", trusted == room.root.certificate)
room.libpq["sslrootcert"] = str(room.folder / "database" / "root.pem")

check("14-door-8", room)

# %% [markdown]
# **9.** Stock calls the same database as the user `stock`. Its certificate has the common name stock. Whether one is needed, and whose,
# say the lines of pg_hba.conf: `room.hba`. The first line that fits decides.

# %%
print(room.evidence(9))
print("\nhba:  ", *room.hba, sep="\n  ")
print("ident:", *room.ident, sep="\n  ")

# %% tags=["exercise"]
# Mend room.hba or room.ident here.

check("14-door-9", room)

# %% tags=["solution"]
room.hba = ("hostssl all stock 127.0.0.1/32 cert",)

check("14-door-9", room)

# %%
room_map(room.doors)

# %% [markdown]
# ## The last door
#
# The vault trusts an authority of its own, and you do not run that one. What it wants is a
# [**certificate signing request**](glossary.md#certificate-signing-request) (RFC 2986):
# your public key, a name, and a signature with your private key, which proves that you hold it. The private key stays with you.

# %%
from mtls_lab.certificates.keys import generate_key, key_to_pem
from mtls_lab.certificates.signing_request import signing_request

my_key = generate_key("EC P-256")
request = signing_request(my_key, "me")
print(request.decode().splitlines()[0])
print("PRIVATE KEY" in request.decode())

# %% [markdown]
# In a terminal: `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout me-key.pem -subj /CN=me`. And what the
# authority can check of it, with the same tool:

# %% tags=["nbval-ignore-output"]
request_path = room.folder / "me.csr"
request_path.write_bytes(request)
# !openssl req -in "{request_path}" -noout -verify -subject

# %% [markdown]
# Signed and right, and it proves no name: anybody can write `CN=me`. This authority asks for something else first.

# %%
signed = room.sign_request(request)
signed

# %% [markdown]
# **10.** With the certificate that you get and the key that you have, call `room.vault`: make a `Credential` of the two, an `Endpoint`
# that presents it, and `get(room.vault, client=...)`.

# %% tags=["exercise"]
# me = Credential(key_pem=key_to_pem(my_key), chain=signed.chain)

check("14-door-10", room)

# %% tags=["solution"]
me = Credential(key_pem=key_to_pem(my_key), chain=signed.chain)
leaving = Endpoint(presents=me, trusts=(room.root.certificate,), verifies="chain and name")
way_out = get(room.vault, client=leaving)
print(way_out.body, end="")

check("14-door-10", room)

# %% tags=["solved-only"]
show(way_out.handshake)

# %% [markdown]
# Three more steps for each door, for whatever is wrong in your room:

# %%
print(hint("14-door-1", 3))
print(room.hint(1))

# %%
room.close()

# %% [markdown]
# `close` stops every program of the room and removes its folder. It is all gone with the kernel as well.
#
# ## What you can do now
#
# - You found out what is wrong in a system that you did not build: from the words of both ends, and at doors that stood ajar from
#   who came in.
# - You mended it where it was broken, in files, settings, variables and rules, and switched no check off.
# - You got a certificate for a key that nobody but you has seen, and it opened the last door.
#
# Next: build one yourself, and let somebody else find the faults. `EscapeRoom("their name")` is a start. Or go back to notebook 15,
# where one fault is told in everybody's words.
