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
# # How are chains built?
#
# By the end you can
#
# - say which certificates a server or a client must send, and in which order;
# - follow a verifier upwards, and say where it stops and why: a gap, a twin, a constraint, a date;
# - replace a root without locking anybody out.
#
# **Minutes:** 45. **Before this:** notebook 04, *How does the server verify the client?*

# %%
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, explain, rehearse, show
from mtls_lab.exercises import check, hint, predict
from mtls_lab.views.paths import certification_paths

# %%
root = Authority.create("Lab Root CA")
policy = root.intermediate("Lab Policy CA", path_length=1)
issuing = policy.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")

client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=shop, verifies="none")
scenario = Scenario(client=client, server=server)

# %% [markdown]
# ## From a leaf to a root
#
# Four certificates this time: the leaf, two intermediates, the root. The client has one of them, the root, and must get
# there from the leaf. What the server sends is the [**chain**](glossary.md#chain). What the client makes of it is the
# [**certification path**](glossary.md#certification-path) (RFC 5280 section 6). The two are not the same. All of it
# holds for a client's chain as well; then it is the server that builds the path.


# %%
def sends(chain, trusts=()):
    """The same scenario, with a server that sends just these certificates."""
    return replace(scenario, server=replace(server, presents=replace(shop, chain=chain), trusts=trusts))


leaf, lower, upper, top = shop.leaf, issuing.certificate, policy.certificate, root.certificate

# %% [markdown]
# Leave the upper intermediate out. Who will refuse?

# %% tags=["exercise"]
predict(sends((leaf, lower)), refused_by=...)

# %% tags=["solution"]
predict(sends((leaf, lower)), refused_by="client")

# %% [markdown]
# Now from the shortest chain to the longest.

# %%
for chain in ((leaf,), (leaf, lower), (leaf, lower, upper), (leaf, lower, upper, top)):
    print(len(chain), "sent:", explain(rehearse(sends(chain))).title)

# %% [markdown]
# Every intermediate must be sent. The root may be left out: the client has it, and if it did not, it would not believe it (RFC
# 8446 section 4.4.2).
#
# The plain tool is `openssl verify`. It takes what was sent in two files, the leaf and the rest (`-untrusted`: nobody trusts it
# yet), and shows the path.

# %%
from pathlib import Path
from shutil import which
from subprocess import run
from tempfile import TemporaryDirectory

folder = TemporaryDirectory()


# %%
def openssl_verify(chain, trusts, options=""):
    """What a person types to see the path, and what openssl answers."""
    files = {"leaf.pem": chain[:1], "sent.pem": chain[1:], "trusted.pem": trusts}
    for name, certificates in files.items():
        Path(folder.name, name).write_bytes(b"".join(one.pem for one in certificates))
    typed = ["openssl", "verify", "-show_chain", *options.split(), "-CAfile", "trusted.pem"]
    typed += [*(("-untrusted", "sent.pem") if chain[1:] else ()), "leaf.pem"]
    if which("openssl") is None:
        return "openssl is not installed; what it would say is in the picture that follows."
    done = run(typed, cwd=folder.name, capture_output=True, encoding="utf-8", check=False)
    return f"$ {' '.join(typed)}\n{done.stdout}{done.stderr}"


# %% tags=["nbval-ignore-output"]
print(openssl_verify((leaf, lower, upper), (top,)))
print(openssl_verify((leaf, lower), (top,)))

# %% [markdown]
# `depth=0` is the leaf. *Untrusted* means: it was sent. Error 20 is the [verify code](glossary.md#verify-code) of the
# gap, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY. It names the certificate *below* the gap; the one that is missing
# is its issuer. Ours draws the same:

# %%
certification_paths((leaf, lower), {"the client": (top,)})

# %% [markdown]
# Two functions lie below that picture. `certification_path` looks for a way up, by names, key identifiers and signatures.
# `validate` predicts OpenSSL: every problem, in OpenSSL's order, with its number and its depth.

# %%
from mtls_lab.certificates import certification_path
from mtls_lab.certificates.validation import validate


def verdict(chain, trusts, at=None):
    when = at or datetime.now(UTC)
    judged = validate(chain, trusts=trusts, at=when, purpose="serverAuth", server_name="localhost")
    return judged.verify_code or "accepted"


certification_path((leaf, lower), (top,)).missing_issuer, verdict((leaf, lower), (top,))

# %% [markdown]
# ## In which order?
#
# A file with the same three certificates, in another order: the intermediate comes first. Who will refuse?

# %% tags=["exercise"]
predict(sends((lower, leaf, upper)), refused_by=...)

