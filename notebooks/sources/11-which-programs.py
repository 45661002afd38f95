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
# # Which programs speak it?
#
# By the end you can
#
# - call a mutual TLS endpoint from eleven programs, each with a recipe that you can paste;
# - hand each of them the credential in a form that it reads: PEM, DER or PKCS#12;
# - write one policy in the words of six servers, and say what a refused client sees of each.
#
# **Minutes:** 40. **Before this:** notebook 04, *How does the server verify the client?*

# %% [markdown]
# ## One endpoint
#
# Everything in this notebook talks to one server, and one policy: who calls must show a certificate of one authority. alice has one.

# %%
import sys
from dataclasses import replace
from tempfile import TemporaryDirectory

from mtls_lab import Authority, Endpoint, Proxy, Scenario, explain, rehearse, show
from mtls_lab.clients.recipes import PASSWORD, POLICIES, RECIPES
from mtls_lab.exercises import check, hint, predict
from mtls_lab.views.programs import same_policy, who_gets_in

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
service = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice = issuing.issue("alice", purpose="clientAuth")
client = Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=service, trusts=(root.certificate,), verifies="required")
scenario = Scenario(client=client, server=server)
proxy = Proxy(scenario)

# %% [markdown]
# First by hand. Python needs nothing but its own library: this is what you save, and the line that you type.

# %%
by_hand = RECIPES["urllib"].for_target(proxy)
by_hand

# %% [markdown]
# `PORT` stands for the proxy's port, which is another one on each run. `write` puts all of it into a folder with the real one: the
# program, `root.pem`, `alice.pem` (her certificate and, below it, her authority's) and `alice-key.pem`. Then you type the line there.

# %%
folder = TemporaryDirectory()
(line,) = by_hand.write(folder.name)
program = line.replace("python", f'"{sys.executable}"', 1)
# !cd "{folder.name}" && {program}

# %% [markdown]
# The server's answer says who it took you for. It knows from the handshake:

# %%
proxy.handshakes[-1].client_chain[0].subject

# %% [markdown]
# Three things are the same in all that follows: whom the client trusts, what it presents, and the name that it dials. Only the words
# differ. `requests` has arguments of its own for them:

# %%
RECIPES["requests"].for_target(proxy)

# %% [markdown]
# And one line is enough for `curl`:

# %%
RECIPES["curl"].for_target(proxy)

# %% [markdown]
# `httpx` and `aiohttp` take an `ssl.SSLContext`, as `urllib` does. They are optional: `pip install 'mtls-lab[clients]'`.
#
# ## Eleven programs
#
# The others are Go, Node, Java, `wget`, `psql` (at a PostgreSQL server with the same files) and a browser, Chromium. All of them present
# alice's credential, and trust the root. One of the eleven is refused at this endpoint. Which?

# %%
print(*RECIPES, sep=", ")

# %% tags=["exercise"]
check("11-odd-one", ...)

# %% tags=["solution"]
check("11-odd-one", "Chromium")

# %% [markdown]
# The next cell runs the recipes, each as it is shown, with every program that this machine has. That takes some seconds, most of them
# Java's and the browser's. What is not installed stands there with the day on which it was recorded.

# %% tags=["nbval-ignore-output"]
everybody = who_gets_in(proxy)
everybody

# %% [markdown]
# Versions and words differ between machines. What became of each does not:

# %%
everybody.verdicts

# %% [markdown]
# ## The browser
#
# The other ten read files that you name. A browser has a store of its own, and everything is imported into it first:

# %%
RECIPES["Chromium"].for_target(proxy)

# %% [markdown]
# - `certutil -A -t C,,` adds the root as an authority that may vouch for servers.
# - `pk12util -i` imports alice's key and chain from one file in [**PKCS#12**](glossary.md#pkcs12), the form in which browsers take a
#   credential. In Chromium's settings the same is done under *Manage certificates*.
# - Then you open the page, the server asks for a certificate, and the browser asks you which: its
#   [**certificate chooser**](glossary.md#certificate-chooser) lists those that it owns, and waits.
#
# In the run above nobody clicks, so a setting of the profile chooses. Its HOME is a private folder: your own store is untouched.
#
# So why was it refused? Chromium had the whole chain in its store, and to this server it sent the leaf alone. That can be rehearsed
# without a browser. Who refuses?

# %%
alone = replace(scenario, client=replace(client, presents=replace(alice, chain=alice.chain[:1])))

# %% tags=["exercise"]
predict(alone, refused_by=...)

# %% tags=["solution"]
predict(alone, refused_by="server")

# %%
show(explain(rehearse(alone)))

# %% [markdown]
# A server may name the authorities that it wants, in its CertificateRequest. From such a name Chromium finds the way down to alice, and
# sends what lies between. Python's `ssl` cannot name any, so our proxy does not; nginx does. What always helps is a server that has the
# intermediate among its own files:

# %%
knowing = replace(scenario, server=replace(server, trusts=(root.certificate, issuing.certificate)))
with Proxy(knowing) as other:
    print(who_gets_in(other, "Chromium").verdicts)

# %% [markdown]
# ## Four forms of one credential
#
# alice's key and chain can lie in files in several forms. PEM is text between two lines of dashes. [**DER**](glossary.md#der) is the
# bytes below that, without the text. PKCS#12 is one encrypted file for both. Which program reads which?

# %%
for name, recipe in RECIPES.items():
    print(f"{name:9} {', '.join(recipe.forms)}")

# %% [markdown]
# The package's tests run each of these. *One PEM* is chain and key in one file, *DER key* the chain in PEM and the key in DER. The form only
# changes a few words of a recipe:

