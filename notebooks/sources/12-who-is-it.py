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
# # Who is the client, and may it?
#
# By the end you can
#
# - read who a verified certificate names, and say which of its names is an identity;
# - write rules that let in whom you mean, and tell a 403 from a handshake that failed;
# - spoof an identity in a header field, and close that hole.
#
# **Minutes:** 40. **Before this:** notebook 04, *How does the server verify the client?*

# %%
import base64
from dataclasses import replace
from tempfile import TemporaryDirectory

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, explain, rehearse, show
from mtls_lab.certificates import Certificate, Subject
from mtls_lab.exercises import check, hint, predict
from mtls_lab.proxy.identity import Identity

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
service = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
lab = Subject(organization="Lab")


def person(name):
    names = f"spiffe://lab.example/{name}", f"{name}@lab.example"
    return issuing.issue(name, names=names, subject=lab, purpose="clientAuth")


alice, bob = person("alice"), person("bob")

# %%
client = Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=service, trusts=(root.certificate,), verifies="required")
alices = Scenario(client=client, server=server)
bobs = replace(alices, client=replace(client, presents=bob))

# %% [markdown]
# ## Whom does a certificate name?
#
# Alice's certificate, as `openssl x509` reads it. The words differ a little between versions.

# %% tags=["nbval-ignore-output"]
folder = TemporaryDirectory()
leaf = alice.write(folder.name).certificate_path
# !openssl x509 -in "{leaf}" -noout -subject -nameopt RFC2253 -ext subjectAltName,extendedKeyUsage

# %%
who = Identity.of(alice.leaf)
for kind in ("subject", "uris", "dns_names", "emails"):
    print(f"{kind:10}", getattr(who, kind))

# %% [markdown]
# An [**identity**](glossary.md#identity) is a name that the authority promises to give to one client only. Which of
# these is one depends on what that authority checks, so ask it. As a rule of thumb:
#
# | name | says | good as an identity? |
# |---|---|---|
# | URI in the SAN, such as a SPIFFE ID | which client, in a form made for programs | yes |
# | DNS name in the SAN | which machine | yes, for machines |
# | e-mail address in the SAN | which mailbox | if the authority tests it, and never gives it to a successor |
# | [subject](glossary.md#subject), with its common name (CN) | what people are to read | only as a whole, and with care |
# | hash of the public key | which key, without any name | yes, until the key is replaced |

# %% [markdown]
# ## Two good certificates
#
# Alice and bob have certificates of the same authority, both good for a year. The service is meant for alice. Bob calls.
# Who refuses him?

# %% tags=["exercise"]
predict(bobs, refused_by=...)

# %% tags=["solution"]
predict(bobs, refused_by="neither")

# %%
proxy = Proxy(alices)
for one in (alices, bobs):
    print(curl(proxy, "/whoami", client=one.client).body, end="")

# %% [markdown]
# TLS answers one question: is it bob? To find out who somebody is, is to [**authenticate**](glossary.md#authenticate).
# What he may do is another question, to [**authorize**](glossary.md#authorize) him, and nobody has answered it yet.
# "Any certificate of that authority gets in" is a hole that many services have.

# %% [markdown]
# ## What the origin is told
#
# Someone has to decide, the proxy or the origin behind it. The origin speaks plain HTTP and has seen no certificate. So the
# proxy tells it, in header fields. Here is an origin of our own, a WSGI function that answers with the fields that it got.

# %%
from mtls_lab.proxy.naive import Application


