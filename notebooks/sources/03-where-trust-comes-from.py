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
# # Where does trust come from?
#
# By the end you can
#
# - find out which trust file a client opened, with `strace` or without;
# - say what `--cacert` replaces in curl and what it leaves on;
# - say what wins in requests when a variable, a Session and `verify=` disagree, and which program heeds which variable.
#
# **Minutes:** 35. **Before this:** notebook 02.

# %%
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, get
from mtls_lab.clients.trust import (
    Setting, completed, decides, hashed_directory, heeded, opened, precedence, recorded,
)  # fmt: skip
from mtls_lab.exercises import check, hint

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
proxy = Proxy(Scenario(client=client, server=Endpoint(presents=shop, verifies="none")))
url = f"https://localhost:{proxy.port}/whoami"

# %% [markdown]
# Two files to work with: our root, and a stranger's, who has signed nothing here.

# %%
stranger = Authority.create("Stranger CA")
temporary = TemporaryDirectory()
folder = Path(temporary.name)
for name, authority in {"root.pem": root, "stranger.pem": stranger}.items():
    (folder / name).write_bytes(authority.certificate.pem)

# %% [markdown]
# ## When nobody says `--cacert`
#
# A certificate that a client believes without asking anybody further is a [**trust anchor**](glossary.md#trust-anchor). In notebook 02
# you named it. This time the line names none, and no variable is set.

# %%
says_nothing = replace(client, trusts=())
print(curl(proxy, client=says_nothing, environment={}))

# %% [markdown]
# Refused, so curl had anchors from somewhere, and ours was not among them. From where? `strace` prints what a program asks the
# system for. (Linux only. If it is not installed, or not allowed here, go on: the cell after does without.)

# %% tags=["nbval-ignore-output"]
# !env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR LC_ALL=C strace curl -sS {url} 2>&1 | grep open | grep -v -e '\.so' -e curlrc

# %% [markdown]
# Among the settings files stands one with authorities. `opened` runs the same line and picks it out. Without strace it asks curl
# itself (`curl -v`), and says so.

# %% tags=["nbval-ignore-output"]
opened(f"curl -sS {url}")

# %% [markdown]
# On Debian you see two places: a file, and a directory. The [**CAfile**](glossary.md#cafile) holds all anchors one below the other, and is read whole. In
# the [**CApath**](glossary.md#capath) each anchor has its own file, named by a hash of its subject, and curl asks for one name at a time. `grep open`
# misses that: a name that is not there is never opened.
#
# ## What `--cacert` replaces

# %%
seen = opened(f"curl -sS --cacert root.pem {url}", folder=folder)
print(seen.files, "accepted" if seen.accepted else "refused")

# %% [markdown]
# One file, the one that you named: the system's is not read any more. And the directory?

# %% tags=["nbval-ignore-output"]
seen

# %% [markdown]
# Where curl was built with a CApath, as on Debian, it is still searched. So an authority that somebody put there would be admitted next
# to yours. Nobody should put a test authority into the system's directory, so `ours` stands in for it: a directory with our
# root, named by `--capath`, while `--cacert` names the stranger.

# %%
hashed_directory(folder / "ours", (root.certificate,))
(folder / "empty").mkdir()

# %% tags=["exercise"]
check("03-still-admitted", ...)

# %% tags=["solution"]
check("03-still-admitted", "accepted")

# %%
for options in ("--cacert stranger.pem --capath ours", "--cacert stranger.pem --capath empty"):
    print(f"{options:<38}", "accepted" if opened(f"curl -sS {options} {url}", folder=folder).accepted else "refused")

# %% [markdown]
# Two places, and either admits. The second line closes the directory: an empty one holds nobody. The same in a `.curlrc`, where
# it is easily forgotten. Nothing on this line speaks of a directory:

# %%
(folder / ".curlrc").write_text('capath = "ours"\n')
for options in ("--cacert stranger.pem", "--cacert stranger.pem --capath empty"):
    called = opened(f"curl -sS {options} {url}", folder=folder, environment={"HOME": str(folder)})
    print(f"{options:<38}", "accepted" if called.accepted else "refused")

# %% [markdown]
# ## Python has two answers
#
# Python's own `urllib` asks OpenSSL where the system keeps its anchors. `requests` does not.

# %% tags=["nbval-ignore-output"]
for library in ("urllib.request as lib; lib.urlopen", "requests as lib; lib.get"):
    print(opened(["python", "-c", f"import {library}('{url}')"]), end="\n\n")

# %% [markdown]
# requests brings its file along, in the package `certifi`. The system's file comes with the system. Two lists, and whoever looks
# after one of them need not look after the other. How many roots does each hold here?

# %% tags=["nbval-ignore-output"]
import certifi
import ssl

places = {"certifi": certifi.where(), "system": ssl.get_default_verify_paths().cafile}
{owner: Path(place).read_bytes().count(b"BEGIN CERT") for owner, place in places.items() if place}

# %%
from mtls_lab.certificates import Certificate

brought_along = Certificate.from_pem(Path(certifi.where()).read_bytes())
len(brought_along) > 50, root.certificate in brought_along, stranger.certificate in brought_along