# %%
print(RECIPES["curl"].taking("PKCS#12").for_target(proxy), end="\n\n")
print(RECIPES["psql"].taking("DER key").for_target(proxy))

# %% [markdown]
# A credential writes itself as PKCS#12. What is in there?

# %%
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

p12 = alice.write_pkcs12(folder.name, password=PASSWORD, overwrite=True)
found = pkcs12.load_pkcs12(p12.read_bytes(), PASSWORD.encode())
for one in [found.cert, *found.additional_certs]:
    print(one.certificate.subject.rfc4514_string())

# %% [markdown]
# The key is in there too, as `found.key`. Java takes such a file, and no PEM key. Its recipe is the longest:

# %%
RECIPES["Java"].for_target(proxy)

# %% [markdown]
# The recipes that you have not seen yet are `RECIPES["Go"]`, `["Node"]`, `["wget"]`, `["httpx"]` and `["aiohttp"]`.
#
# ## One policy, six servers
#
# Now the other end. Required, and one authority: so it reads in nginx. (`ssl_verify_client` means *server verifies client*.)

# %%
POLICIES["nginx"]

# %% [markdown]
# Two things to say: that a certificate is asked for, with no way around, and whose is believed. Every server has a word for each:

# %%
for name, policy in POLICIES.items():
    print(f"{name:11}", *(" ".join(words.split()) for words in policy.asks), sep="\n    ")

# %% [markdown]
# PostgreSQL's `cert` says both that a certificate is needed and that its common name must be the database user. `--client-ca` of our own
# proxy implies that one is required.
#
# Three clients call each of them: alice, nobody (who has no certificate), and mallory with one of a stranger's authority. Some servers
# refuse in the handshake. Others finish it, and then say no in their own protocol. Which do so with nobody? Give a set of names.

# %% tags=["exercise"]
check("11-after-tls", ...)

# %% tags=["solution"]
check("11-after-tls", {"nginx", "PostgreSQL"})

# %% tags=["nbval-ignore-output"]
servers = same_policy(scenario)
servers

# %%
for name, (alice_met, nobody_met, mallory_met) in servers.verdicts.items():
    print(f"{name:11} alice {alice_met}, nobody {nobody_met}, mallory {mallory_met}")

# %% [markdown]
# - alice gets in everywhere, and mallory nowhere. It is one policy.
# - nginx accepts everybody's handshake, and keeps its verdict for HTTP: status 400, and a page that says why. PostgreSQL verifies what it
#   is shown in the handshake, so mallory ends there; whether one is *needed* it knows only when it has read user and database.
# - A client that is refused in TLS 1.3 has finished its own handshake by then, and learns it from an alert, at its first read. Servers
#   that close at once may lose that alert on the way: then the words above are `EOF` or *connection reset* instead of a reason. Which
#   it is differs from run to run. Notebook 06 is about that.
#
# The configuration of the others, as it was run. HAProxy wants chain and key in one file:

# %%
POLICIES["HAProxy"]

# %% [markdown]
# Envoy spells out a filter chain. Its TLS part is the `DownstreamTlsContext`:

# %%
POLICIES["Envoy"]

# %% [markdown]
# In Go the policy is two fields of `tls.Config`, and ours is one line for a terminal:

# %%
print(POLICIES["Go"], POLICIES["mtls-lab"], sep="\n\n")

# %% [markdown]
# ## Exercises
#
# **1.** The credential lies there in four forms: `"PEM pair"`, `"one PEM"`, `"PKCS#12"`, `"DER key"`. Give each program one that it
# reads, and use each form once.

# %% tags=["exercise"]
my_files = {"requests": ..., "HAProxy": ..., "Java": ..., "psql": ...}
check("11-files", my_files)

# %% tags=["solution"]
my_files = {"requests": "PEM pair", "HAProxy": "one PEM", "Java": "PKCS#12", "psql": "DER key"}
check("11-files", my_files)

# %% [markdown]
# **2.** You were sent a `.p12` and its password, and your script uses `requests`, which reads PEM. Write the function that unpacks it into
# `folder`, and returns the paths of chain and key. The check calls a server with what comes out, as somebody else than alice.


# %% tags=["exercise"]
def unpack(p12, password, folder):
    return folder / "chain.pem", folder / "key.pem"


check("11-p12", ...)  # put your function here


# %% tags=["solution"]
def unpack(p12, password, folder):
    found = pkcs12.load_pkcs12(p12, password.encode())
    chain, key = folder / "chain.pem", folder / "key.pem"
    certificates = [one.certificate for one in (found.cert, *found.additional_certs)]
    chain.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    key.touch(mode=0o600)
    key.write_bytes(found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key


check("11-p12", unpack)

# %% [markdown]
# **3.** Somebody took two lines out of nginx's configuration, and now it lets in everybody. Write them, as text. The check starts nginx
# with your lines and lets the three call. (Where nginx is not installed it reads them, and says so.)

# %% tags=["exercise", "nbval-ignore-output"]
answer = check("11-nginx", ...)  # put your lines here
answer

# %% tags=["solution", "nbval-ignore-output"]
answer = check("11-nginx", """ssl_client_certificate root.pem; ssl_verify_client on;""")
answer

# %%
answer.state

# %%
hint("11-odd-one"), hint("11-after-tls"), hint("11-files"), hint("11-p12"), hint("11-nginx")

# %% [markdown]
# ## What you can do now
#
# - You called one endpoint from eleven programs, and have a recipe for each.
# - You know which of them reads PEM, DER or PKCS#12, and made one form out of another.
# - You wrote one policy in the words of six servers, and saw what a refused client sees of each.
#
# Next: the server now knows *who* calls. What they may do is another question: notebook 12, *Who is the client, and may it?*