def tell(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    fields = sorted(name for name in environ if name.startswith("HTTP_"))
    return [f"{name} {environ[name]}\n".encode() for name in fields]


telling = Application(tell)
careful = Proxy(alices, to=telling.url)

# %%
told = dict(line.split(maxsplit=1) for line in curl(careful, "/").body.splitlines())
print(*(name for name in told if "CLIENT" in name or "FOR" in name), sep="\n")

# %% [markdown]
# Variables instead of fields: that is how CGI, WSGI and PHP hand them over, and `Client-Cert` becomes
# `HTTP_CLIENT_CERT`. Keep it in mind. RFC 9440 defines [**`Client-Cert`**](glossary.md#client-cert) (the certificate
# that was verified, in base64 between colons) and [**`Client-Cert-Chain`**](glossary.md#client-cert-chain) (the
# others). The origin decodes it, and verifies nothing: it takes the proxy's word.

# %%
field = told["HTTP_CLIENT_CERT"]
Certificate(der=base64.b64decode(field.strip(":"))).names

# %% [markdown]
# ## Rules
#
# Or the proxy decides. Give it one [**access rule**](glossary.md#access-rule), and it denies by default: in comes whom
# a rule names.

# %%
guarded = Proxy(alices, allow=["uri:spiffe://lab.example/alice"])
print(curl(guarded, "/whoami"))
bobs_call = curl(guarded, "/whoami", client=bobs.client)
print(bobs_call)

# %%
bobs_call.body, bobs_call.exit_code

# %% [markdown]
# [**403**](glossary.md#403) says: I understood you, and the answer is no (RFC 9110 section 15.5.4). For curl that is a
# call that went well, and it ends with 0, unless you give it `--fail`. Where in the story does it end? Not in the
# handshake:

# %%
show(bobs_call.handshake)

# %% [markdown]
# It is accepted to the last message. The refusal is one floor higher, inside the encrypted data: an answer in HTTP. The proxy
# keeps its decisions, and explains them like a handshake.

# %%
from mtls_lab.proxy.authorization import explain_decision

show(explain_decision(guarded.request_from(bobs_call.handshake.client_port).decision))

# %% [markdown]
# So a refusal tells by its form where to look. An alert: the certificate. A 403: the rules. A new certificate will not help bob.
#
# ## Two doors
#
# Now several guests, and one rule more. What becomes of each: `"in"`, `"403"` or `"refused by TLS"`?

# %%
rules = ["uri:spiffe://lab.example/alice", "dns:*.fleet.lab.example"]
stranger = Authority.create("Stranger CA")
cast = {
    "alice": alice,
    "bob": bob,
    "robot": issuing.issue("robot", names=("r2.fleet.lab.example",), purpose="clientAuth"),
    "namesake": issuing.issue("spiffe://lab.example/alice", purpose="clientAuth"),
    "mallory": stranger.issue("alice", names=("spiffe://lab.example/alice",), purpose="clientAuth"),
    "shop": issuing.issue("shop", names=("shop.fleet.lab.example",), purpose="serverAuth"),
}

# %% tags=["exercise"]
guess = {"alice": "in", "bob": "403", "robot": ..., "namesake": ..., "mallory": ..., "shop": ...}
check("12-guests", guess, rules, alices, cast)

# %% tags=["solution"]
guess = {
    "alice": "in",
    "bob": "403",
    "robot": "in",
    "namesake": "403",
    "mallory": "refused by TLS",
    "shop": "refused by TLS",
}
check("12-guests", guess, rules, alices, cast)

# %% [markdown]
# Mallory's certificate has alice's very name, from an authority that this server does not trust. Shop's has a name that a rule
# fits, and is for serverAuth. Neither came as far as the rules. The namesake has the right letters in the wrong place: a common
# name is no URI.
#
# ## Sloppy rules
#
# Home-made rules are mostly one line of code. Each of these lets alice in. Whom else? Look at the names, then run.

# %%
guests = {
    "alice": alice,
    "malice": person("malice"),
    "intern": person("alice-intern"),
    "comma": issuing.issue("x,CN=alice", names=("spiffe://lab.example/comma",), purpose="clientAuth"),
    "a machine": issuing.issue("alice", names=("alice.guests.example",), purpose="clientAuth"),
}

# %%
sloppy = {
    "'alice' in subject": lambda who: "alice" in who.subject,
    "'CN=alice' in split(',')": lambda who: "CN=alice" in who.subject.split(","),
    "URI starts with .../alice": lambda who: "".join(who.uris).startswith("spiffe://lab.example/alice"),
    "URI ends with alice": lambda who: "".join(who.uris).endswith("alice"),
}
for text, fits in sloppy.items():
    print(f"{text:26}", *(name for name, one in guests.items() if fits(Identity.of(one.leaf))), sep="  ")

# %% [markdown]
# Each lets in somebody else. A comma may stand inside a name, part of a name is another name, and the authority gave the common
# name *alice* to a machine as well: it promised nobody that there is only one. Our rules fit a whole name of one kind, or nothing.

# %%
from mtls_lab.proxy.access import Access

for text in ("subject:CN=alice,O=Lab", "uri:spiffe://lab.example/alice", "uri:spiffe://lab.example/*"):
    may = [name for name, one in guests.items() if Access.of([text]).decide(Identity.of(one.leaf)).allowed]
    print(f"{text:32}", *may, sep="  ")

# %% [markdown]
# The last has a wildcard, and says what it means: everybody with one segment after the host. A rule that cannot be read is an
# error at the start, and never one that fits nobody or everybody.
#
# ## The same names, another authority
#
# A partner's clients are to come, too, so the server trusts a second root. The partner issues a certificate with alice's names.

# %%
partner = Authority.create("Partner Root CA").intermediate("Partner Issuing CA")
other_alice = partner.issue("alice", names=alice.leaf.names, subject=lab, purpose="clientAuth")
with_partner = replace(server, trusts=(root.certificate, partner.root))
before = replace(alices, client=replace(client, presents=other_alice))
after = replace(before, server=with_partner)

# %%
print(explain(rehearse(before)).cause, "->", explain(rehearse(after)).cause)
guarded.switch(after)
print(curl(guarded, "/whoami"))

# %% [markdown]
# Both doors are open to her: a trusted root, and a name that a rule fits. An identity is as good as the *least* careful of the
# authorities that you trust. Two remedies: each authority its own port with its own rules, or a name constraint in the partner's
# certificate (notebook 09), if it will take one.
#
# ## A key instead of a name
#
# Or [**pinning**](glossary.md#pinning): name the key, by the SHA-256 of the certificate's SubjectPublicKeyInfo. A
# certificate for that key is of no use to anyone without alice's private key. With openssl (the digits are those of
# `who.key_sha256`):

# %% tags=["nbval-ignore-output"]
# !openssl x509 -in "{leaf}" -pubkey -noout | openssl pkey -pubin -outform DER | openssl sha256

# %%
pinned = Proxy(after, allow=[f"key:sha256:{who.key_sha256}"])
print(curl(pinned, client=client).status, curl(pinned, client=before.client).status)

# %% [markdown]
# Alice is in, her namesake is not. Now alice's certificate runs out, and she gets a new one, with a new key, as it should be.

# %%
renewed = person("alice")
print(curl(pinned, client=replace(client, presents=renewed)).status)

# %% [markdown]
# 403 for the right alice. A pin names no one, it names a key, and must be changed on every server before the key is. That suits
# a few partners who tell you in time. It does not suit certificates that live for days, or keys that many people
# renew. Then name people, and choose your authorities with care.
#
# ## A field is not an identity
#
# Back to the origin that is told by header fields. Many read `X-Client-DN`, as this one does. Before it stands a proxy as one
# writes it first: its TLS is in order, it adds that field, and passes on whatever the client has sent.

# %%
import requests

from mtls_lab.proxy.naive import NaiveProxy


def payroll(environ, start_response):
    dn = environ.get("HTTP_X_CLIENT_DN", "")
    status = "200 OK" if dn.startswith("CN=alice") else "403 Forbidden"
    start_response(status, [("Content-Type", "text/plain")])
    return [f"{dn}\n".encode()]


office = Application(payroll)
naive = NaiveProxy(bobs, to=office.url)

# %% [markdown]
# Bob calls with requests and his own certificate. First honestly, then with a field of his own. With curl he would type
#
# ```
# curl --cacert root.pem --cert bob.pem --key bob-key.pem -H 'X-Client-DN: CN=alice,O=Lab' https://localhost:PORT/
# ```
#
# What will the application read?

# %%
bobs_files = bob.write(folder.name)
session = requests.Session()
session.trust_env, session.verify = False, str(root.write(folder.name).certificate_path)
session.cert = str(bobs_files.chain_path), str(bobs_files.key_path)


def as_bob(url, fields=None):
    answer = session.get(url, headers=fields)
    return answer.status_code, answer.text.strip()


# %%
lie = "CN=alice,O=Lab"
print(as_bob(naive.url))
print(as_bob(naive.url, {"X-Client-DN": lie}))

# %% [markdown]
# Bob is paid as alice, and no certificate was forged. The field came twice, the application got both in one variable, and his stood
# first. Another application would read the last, or only one of them; you cannot know. So the proxy must take the client's fields
# off before it adds its own. Its author does so:

# %%
naive.close()
naive = NaiveProxy(bobs, to=office.url, drops=lambda name: name == "X-Client-DN")
as_bob(naive.url, {"X-Client-DN": lie})

# %% [markdown]
# Mended? Remember what becomes of a field's name on its way into a variable. What would you try as bob?

# %%
as_bob(naive.url, {"X_Client_DN": lie})

# %% [markdown]
# The underscore gets through: two names for the proxy, one for the application. Capitals do it as well, for a comparison that
# minds them. Measured with nginx 1.22: without `proxy_set_header X-Client-DN` it passes a client's field on, and with it,
# `Client-Cert` still passes. (It ignores names with an underscore by itself.) RFC 9440 section 4 warns of all this.
#
# Now the same tricks against our proxy. `tell` is the origin behind both; does it hear bob's lie?

# %%
open_door = NaiveProxy(bobs, to=telling.url, drops=lambda name: name == "X-Client-DN")
for name in ("x-client-dn", "X_Client_DN", "X-SSL-Client-S-DN", "client_cert", "X-Forwarded-For"):
    heard = [lie in as_bob(one.url, {name: lie})[1] for one in (open_door, careful)]
    print(f"{name:18}", "naive:", "heard" if heard[0] else "-    ", " ours:", "heard" if heard[1] else "-")

# %% [markdown]
# Ours takes off whatever an origin could take for the proxy's word, in every spelling, whether it sends such a field or not. One
# trick more. A client may list fields in `Connection` that end at the next hop. Bob lists the proxy's own:

# %%
_, heard = as_bob(careful.url, {"Connection": "Client-Cert"})
print("HTTP_CLIENT_CERT" in heard)

# %% [markdown]
# The proxy adds its fields last, when the client has nothing more to say. And the way around it? Bob finds the origin's own port:

# %%
as_bob(office.url, {"X-Client-DN": lie})

# %% [markdown]
# No proxy, no TLS, no certificate, and he is alice. A field is as honest as the last one who could write it. The origin must be
# reached through the proxy alone: on loopback or a socket file that others cannot open, or with mutual TLS between proxy and origin.

# %% [markdown]
# ## Exercises
#
# **1.** was the guess at the two doors. **2.** Write the rules: alice and the machines of the fleet get in, no other does. All
# of them have good certificates.

# %%
welcome = {
    "alice": alice,
    "robot": cast["robot"],
    "truck": issuing.issue("truck", names=("t7.fleet.lab.example",), purpose="clientAuth"),
}
others = {name: one for name, one in guests.items() if name != "alice"} | {
    "bob": bob,
    "namesake": cast["namesake"],
    "printer": issuing.issue("printer", names=("printer.lab.example",), purpose="clientAuth"),
}

# %% tags=["exercise"]
my_rules = ...
check("12-rules", my_rules, alices, welcome, others)

# %% tags=["solution"]
my_rules = ["uri:spiffe://lab.example/alice", "dns:*.fleet.lab.example"]
check("12-rules", my_rules, alices, welcome, others)

# %% [markdown]
# **3.** Mend the naive proxy. `drops` gets the name of a field as the client sent it, and says `True` if it is to be left out. Eight
# attacks are made, on `X-Client-DN`, `X-Client-Verify`, `Client-Cert` and `Client-Cert-Chain`. Harmless fields must pass.


# %% tags=["exercise"]
def drops(name):
    """Whether the client's field of this name is left out: True or False."""
    return ...


check("12-strip", drops, bobs)


# %% tags=["solution"]
def drops(name):
    return name.lower().replace("_", "-").startswith(("x-client-", "client-cert"))


check("12-strip", drops, bobs)

# %% [markdown]
# **4.** The server trusts the partner as well (`after`). Let alice in, today and with her next certificate for the same key. Keep
# the partner's alice out.

# %% tags=["exercise"]
my_pin = ...
check("12-pin", my_pin, after, issuing, alice, other_alice)

# %% tags=["solution"]
my_pin = [f"key:sha256:{Identity.of(alice.leaf).key_sha256}"]
check("12-pin", my_pin, after, issuing, alice, other_alice)

# %%
hint("12-guests"), hint("12-rules"), hint("12-strip"), hint("12-pin")

# %%
for running in (proxy, careful, guarded, pinned, naive, open_door, telling, office):
    running.close()
session.close()
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You read who a verified certificate names, and said which of its names is an identity: the one that its authority gives to
#   one client only.
# - You wrote rules that let in whom you meant, and told a 403 from a handshake that failed.
# - You spoofed an identity in a header field, and closed that hole: take off every spelling, add your own last, leave no way around.
#
# Next, in notebook 13: how do I run it for years?
