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
# # How do I run it for years?
#
# By the end you can
#
# - renew a certificate and replace a whole authority while clients call, with 0 failed calls;
# - take a certificate back for real: from new connections, from open ones, and from sessions that are resumed;
# - say today which certificates will be refused tomorrow: at a date, by a public authority's new rule, by a newer Python.
#
# **Minutes:** 40. **Before this:** notebook 04, *How does the server verify the client?*, and notebook 09, *How are chains
# built?*

# %%
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mtls_lab import Authority, Credential, Endpoint, Proxy, Scenario, explain, get, rehearse, show
from mtls_lab.exercises import check, hint, predict

# %%
old_root = Authority.create("Old Root CA")
issuing = old_root.intermediate("Old Issuing CA")
service = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice, bob = (issuing.issue(name, purpose="clientAuth") for name in ("alice", "bob"))

client = Endpoint(presents=alice, trusts=(old_root.certificate,), verifies="chain and name")
server = Endpoint(presents=service, trusts=(old_root.certificate,), verifies="required")
mutual = Scenario(client=client, server=server)
proxy = Proxy(mutual)

# %% [markdown]
# ## Calls that never stop
#
# Whatever you change in this notebook, clients call meanwhile. Each call of this [**load**](glossary.md#load) is a new
# connection and a full handshake. The load goes on in the background; `round()` counts ten calls of each client that
# begin from now on.

# %%
from mtls_lab.proxy.load import Load

clients = {"alice": client, "bob": replace(client, presents=bob)}
load = Load(proxy, clients)
load.round()

# %% [markdown]
# ## Renew a leaf
#
# The service's certificate will end. To [**renew**](glossary.md#renew) it is to issue another one, in time. You may
# keep the key: then it is the same name and the same key, with a later end. Or you take a new key, which also ends the
# use of one that may have been copied.

# %%
from mtls_lab.certificates.drafts import leaf_draft
from mtls_lab.certificates.keys import key_from_pem

names = ("localhost", "127.0.0.1")
draft = leaf_draft("localhost", names=names, purpose="serverAuth", lifetime=timedelta(days=398))
fresh_leaf = issuing.sign(draft, key_from_pem(service.key_pem))
same_key = replace(service, chain=(fresh_leaf, *service.chain[1:]))
new_key = issuing.issue("localhost", names=names, purpose="serverAuth")

# %% [markdown]
# The proxy takes each of them without a restart. How many calls will fail?


# %%
def server_now(**settings: object):
    """Change these settings of the proxy's server; new connections meet them."""
    proxy.switch(replace(proxy.scenario, server=replace(proxy.scenario.server, **settings)))


for what, renewed in {"same key": same_key, "new key": new_key}.items():
    server_now(presents=renewed)
    print(f"{what}: {load.round().failed} of 20 failed")
print("since the beginning:", load.failed)

# %% [markdown]
# Nobody notices. A verifier looks for a path, a name, a purpose and a date; none of it is tied to one certificate. The
# exception is a client that has [**pinned**](glossary.md#pinning) something: it compares with a value that it was
# given. Which pins survive?

# %%
for what, renewed in {"same key": same_key, "new key": new_key}.items():
    key = renewed.leaf.public_key_hash == service.leaf.public_key_hash
    print(f"{what}: a pin of the certificate holds: {renewed.leaf == service.leaf}, of the key: {key}")

# %% [markdown]
# A pinned certificate makes every renewal an outage. If you must pin, pin keys, and two of them, the second one for later.
#
# ## What ends first?
#
# A chain is as good as the first of its certificates to end, and the trust anchor counts as well (notebook 09). This service
# was issued for 398 days, by an intermediate that has 90 days left.

# %%
late_issuing = old_root.intermediate("Late Issuing CA", lifetime=timedelta(days=90))
late = late_issuing.issue("localhost", purpose="serverAuth", lifetime=timedelta(days=398))