# %% [markdown]
# Ours is not among them. So requests refuses, until somebody says otherwise.
#
# ## Variables: somebody else says it
#
# `CURL_CA_BUNDLE` was made for curl. requests reads it too:

# %%
print(get(proxy, client=says_nothing, environment={"CURL_CA_BUNDLE": (root.certificate,)}))

# %% [markdown]
# And if `REQUESTS_CA_BUNDLE` says something else?

# %%
both = {"CURL_CA_BUNDLE": (root.certificate,), "REQUESTS_CA_BUNDLE": (stranger.certificate,)}
print(get(proxy, client=says_nothing, environment=both))

# %% [markdown]
# The second is only asked when the first is not set. To find such an order you need no source code. Put the right
# anchor into one file and a stranger into all others: whoever accepts has used that one. That is a
# [**poisoned bundle**](glossary.md#poisoned-bundle), and `decides` plays every position.

# %%
decides(proxy, Setting(variables=("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"))).by

# %% [markdown]
# Now the code has an opinion as well: `session.verify = "a.pem"`, and `REQUESTS_CA_BUNDLE=b.pem` is set. Which file counts?

# %% tags=["exercise"]
check("03-outranks", ...)

# %% tags=["solution"]
check("03-outranks", "REQUESTS_CA_BUNDLE")

# %% [markdown]
# ## The whole grid
#
# Every combination, each measured now. `verify=` is the argument of one call, `Session.verify` the attribute.

# %%
from mtls_lab.views.trust import heeded_table, precedence_table

grid = precedence(proxy)
precedence_table(grid)

# %% [markdown]
# Read it by its surprises.
#
# - Only a file or `False` in the call itself (second and fourth column) is safe from variables.
# - `verify=True` is no protection: the variable still counts. And it throws away what the Session was told.
# - `Session.verify = False` with a variable set verifies again. Without one, it verifies nobody.
# - `SSL_CERT_FILE` and `SSL_CERT_DIR` change nothing here.
# - `trust_env=False` makes the Session deaf to the environment.

# %%
deaf = [one for one in grid if not one.setting.trust_env]
{one.by for one in deaf}

# %% [markdown]
# ## Which program heeds which variable?
#
# The same method for the programs of this machine. What is marked *recorded* was asked on another one.

# %% tags=["nbval-ignore-output"]
heeded_table(completed(heeded(proxy, ("curl", "openssl s_client", "wget"))))

# %% [markdown]
# Turned round, from the recording: who heeds each variable?

# %%
from mtls_lab.clients.trust import VARIABLES

for variable in VARIABLES:
    print(f"{variable:<20}", ", ".join(one.program for one in recorded() if variable in one.heeds))

# %% [markdown]
# - `SSL_CERT_FILE` is OpenSSL's. Go and libpq's `sslrootcert=system` (libpq 16 and later) look at it as well.
# - `CURL_CA_BUNDLE` moves requests too, `REQUESTS_CA_BUNDLE` moves nobody else.
# - wget and Java stand nowhere.
#
# No variable reaches them all. An image in which *the CA is installed* has installed it for some of its programs.
#
# ## Your machine
#
# And at your own prompt, with the variables that are set there? `trust_here()` lets every client on this machine call a server that
# nobody trusts, and tells where each of them looked. Here for two; leave the names out for all.

# %% tags=["nbval-ignore-output"]
from mtls_lab.views.trust_here import trust_here

trust_here(("curl", "requests"))

# %% [markdown]
# ## Exercises
#
# **1.** *The detective.* Four calls, in each of them several files. Which file decided? Put its name in place of the dots.

# %%
from mtls_lab.exercises.learner import seed
from mtls_lab.exercises.trust_store import cases

suspects = cases(seed())
print(*suspects, sep="\n")

# %% tags=["exercise"]
check("03-detective", {1: ..., 2: ..., 3: ..., 4: ...}, suspects)

# %% tags=["solution"]
check("03-detective", {one.number: one.decided(proxy) for one in suspects}, suspects)

# %% [markdown]
# **2.** A colleague's profile sets `REQUESTS_CA_BUNDLE` to a stranger's file. Make the call work all the same, without changing
# the environment and with the verification on.

# %% tags=["exercise"]
import requests


def mended(url, root):
    return ...


check("03-hostile", mended)

# %% tags=["solution"]
import requests


def mended(url, root):
    return requests.get(url, verify=root)


check("03-hostile", mended)

# %% [markdown]
# **3.** Make curl trust `root.pem` and nobody else. A `.curlrc` sets a CApath, which holds another authority. In your folder lie
# `root.pem` and a directory `empty`.

# %% tags=["exercise"]
options = ...
check("03-one-authority", options)

# %% tags=["solution"]
options = "--cacert root.pem --capath empty"
check("03-one-authority", options)

# %%
hint("03-detective"), hint("03-hostile"), hint("03-one-authority")

# %%
proxy.close()
temporary.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You found the file that a client opened, with `strace` or in its own words.
# - You saw that `--cacert` replaces the CAfile, and that a CApath stays on until you close it.
# - You measured what wins in requests, and which program heeds which variable, with poisoned bundles.
#
# Next, in notebook 04: how does the server verify the client? It has the same question to answer, and no system store to fall back
# on.