# %% tags=["solution"]
predict(sends((lower, leaf, upper)), refused_by="server")

# %% [markdown]
# The first certificate is taken for the leaf, so the private key must belong to it. The server does not even start. And the rest?
# Four certificates after the leaf, two of them needless: the root, and a stranger's. Try all 24 orders.

# %%
from itertools import permutations

stray = Authority.create("Stray CA").certificate
orders = list(permutations((lower, upper, top, stray)))
accepted = sum(rehearse(sends((leaf, *order))).accepted for order in orders)
print(accepted, "of", len(orders), "orders are accepted")

# %%
certification_paths((leaf, stray, upper, top, lower), {"the client": (top,)})

# %% [markdown]
# What was sent is a heap of candidates. The client picks from it, and passes over what it has no use for. TLS 1.3 asks
# verifiers to be ready for that. TLS 1.2 demands that each certificate certifies the one before it (RFC 5246 section
# 7.4.2), and not every program is as patient as OpenSSL. So send them in order, and without ballast: each one costs bytes in every
# handshake.

# %% [markdown]
# ## The server that sends more than its file holds
#
# This server's file holds the leaf alone. It is asked to verify clients, so it has a trust store, with the intermediates in it. Will
# its clients refuse it?

# %%
filled_up = sends((leaf,), trusts=(top, upper, lower))

# %% tags=["exercise"]
predict(filled_up, refused_by=...)

# %% tags=["solution"]
predict(filled_up, refused_by="neither")

# %%
for server_trusts in ((), (top, upper, lower)):
    handshake = rehearse(sends((leaf,), trusts=server_trusts))
    print(handshake.accepted, [one.common_name for one in handshake.server_chain])

# %% [markdown]
# A file with the leaf alone lets OpenSSL fill the chain up from the server's *own* trust store, the root included. So a
# server may be right by accident, and break on the day somebody tidies up the authorities of its *clients*. One intermediate in the
# file switches that off:

# %%
[one.common_name for one in rehearse(sends((leaf, lower), trusts=(top, upper, lower))).server_chain]

# %% [markdown]
# The same accident happens at the other end. A client that has the intermediates does not miss them.

# %%
certification_paths((leaf,), {"a client": (top,), "one that has more": (top, upper, lower)})

# %% [markdown]
# That is why "it works in my browser" proves nothing. Browsers keep intermediates, or fetch a missing one from the address in the
# certificate (authorityInfoAccess, RFC 5280 section 4.2.2.1); we have not measured that here. curl, requests, Go, Java and Node, as
# they come, do neither.

# %% [markdown]
# ## Where may a path end?
#
# You trust an intermediate, or the server's own certificate, and no root. Is that enough? This time with Python's own `ssl`, in memory:
# the answer is 0, or the code at which the client stops.

# %%
import ssl

files = shop.write(folder.name)
shop_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
shop_context.load_cert_chain(files.chain_path, files.key_path)