def calendar(credential, root):
    """What ends first stands first."""
    for one in sorted((*credential.chain, root.certificate), key=lambda one: one.not_after):
        left = one.not_after - datetime.now(UTC)
        print(f"in {left / timedelta(days=30):3.0f} months: {one.common_name}")


calendar(late, old_root)

# %% [markdown]
# The lab did not give out what it could not keep: the leaf ends with its issuer. Other tools do give it out, and then a
# certificate "valid for a year" stops after three months. In a year of renewals, nobody looks at the line in the middle.
#
# The plain tool for a look ahead is `openssl x509 -checkend SECONDS`. It looks at one certificate, the first in the file.
# Ours looks along the path, at any time you name:

# %%
from mtls_lab.certificates.validation import validate


def verdict(chain, months, trusts=(old_root.certificate,)):
    at = datetime.now(UTC) + timedelta(days=30 * months)
    judged = validate(chain, trusts=trusts, at=at, purpose="serverAuth")
    return [f"{one.certificate.common_name}: {one.slug}" for one in judged.problems] or "accepted"


for months in (0, 2, 4):
    print(f"in {months} months:", verdict(late.chain, months))

# %% [markdown]
# Look ahead by a third of the lifetime, at every chain that you send and every root that you trust. [**Short
# lifetimes**](glossary.md#short-lifetime), days instead of years, sound like more of that work. They are less: nobody
# renews every week by hand, so it is done by a program, and what runs every week is known to work.
#
# ## Replace an authority, in a hurry
#
# The old root is to go; a new one is made. Somebody begins at the server, which now shows a certificate from the new authority.

# %%
new_root = Authority.create("New Root CA")
new_issuing = new_root.intermediate("New Issuing CA")
new_service = new_issuing.issue("localhost", names=names, purpose="serverAuth")
new_alice, new_bob = (new_issuing.issue(name, purpose="clientAuth") for name in ("alice", "bob"))

hasty = replace(mutual, server=replace(server, presents=new_service))

# %% tags=["exercise"]
predict(hasty, refused_by=...)

# %% tags=["solution"]
predict(hasty, refused_by="client")

# %%
server_now(presents=new_service)
load.round()

# %% [markdown]
# Every call fails. So they bring the new root to the clients, and put it in the place of the old one. Alice is first:

# %%
load.change("alice", replace(client, trusts=(new_root.certificate,)))
load.round()

# %% [markdown]
# Alice works again; bob has to wait for his turn. "Some calls fail" is the look of a change that is under way. Back to the old
# certificate? Then it is alice who fails:

# %%
server_now(presents=service)
load.round()

# %% [markdown]
# There is no order of these two steps without an outage, because each of them is a step of two parties at once. The other
# half goes the same way. Bob gets a certificate from the new authority, and the server still trusts the old root alone:

# %%
load.change("alice", client)
load.change("bob", replace(client, presents=new_bob))
print(load.round())
load.close()

# %% [markdown]
# ## Replace an authority, with 0 failed calls
#
# The cure is a time of [**overlap**](glossary.md#overlap): trust both, then issue, then drop.
#
# 1. Everybody trusts the old root *and* the new one. Nobody shows anything new yet.
# 2. One after the other, everybody shows a certificate from the new authority.
# 3. When nothing from the old authority is in use any more, the old root goes.
#
# In each step the order does not matter, and there is no hurry. Run the load once more, from the beginning.

# %%
proxy.switch(mutual)
load = Load(proxy, clients)
both = (old_root.certificate, new_root.certificate)


def client_now(name, **settings: object):
    """Change these settings of one client; its next call is made with them."""
    load.change(name, replace(load.clients[name], **settings))


# %%
server_now(trusts=both)
for name in load.clients:
    client_now(name, trusts=both)
    print("step 1,", name, "done:", load.round().failed, "of 20 failed")

# %%
client_now("alice", presents=new_alice)
print("step 2, alice done: ", load.round().failed, "of 20 failed")
server_now(presents=new_service)
print("step 2, server done:", load.round().failed, "of 20 failed")
client_now("bob", presents=new_bob)
print("step 2, bob done:   ", load.round().failed, "of 20 failed")

# %% [markdown]
# Is step 2 over? Ask the server who still comes with a certificate from the old authority. When nobody has for long enough:

# %%
print({one.client_chain[0].issuer_common_name for one in proxy.handshakes[-10:]})
server_now(trusts=(new_root.certificate,))
for name in load.clients:
    client_now(name, trusts=(new_root.certificate,))
    print("step 3,", name, "done:", load.round().failed, "of 20 failed")
print("failed calls since the beginning:", load.failed)

# %% [markdown]
# 0 failed calls, while the authority was replaced below them. What does it cost to forget somebody? Carol's machine was switched off during step 1 and step 2.

# %%
carol = issuing.issue("carol", purpose="clientAuth")
with Load(proxy, {**load.clients, "carol": replace(client, presents=carol)}) as with_carol:
    print(with_carol.round())

# %% [markdown]
# She is locked out, and by her own side: her client refuses before the server gets to see what she has. That is why step 1
# is the long one. Where clients cannot be reached at all, a cross-signed root lets them in (notebook 09).
#
# ## From files
#
# In earnest the settings stand in files, and a running server has to take new ones up. Two files never change at the same
# moment. What does the lab's proxy do with a new certificate beside the old key?

# %%
from os import sep
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab.proxy.reloading import Reloader
from mtls_lab.proxy.settings import Sources

folder = TemporaryDirectory()
here = Path(folder.name)
files = new_service.write(here, name="service")
trusted = new_root.write(here).certificate_path


def take(settings):
    server_now(presents=settings.credential, trusts=settings.trusts)


reloader = Reloader(Sources(chain=files.chain_path, key=files.key_path, trusts=(trusted,)), take)

# %%
renewed = new_issuing.issue("localhost", names=names, purpose="serverAuth")
files.chain_path.write_bytes(renewed.chain_pem)
half = reloader.look()
print(half.outcome, "|", half.reason.replace(f"{here}{sep}", ""))
print(load.round().failed, "of 20 failed")

# %%
files.key_path.write_bytes(renewed.key_pem)
whole = reloader.look()
print(whole.outcome, sorted(path.name for path in whole.changed))
print(load.round().failed, "of 20 failed; in force:", proxy.scenario.server.presents == renewed)

# %% [markdown]
# All files together make new settings, or the old ones stay. Not every server is that careful: try it with a half-written
# pair before you rely on it. nginx reads its files when you say `nginx -s reload`, PostgreSQL at `pg_ctl reload`, many programs
# never. A certificate that was renewed on the disk and not in the process is a classic.
#
# ## A renewal that breaks
#
# A partner's server also *calls* yours, and shows the certificate that it has anyway: from a [**public
# authority**](glossary.md#public-authority), for its host name. It was issued for both purposes.

# %%
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

load.close()

public = Authority.create("Public Root CA").intermediate("Public Issuing CA")
before = public.issue("partner.example", purpose="serverAuth")
two = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
draft = leaf_draft("partner.example", purpose="serverAuth", lifetime=timedelta(days=90))
for_both = replace(draft, extra=(x509.Extension(two.oid, False, two),))
leaf = public.sign(for_both, key_from_pem(before.key_pem))
partner = replace(before, chain=(leaf, *before.chain[1:]))

# %%
takes_public = replace(server, trusts=(public.root,))
calls_us = Scenario(client=replace(client, presents=partner), server=takes_public)
print(leaf.purposes, explain(rehearse(calls_us)).title)

# %% [markdown]
# Three months later it is renewed: same name, same key, same authority. But the authority no longer writes clientAuth into what it
# issues for servers. Who refuses?

# %%
renewal = public.sign(draft, key_from_pem(before.key_pem))
partner_later = replace(partner, chain=(renewal, *partner.chain[1:]))
after = replace(calls_us, client=replace(client, presents=partner_later))

# %% tags=["exercise"]
predict(after, refused_by=...)