# %%
def dial(trusts, flags):
    """One handshake with the shop; the client has these trust anchors and these verify flags."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=b"".join(one.der for one in trusts))
    context.verify_flags = flags
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = context.wrap_bio(back, there, server_hostname="localhost")
    server_end = shop_context.wrap_bio(there, back, server_side=True)
    for end in (client_end, server_end, client_end):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_code
    return 0


# %%
usual = ssl.VERIFY_X509_TRUSTED_FIRST
for what, anchor in {"the root": top, "an intermediate": lower, "the leaf": leaf}.items():
    codes = [dial((anchor,), flags) for flags in (usual, usual | ssl.VERIFY_X509_PARTIAL_CHAIN)]
    print(f"trusts {what:16} usual: {codes[0]:2}   partial chain: {codes[1]:2}")

# %% [markdown]
# By itself OpenSSL goes on upwards until it meets a certificate that is trusted *and* self-signed. With [**partial
# chain**](glossary.md#partial-chain) any trusted certificate will do. Who sets that flag? curl does; Python's
# `create_default_context` does from 3.13 on, and did not before. One trust file, two answers:

# %%
trusts_lower = replace(scenario, client=replace(client, trusts=(lower,)))
explain(rehearse(trusts_lower)).title

# %% tags=["nbval-ignore-output"]
with Proxy(trusts_lower) as server_with_chain:
    called = curl(server_with_chain)
print(called, called.body, sep="\n")

# %%
certification_paths(shop, {"one client": (lower,), "another": (leaf,)})

# %% [markdown]
# It is not wrong to trust less than a root: you then believe what this one intermediate signs, and nothing else of that root. But say it
# to the program (`-partial_chain` for openssl, `verify_flags` in Python), or it depends on the version.

# %% [markdown]
# ## Twins
#
# Somebody lost the root's key and made "the CA" anew, under the same name. The clients still have the old one. These are
# two servers below the [**twin**](glossary.md#twin). The second one's certificate lacks a field.

# %%
from mtls_lab.certificates.faults import present

with_identifier = present("same-name-other-key", authority=root, name="localhost", purpose="serverAuth")
without = present("same-name-other-key-no-aki", authority=root, name="localhost", purpose="serverAuth")
for credential in (with_identifier, without):
    below = credential.leaf
    print(below.issuer == top.subject, below.is_signed_by(top), below.authority_key_identifier is None)

# %% [markdown]
# By the names, the client's root issued both. By the signatures, neither. The missing field is
# [**authorityKeyIdentifier**](glossary.md#authoritykeyidentifier): the short name of the key that signed. An
# authority's own certificate holds its counterpart, subjectKeyIdentifier. Both will be refused; what do you expect, the
# same reason or two?

# %% tags=["nbval-ignore-output"]
print(openssl_verify(with_identifier.chain, (top,)))
print(openssl_verify(without.chain, (top,)))

# %%
for credential in (with_identifier, without):
    found = explain(rehearse(replace(scenario, server=replace(server, presents=credential))))
    print(found.verify_code, found.alert.name, "|", found.title)

# %%
certification_paths(with_identifier, {"the client": (top,)})

# %%
certification_paths(without, {"the client": (top,)})

# %% [markdown]
# OpenSSL builds first, by names and identifiers, and checks signatures afterwards. With the identifier it sees at once that this
# is not the issuer, and goes on looking: 20, the number of a gap. Without it the name is all there is. It takes the twin for the issuer,
# and the signature does not fit: 7.
#
# So a name finds a candidate, an identifier finds the right one, and only the signature proves it. Where a client has *both* twins, and
# no identifier tells, our OpenSSL (3.0) took the one it came to first, and refused the good server when that was the wrong one. Give a
# new key a new name.

# %% [markdown]
# ## What an authority may do
#
# Mallory has a certificate for `mallory.example`, from our own root, in order in every way. With its key she signs one for `localhost`,
# and sends both. There is a path, and every signature on it fits. Who will refuse?

# %%
mallory = present("issuer-not-a-ca", authority=root, name="localhost", purpose="serverAuth")
attack = replace(scenario, server=replace(server, presents=mallory))

# %% tags=["exercise"]
predict(attack, refused_by=...)

# %% tags=["solution"]
predict(attack, refused_by="client")

# %% [markdown]
# Whoever has a key can sign anything. What keeps her from being believed stands in *her own* certificate, and every
# verifier has to look there: [**basicConstraints**](glossary.md#basicconstraints) (is it an authority, and how many may
# follow below: the path length) and [**keyUsage**](glossary.md#keyusage) (may its key sign certificates: keyCertSign).
# (RFC 5280 sections 4.2.1.9 and 4.2.1.3.)

# %%
for slug in ("issuer-not-a-ca", "issuer-without-key-cert-sign", "path-length"):
    credential = present(slug, authority=root, name="localhost", purpose="serverAuth")
    found = explain(rehearse(replace(scenario, server=replace(server, presents=credential))))
    print(f"{found.verify_code}  {found.title}: {found.which}")

# %%
one_too_many = present("path-length", authority=root, name="localhost", purpose="serverAuth")
certification_paths(one_too_many, {"the client": (top,)})

# %% [markdown]
# In 2002 Windows did not look at basicConstraints (CVE-2002-0862): for Internet Explorer everybody with a certificate was an
# authority.
#
# [**Name constraints**](glossary.md#name-constraints) go further. They say for which names an authority can vouch. This
# one is for a team, and its domain:

# %%
team = root.intermediate("Team CA", permitted_names=("team.example",))
show(team.certificate)

# %% [markdown]
# The lab adds the exclusion of all addresses. A constraint speaks of its own kind of name only: without it the team could vouch for
# every IP address. Below, the certificate's names, and the name that the client dials. Which are accepted?

# %%
for names in (("www.team.example",), ("localhost",), ("www.team.example", "localhost")):
    teams = team.issue(names[0], names=names, purpose="serverAuth")
    dialled = replace(scenario, server=replace(server, presents=teams), server_name=names[0])
    print(" and ".join(names), "->", explain(rehearse(dialled)).title)

# %% [markdown]
# The third is refused though the name that was dialled is permitted: *every* name in the certificate counts. There are four kinds of
# names to permit, and any of them to exclude:

# %%
for kind in ("dns", "ip", "email", "uri", "excluded"):
    credential = present(f"name-constraint-{kind}", authority=root, name="localhost", purpose="serverAuth")
    found = explain(rehearse(replace(scenario, server=replace(server, presents=credential))))
    print(f"{found.verify_code}  {found.expected}")

# %% [markdown]
# Who checks this? Never the signer, always the verifier, and not all alike: for a host name outside of the permitted ones curl, Python, Go,
# Java, Node and GnuTLS all refused in our measurements.

# %% [markdown]
# ## Dates, all the way up
#
# Three servers. In each chain one certificate has expired: the leaf, the intermediate, or the root, which the client trusts and nobody
# sent. RFC 5280 (section 6.1) leaves the dates of a trust anchor out of its algorithm. Will OpenSSL mind?

# %%
from mtls_lab.handshake.exhibits import EXHIBITS, Cast

cast = Cast.gather()
slugs = ("expired", "expired-intermediate", "expired-root")
aged = {slug: EXHIBITS[slug].stage(cast, "server") for slug in slugs}

# %% tags=["exercise"]
predict(aged["expired-root"], refused_by=...)

# %% tags=["solution"]
predict(aged["expired-root"], refused_by="client")

# %%
for one in aged.values():
    found = explain(rehearse(one))
    print(found.verify_code, found.alert.name, "| depth", found.depth, "|", found.which)

# %% [markdown]
# OpenSSL minds. One code and one alert for all three, so look at the depth before you renew anything: a new leaf is of no use below an
# authority that has expired. And a root expires at every client at once.

# %% [markdown]
# ## A new root, and nobody is locked out
#
# The old root ends in a year. All clients trust it. You make a new one, and it takes months until it has reached every client. Which of
# them will accept a server that is below the new root today?

# %%
old = Authority.create("Old Root CA", lifetime=timedelta(days=365))
new = Authority.create("New Root CA")
web = new.intermediate("New Issuing CA").issue("localhost", purpose="serverAuth")
clients = {
    "an old client": (old.certificate,),
    "one with both": (old.certificate, new.certificate),
    "a new client": (new.certificate,),
}
{who: verdict(web.chain, trusts) for who, trusts in clients.items()}

# %% [markdown]
# Now the old root vouches for the new one. It signs a certificate with the new root's name and the new root's *public*
# key. (In earnest the new root's owner sends a signing request, and its key stays at home.) That is
# [**cross-signing**](glossary.md#cross-signing): one key, two certificates.

# %%
from mtls_lab.certificates.drafts import authority_draft

crossed = old.sign(authority_draft("New Root CA", lifetime=timedelta(days=3650)), new.key)
for one in (new.certificate, crossed):
    print(one, one.public_key_hash == new.certificate.public_key_hash, web.chain[1].is_signed_by(one))

# %% [markdown]
# The new intermediate is signed by the key in both. So the server sends one more certificate, the same to everybody. Which path will
# each of them find?

# %%
both_ways = (*web.chain, crossed)

# %% tags=["nbval-ignore-output"]
print(openssl_verify(both_ways, (old.certificate,)))
print(openssl_verify(both_ways, (new.certificate,)))

# %%
certification_paths(both_ways, clients)

# %% [markdown]
# And on the wire, the same chain for all three:

# %%
cross_signed = replace(server, presents=replace(web, chain=both_ways))
for who, trusts in clients.items():
    handshake = rehearse(Scenario(client=replace(client, trusts=trusts), server=cross_signed))
    print(who, handshake.accepted)

# %% [markdown]
# The old client needs the cross-signed certificate and goes on to its root. The other two look into their own trust store first
# ([**trusted first**](glossary.md#trusted-first)), find the new root there, and are done.
#
# A year later the old root has expired, and so has what it signed. Who is locked out? (`-attime` and `at=` move the clock.)

# %%
later = datetime.now(UTC) + timedelta(days=370)

# %% tags=["nbval-ignore-output"]
print(openssl_verify(both_ways, (old.certificate,), f"-attime {int(later.timestamp())}"))
print(openssl_verify(both_ways, (new.certificate,), f"-attime {int(later.timestamp())}"))

# %%
certification_paths(both_ways, clients, at=later)

# %% [markdown]
# Only who still has nothing but the old root. Trusted first is what saves the others. OpenSSL before 1.1.0 looked at what was sent
# first. When AddTrust's root expired (30 May 2020), such clients walked into the expired cross-signed certificate, with the new root in their
# trust store, and services were down. So take the cross-signed one out when its time is over. The whole plan as a table:

# %%
before = old.issue("localhost", purpose="serverAuth").chain
sent = {"below the old root": before, "new, cross-signed": both_ways, "new, without": web.chain}
print(" " * 27, *(f"{who:14}" for who in clients))
for when, at in {"now": None, "later": later}.items():
    for what, chain in sent.items():
        row = [verdict(chain, trusts, at) for trusts in clients.values()]
        print(f"{when:6} {what:20}", *(f"{cell!s:14}" for cell in row))

# %% [markdown]
# Only the second row lets everybody in. Make the servers go there first, from the first row; then bring the new root to the clients, with no
# hurry; at the end drop the cross-signed certificate and the old root. The same works for the certificates of clients, and for two
# firms that are to trust each other.
#
# One trap. `certification_path` tries every way. OpenSSL does not: it takes the first candidate that fits by name and identifier,
# and never turns back. Here two certificates for one intermediate are sent, the dead end first:

# %%
dead_end = new.intermediate("Side CA")
draft = authority_draft("Side CA", lifetime=timedelta(days=300), path_length=0)
way_out = old.sign(draft, dead_end.key)
side = dead_end.issue("localhost", purpose="serverAuth").leaf
for chain in ((side, dead_end.certificate, way_out), (side, way_out, dead_end.certificate)):
    print(certification_path(chain, (old.certificate,)).anchor, verdict(chain, (old.certificate,)))

# %% [markdown]
# ## Exercises
#
# **1.** Five certificates lie in a pile. Which of them must the server send, and in which order, so that the client accepts it and nothing
# needless is sent? Answer with a list of letters.

# %%
pile = {"a": top, "b": upper, "c": stray, "d": leaf, "e": lower}

# %% tags=["exercise"]
my_order = ...
check("09-order", my_order, pile, scenario)

# %% tags=["solution"]
my_order = ["d", "e", "b"]
check("09-order", my_order, pile, scenario)

# %% [markdown]
# **2.** The authority got a new key for its intermediate, under the old name, and somebody put that into the server's file. Mend the chain. The
# leaf stays.

# %%
rekeyed = policy.intermediate("Lab Issuing CA")
broken = replace(shop, chain=(leaf, rekeyed.certificate, upper))
explain(rehearse(replace(scenario, server=replace(server, presents=broken)))).title

# %% tags=["exercise"]
repaired = ...
check("09-repair", repaired, broken, scenario)

# %% tags=["solution"]
repaired = replace(broken, chain=(leaf, lower, upper))
check("09-repair", repaired, broken, scenario)

# %% [markdown]
# **3.** The shop wants to issue its own certificates. Make it an intermediate below `root` that can vouch for `shop.example` and the hosts below
# it, and for nobody else.

# %% tags=["exercise"]
shop_ca = ...
check("09-domain", shop_ca, top)

# %% tags=["solution"]
shop_ca = root.intermediate("Shop CA", permitted_names=("shop.example",))
check("09-domain", shop_ca, top)

# %% [markdown]
# **4.** Firm A buys firm B. Bob has a certificate from B; A's servers trust A's root only. Make one certificate that bob can send along, so that
# A's server lets him in, and B's still does. Nobody's trust store changes, and bob keeps his certificate.

# %%
a_root, b_root = Authority.create("A Root CA"), Authority.create("B Root CA")
bob = b_root.intermediate("B Issuing CA").issue("bob", purpose="clientAuth")
a_server = Endpoint(presents=shop, trusts=(a_root.certificate,), verifies="required")
b_server = replace(a_server, trusts=(b_root.certificate,))

# %% tags=["exercise"]
bridge = ...
check("09-cross", bridge, bob, a_server, b_server)

# %% tags=["solution"]
bridge = a_root.sign(authority_draft("B Root CA", lifetime=timedelta(days=365)), b_root.key)
check("09-cross", bridge, bob, a_server, b_server)

# %%
hint("09-order"), hint("09-repair"), hint("09-domain"), hint("09-cross")

# %%
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You sent the leaf first and every intermediate, and no root; you saw OpenSSL pick from the rest what it needs.
# - You followed verifiers upwards, and saw where they stop: at a gap (20), at a twin (20 or 7), at what an authority may not do (79, 25, 47,
#   48), at a date (10).
# - You cross-signed a new root, so that old and new clients accept one chain, before and after the old root has expired.
#
# Next, in notebook 10: how does PostgreSQL do it?