# %% tags=["solution"]
predict(after, refused_by="server")

# %%
found = explain(rehearse(after))
print(renewal.purposes, found.verify_code, found.alert.name, "|", found.title)

# %% [markdown]
# Nothing changed at either end but one word in a certificate. Public authorities announced to take that word out in 2026: we read of
# 11 February for Let's Encrypt's usual profile, of a profile with clientAuth until May or July, and of 15 June in Chrome's rules
# for authorities. These dates are from policy pages and threads (one is nsacyber/HIRS#880), and we did not check them. Look at yours:
# `openssl x509 -noout -ext extendedKeyUsage -in client.pem`.
#
# It was never a good idea. A public authority vouches for everybody's names. Here comes another customer of it:

# %%
stranger = public.issue("mallory.example", purpose="clientAuth")
explain(rehearse(replace(calls_us, client=replace(client, presents=stranger)))).title

# %% [markdown]
# She is in, unless the server also looks at the name (notebook 12). For clients, use an authority of your own. Then the list of who
# gets in is the list of whom you issued to, and nobody else's rules change your certificates.

# %% [markdown]
# ## Take a certificate back
#
# Alice's laptop is stolen, with her key on it. Her certificate is good for another year, so whoever has the laptop *is* alice.
# Her authority takes the certificate back: it [**revokes**](glossary.md#revoke) it. How does the server know?

# %%
from mtls_lab.certificates.crl import crl, crl_to_pem

today = proxy.scenario
as_alice = replace(
    today, client=Endpoint(presents=new_alice, trusts=(new_root.certificate,), verifies="chain and name")
)
as_bob = replace(as_alice, client=replace(as_alice.client, presents=new_bob))
taken_back = crl(new_issuing, (new_alice.leaf,))

# %% [markdown]
# That is a [**certificate revocation list**](glossary.md#certificate-revocation-list) (CRL, RFC 5280 section 5): serial
# numbers, a date for the next list, and the authority's signature. It is made. Will alice be refused now?

# %% tags=["exercise"]
predict(as_alice, refused_by=...)

# %% tags=["solution"]
predict(as_alice, refused_by="neither")

# %% [markdown]
# Nobody refuses her. A server looks at a list when it has one and is told to look: `ssl_crl` in nginx, `ssl_crl_file` in
# PostgreSQL, `VERIFY_CRL_CHECK_LEAF` in Python. Without it there is no check, and no message that there is none.
#
# A list has its price. Watch bob, who has done nothing, while the server's list is a good one, an old one, somebody else's, or missing:

# %%
yesterday = datetime.now(UTC) - timedelta(days=1)
lists = {
    "no check": None,
    "good": (taken_back,),
    "stale": (crl(new_issuing, this_update=yesterday - timedelta(days=7), next_update=yesterday),),
    "the root's": (crl(new_root),),
    "none at hand": (),
}
for what, crls in lists.items():
    for name, scenario in {"alice": as_alice, "bob": as_bob}.items():
        found = explain(rehearse(replace(scenario, server=replace(today.server, crls=crls))))
        print(f"{what:12} {name:5} {found.verify_code or '':2} {found.title}")

# %% [markdown]
# The good list keeps alice out, and bob in. With each of the other three *everybody* is refused: a server that is told to look
# at lists fails closed. So a list has to be renewed like a certificate, by a program, long before its date. (The alert misleads: for a
# stale list it says `certificate_expired`.) A list speaks for one authority, the one that issued the leaf.
#
# ## The connection that was open
#
# HTTP keeps connections open for the next request. The thief opens one with Python's own `http.client`, and then the server takes up
# the list. What becomes of the thief's next request?

# %%
import ssl
from http.client import HTTPSConnection

hers = new_alice.write(here, name="alice")
context = ssl.create_default_context(cafile=trusted)
context.load_cert_chain(hers.chain_path, hers.key_path)
thief = HTTPSConnection(proxy.host, proxy.port, context=context)


def ask():
    thief.request("GET", "/whoami")
    return thief.getresponse().read().decode().strip()


# %%
print("before:", ask())
server_now(crls=(taken_back,))
print("after: ", ask())
print(get(proxy, "/whoami", client=as_alice.client))
thief.close()

# %% [markdown]
# New connections are refused, and the open one lives on. A certificate is judged once, in the handshake. Nothing in TLS looks again.
# To lock somebody out now, end the connections, or give each one an end: nginx closes a connection after `keepalive_time`.

# %% [markdown]
# ## The session that was resumed
#
# There is a door that stays open even when all connections are closed. TLS can [**resume**](glossary.md#resume) a
# session: at the first handshake the server hands out a [**ticket**](glossary.md#ticket), and with it the client comes
# back without showing its certificate again (RFC 8446 section 2.2). The plain tool first: two ends of `ssl` in memory.

# %%
root_path, paths = str(trusted), new_service.write(here, name="own")
list_path = Path(here, "list.pem")
list_path.write_bytes(crl_to_pem(taken_back))


def server_context():
    """A server as one writes it: it demands certificates, and tickets are on, as by default."""
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fresh.load_cert_chain(paths.chain_path, paths.key_path)
    fresh.load_verify_locations(root_path)
    fresh.verify_mode = ssl.CERT_REQUIRED
    return fresh


# %%
def meet(client_side, server_side, session=None):
    """A handshake in memory, the client's first read (the ticket of TLS 1.3), the server's goodbye."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client_side.wrap_bio(down, up, server_hostname="localhost", session=session)
    other = server_side.wrap_bio(up, down, server_side=True)
    flights = (one.do_handshake, other.do_handshake) * 2
    for step in (*flights, one.read, other.unwrap):
        try:
            step()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return f"refused, verify code {error.verify_code}", None
    subject = (other.getpeercert() or {}).get("subject", ())
    who = dict(part[0] for part in subject).get("commonName", "a client")
    return f"{who} is in, resumed: {one.session_reused}", one.session


# %% [markdown]
# Alice's thief visits, and takes a session home. Then the server takes up the list, in the context that it runs with. Will it
# keep out a full handshake, the session, or both?

# %%
live = server_context()
told, session = meet(context, live)
print(told)
live.load_verify_locations(list_path)
live.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
print("full:   ", meet(context, live)[0])
print("session:", meet(context, live, session)[0])

# %% [markdown]
# Revoked, and in. `getpeercert()` even names her: it reads the certificate out of the ticket. The same with the lab, which can show what
# crossed the wire:

# %%
from mtls_lab.handshake.rehearse import rehearse_resumed

with_list = replace(as_alice, server=replace(today.server, crls=(taken_back,)))
first, then = rehearse_resumed(as_alice, with_list)
show(then)

# %% [markdown]
# There is no Certificate in it, from neither side. So there is nothing to judge: no list, and no date. A session outlives the
# certificate that it began with, too. A TLS 1.3 ticket may live for seven days (RFC 8446 section 4.6.1).
#
# ## Cures
#
# Hand out no tickets; that is one line in Python, and `ssl_session_tickets off` in nginx. Or make a fresh context whenever the list
# changes: its tickets have another key, and old ones are worth nothing. Which of the two helps, in which version?


# %%
def without_tickets():
    closed = server_context()
    closed.num_tickets = 0  # TLS 1.3
    closed.options |= ssl.OP_NO_TICKET  # TLS 1.2
    return closed


def look_at_list(server_side):
    server_side.load_verify_locations(list_path)
    server_side.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return server_side


# %%
cures = {
    "tickets, list loaded into it ": (server_context, look_at_list),
    "no tickets, list loaded into it": (without_tickets, look_at_list),
    "tickets, list in a fresh context": (server_context, lambda _: look_at_list(server_context())),
}
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context.minimum_version = context.maximum_version = version
    for what, (begin, take_up) in cures.items():
        running = begin()
        session = meet(context, running)[1]
        print(f"{version.name} {what:32} {meet(context, take_up(running), session)[0]}")

# %% [markdown]
# The surprise is TLS 1.2 without tickets. Its server can also keep sessions in its own memory and know them by an identifier (RFC 5246
# section 7.3), and OpenSSL does. Python has no switch against it; nginx has one, `ssl_session_cache`, and by default it keeps nothing.
# A [**fresh context**](glossary.md#fresh-context) helps in every case. The lab's proxy makes one whenever its settings change.
#
# And the cure that needs no list at all is a short lifetime. A certificate that ends tomorrow need not be taken back, if tickets end
# before it does. Where a server is one of many behind one name, mind that they may share ticket keys (a related hole in nginx, between
# its own virtual servers, was CVE-2025-23419).

# %% [markdown]
# ## A newer Python
#
# Sometimes no date passes and nobody changes a rule of yours: a library learns to read. From Python 3.13 on,
# `ssl.create_default_context()` sets `VERIFY_X509_STRICT`, and holds a chain to more of RFC 5280. Is it on where you sit?

# %% tags=["nbval-ignore-output"]
import sys

flags = ssl.create_default_context().verify_flags
print(sys.version_info[:2], "strict by default:", bool(flags & ssl.VERIFY_X509_STRICT))

# %% [markdown]
# Here is an authority as people made them with a few lines of script. It has worked for years. It leaves out what nobody asked for.

# %%
from mtls_lab.certificates.drafts import authority_draft, sign
from mtls_lab.certificates.keys import generate_key, key_to_pem

key, leaf_key = generate_key("EC P-256"), generate_key("EC P-256")
loose = x509.BasicConstraints(ca=True, path_length=None)
home_draft = replace(
    authority_draft("Home CA", lifetime=timedelta(days=3650)),
    extra=(x509.Extension(loose.oid, False, loose),),
    left_out=(x509.KeyUsage.oid, x509.SubjectKeyIdentifier.oid),
)
home = Authority(certificate=sign(home_draft, public_key=key.public_key(), issuer=None, key=key), key=key)
draft = leaf_draft("localhost", purpose="serverAuth", lifetime=timedelta(days=398))
bare = home.sign(replace(draft, left_out=(x509.AuthorityKeyIdentifier.oid,)), leaf_key)
at_home = Credential(key_pem=key_to_pem(leaf_key), chain=(bare,))

# %% [markdown]
# Plain `ssl` with both settings, whatever your Python's default is. The `strict` of an `Endpoint` is that flag.

# %%
home_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
own = at_home.write(here, name="home")
home_server.load_cert_chain(own.chain_path, own.key_path)
usual = ssl.VERIFY_X509_TRUSTED_FIRST
for what, flags in {"before 3.13": usual, "from 3.13 on": usual | ssl.VERIFY_X509_STRICT}.items():
    visitor = ssl.create_default_context(cadata=home.certificate.pem.decode())
    visitor.verify_flags = flags
    print(f"{what:12} {meet(visitor, home_server)[0]}")

# %%
strict = Endpoint(trusts=(home.certificate,), verifies="chain and name", strict=True)
homely = Scenario(client=strict, server=Endpoint(presents=at_home, verifies="none"))
found = explain(rehearse(homely))
print(found.verify_code, found.title, "|", found.which)

# %% [markdown]
# OpenSSL stops at the first thing it dislikes. Mend that, and the next one comes. `validate` lists all of them at once:

# %%
now, trusts = datetime.now(UTC), (home.certificate,)
for one in validate((bare,), trusts=trusts, at=now, purpose="serverAuth", strict=True).problems:
    print(one.verify_code, one.slug, "|", one.certificate.common_name)

# %% [markdown]
# Four things that RFC 5280 demands of whoever issues: the leaf says which key signed it (authorityKeyIdentifier, section
# 4.2.1.1); the authority says which key it has (subjectKeyIdentifier, 4.2.1.2), that it may sign certificates (keyUsage,
# 4.2.1.3), and that it is an authority, in a way that nobody may overlook (basicConstraints, critical, 4.2.1.9). sscg
# 3.0.2, a later version of the note's tool, did not mark the last one critical.
#
# You can switch strictness off again, by `verify_flags`. Then it is off against everybody. Better issue what is
# sound, and find out today: connect to your own servers with the flag *on*.

# %% [markdown]
# ## A checklist
#
# *Dates.* Does a program look at every chain you send, every root you trust and every revocation list, a third of the lifetime
# ahead? Does it ask the running server, and not the file?
#
# *Renewal.* Is it done by a program, and was it done this month? Do new files get into the running process?
#
# *Authority.* Could you trust a second root at every client, starting today? Do you know every client? Is anything pinned?
#
# *Taking back.* Does the server look at a list? Who makes the next one, and what happens on the day it is late? What
# ends open connections and resumed sessions?
#
# *Purpose.* Is every client's certificate from an authority of your own, with clientAuth in it?
#
# *Tomorrow's software.* Do your certificates pass strict verification today?

# %% [markdown]
# ## Exercises
#
# **1.** Renew `late`, so that clients accept it today and in 300 days. They trust `old_root`, and nothing at the clients changes.

# %% tags=["exercise"]
my_renewal = ...
check("13-renew", my_renewal, old_root.certificate)

# %% tags=["solution"]
next_issuing = old_root.intermediate("Next Issuing CA")
my_renewal = next_issuing.issue("localhost", purpose="serverAuth")
check("13-renew", my_renewal, old_root.certificate)

# %% [markdown]
# **2.** These six steps replace an authority. Put them in an order in which no call fails. The check does them under a
# load of two clients. Answer with a list of letters.
#
# - a: the clients show certificates from the new authority
# - b: the server trusts the new root only
# - c: the clients trust both roots
# - d: the server shows a certificate from the new authority
# - e: the server trusts both roots
# - f: the clients trust the new root only

# %% tags=["exercise"]
my_order = ...
check("13-rotate", my_order)

# %% tags=["solution"]
my_order = ["e", "c", "a", "d", "b", "f"]
check("13-rotate", my_order)

# %% [markdown]
# **3.** Take alice's certificate back for real. `take_back` gets the context that a server runs with and the path of a revocation
# list, and answers with the context that the server uses from then on. Alice must not come back, neither by a full handshake nor with
# yesterday's session, in TLS 1.2 and 1.3; bob must.


# %% tags=["exercise"]
def take_back(running, list_path):
    """The context to go on with, so that nobody on that list gets in."""
    return ...


check("13-take-back", take_back, server_context, new_alice, new_bob, list_path)


# %% tags=["solution"]
def take_back(running, list_path):
    fresh = server_context()
    fresh.load_verify_locations(list_path)
    fresh.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return fresh


check("13-take-back", take_back, server_context, new_alice, new_bob, list_path)

# %% [markdown]
# **4.** Mend the Home CA. A hundred services have leaves like `theirs`, which are sound; only the root is not. Make a root certificate that
# strict clients can trust instead, so that not one leaf has to be issued again.

# %%
theirs = home.issue("localhost", purpose="serverAuth")
explain(rehearse(replace(homely, server=replace(homely.server, presents=theirs)))).title

# %% tags=["exercise"]
mended = ...
check("13-mend", mended, theirs)

# %% tags=["solution"]
sound = authority_draft("Home CA", lifetime=timedelta(days=3650))
mended = sign(sound, public_key=home.key.public_key(), issuer=None, key=home.key)
check("13-mend", mended, theirs)

# %%
hint("13-renew"), hint("13-rotate"), hint("13-take-back"), hint("13-mend")

# %%
proxy.close()
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You renewed a certificate and replaced a whole authority while clients called, and 0 calls failed: trust both, then issue,
#   then drop.
# - You took a certificate back, and saw who still came in: the connection that was open, and the session that was resumed.
# - You looked ahead: at dates along the whole path, at a purpose that public authorities drop, at four things that
#   strict verification asks for.
#
# Next, in notebook 14: can you open a door when all you have is what the two sides say?
