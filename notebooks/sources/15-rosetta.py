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
# # Who says it how?
#
# By the end you can
#
# - recognise one refusal in the words of nine clients and five servers;
# - go from a message to the causes that it can have, and say what would decide between them;
# - tell from a line which end refused, and so whom to ask.
#
# **Minutes:** 20. **Before this:** notebooks 02, 07 and 08.

# %% [markdown]
# ## One fault
#
# A server's certificate expired yesterday. That is all that is wrong. Three programs meet it:
#
# - `curl`, a client;
# - `psql`, the client of PostgreSQL, which is told to verify the server's certificate and name;
# - a Go server that shows the certificate. You read its log after curl has called.

# %%
from collections import defaultdict

from mtls_lab import Proxy, get, show
from mtls_lab.clients.atlas import look_up
from mtls_lab.clients.rosetta import recorded
from mtls_lab.exercises import check, hint, predict
from mtls_lab.exercises.rosetta import FOUND, cases
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.views.case_file import case_file
from mtls_lab.views.rosetta import rosetta

# %% [markdown]
# One of the three names the reason. Which: `"curl"`, `"psql"` or `"a Go server"`?

# %% tags=["exercise"]
check("15-names-it", ...)

# %% tags=["solution"]
check("15-names-it", "curl")

# %% [markdown]
# First one program by hand: `requests`, against the lab's own server.

# %%
cast = Cast.gather()
with Proxy(EXHIBITS["expired"].stage(cast, "server")) as proxy:
    print(get(proxy))

# %% [markdown]
# ## The same in everybody's words
#
# The [**Rosetta table**](glossary.md#rosetta-table) has one fault in it, and what every program said about it, word for
# word, beside the lab's own explanation. `rosetta` takes the words from a recording that comes with the lab: you need
# none of the programs. Each row says which version spoke, and on which day.

# %% tags=["nbval-ignore-output"]
expired = rosetta("expired")
expired

# %% [markdown]
# Read it from top to bottom.
#
# - OpenSSL's words come through in curl, openssl, requests and Node. Chromium has a code for it, Java the names of its classes.
# - Go's words and Chromium's code cover both *too late* and *too early*. (Go adds the two times, which the recording replaces by
#   `TIME`.)
# - `psql` 15 says that verification failed, and nothing more.
# - The servers can only tell what reached them. OpenSSL's clients send the alert `certificate_expired`, Go's `bad_certificate`,
#   Java's `certificate_unknown`. Node hangs up, wget says goodbye. One event, five stories.
#
# Words change with versions. What happened does not:

# %%
show(expired.explanation)

# %% [markdown]
# Now a server whose root nobody knows. These are the clients alone, with what each says first.

# %% tags=["nbval-ignore-output"]
for speaker in rosetta("untrusted-root").clients:
    print(f"{speaker.name}\n    {speaker.says[0].words}")

# %% [markdown]
# Who reads Node's code looks for a bad signature. OpenSSL's *local issuer* is none that the server sends: it should be in the
# client's own trust file. All of them missed the same thing:

# %%
rosetta("untrusted-root").explanation.expected

# %% [markdown]
# ## The other side
#
# This time the client has no certificate, and the server requires one. Who refuses?

# %%
without = EXHIBITS["absent"].stage(cast, "client")

# %% tags=["exercise"]
predict(without, refused_by=...)

# %% tags=["solution"]
predict(without, refused_by="server")

# %% [markdown]
# So it is the server that knows why. What its clients read depends on which server it is: below, a client has a line for each
# server to which it said something else.

# %% tags=["nbval-ignore-output"]
absent = rosetta("absent", side="client")
absent

# %% [markdown]
# - OpenSSL's servers send the alert `certificate_required`, which TLS 1.3 has for just this.
# - Go 1.19's server sends `bad_certificate`, for a certificate that is not there.
# - nginx completes the handshake, and answers in HTTP: status 400, and a page that says why.
#
# TLS 1.2 has no alert of that name (RFC 8446 section 6.2 added it). What is sent instead?

# %%
{tls: rosetta("absent", side="client", tls=tls).explanation.alert for tls in ("TLSv1.2", "TLSv1.3")}

# %% [markdown]
# `handshake_failure`, which a client also gets when the two ends have no cipher in common.
#
# ## Live
#
# `live=True` plays the fault now, with every program that this machine has, and takes the others from the recording. That takes
# some seconds, up to half a minute on a busy machine. The certificate is good this time, but for another host.

# %% tags=["nbval-ignore-output"]
rosetta("wrong-host", live=True)

# %% [markdown]
# Rows without the word *recorded* were said on this machine a moment ago. Which clients give both names, the one that was dialled and
# the one in the certificate? They save you a call to `openssl x509`. And the servers hear nothing from curl, `psql` and wget, which
# look at the name only after the handshake.
#
# ## From the message to the cause
#
# At work you have it the other way round: a message, and no fault. Here is a line from the log of a Go client. What can it mean?

# %% tags=["nbval-ignore-output"]
for meaning in look_up("Get https://shop.example/: x509: certificate signed by unknown authority"):
    print(meaning, end="\n\n")

# %% [markdown]
# `look_up` compares the words with all that was recorded, and leaves out what varies: names, ports, times, paths. For
# each program it lists the causes that were measured behind these words, with their shares, and what would
# [**decide**](glossary.md#decide): the evidence that tells this cause from the others.
#
# The same words mean one thing from a client and another from a server. As a client, Go has refused a server. As a server, it has
# refused a client:

# %%
{(one.said_by, cause.refused_by) for one in look_up("certificate signed by unknown authority") for cause in one.causes}

# %% [markdown]
# A share counts measured faults. How often each is met in the world, nobody has counted. And where nobody was heard to say it:

# %%
look_up("the certificate is not to our liking")

# %% [markdown]
# ## One message, many causes; one cause, many messages
#
# How bad is it? Collect, from every refusal in the recording, the causes behind each client's words, and the words for each cause.
# (Where a server did not even start there is no client: its version is empty.)

# %%
behind, said = defaultdict(set), defaultdict(set)
for row in recorded():
    if not row.accepted and row.client.version:
        behind[row.client.name, row.client_words].add(row.fault)
        said[row.fault, row.side].add(row.client_words)

# %% [markdown]
# Guess for one program, say Go: how many causes hide behind the message that says least? Then look.

# %% tags=["nbval-ignore-output"]
for client in sorted({name for name, _ in behind}):
    words = max((words for name, words in behind if name == client), key=lambda one: len(behind[client, one]))
    print(f"{len(behind[client, words]):3} causes  {client}: {words.splitlines()[0][:80]}")

# %% [markdown]
# `HTTP 400` is nginx: one page for every client certificate that it dislikes. And the other way round, for three faults from above:

# %% tags=["nbval-ignore-output"]
ours = [("expired", "server"), ("untrusted-root", "server"), ("absent", "client")]
for fault, side in ours:
    print(f"{len(said[fault, side]):3} messages for {fault}, at the {side}")

# %% [markdown]
# The numbers change with every recording; these two sentences do not. Every client has a message with more than three causes behind
# it, and each of those faults has more than three messages:

# %%
clients = {name for name, _ in behind}
print(all(max(len(behind[key]) for key in behind if key[0] == client) > 3 for client in clients))
print(all(len(said[one]) > 3 for one in ours))

# %% [markdown]
# So a search for the words finds somebody with the same words, not somebody with the same fault.
#
# ## The panel, and the commands
#
# The panel goes both ways: pick a fault, or type a message. It runs no program. First, in a plain cell, what it will say to one
# message: who refused, and what decides, whether the certificate is too old or too young.

# %%
found = look_up("net::ERR_CERT_DATE_INVALID")[0]
{(cause.refused_by, cause.decides) for cause in found.causes if cause.slug in ("expired", "not-yet-valid")}

# %% tags=["nbval-ignore-output"]
from mtls_lab.views.rosetta_panel import RosettaPanel

panel = RosettaPanel()
panel.message = "net::ERR_CERT_DATE_INVALID"
panel

# %% [markdown]
# Type something from your own logs into it. Without a mouse: Tab goes from one control to the next, Enter looks up.
#
# In a terminal it is `mtls-lab explain --text "..."`. The next cell runs just that; the message may be whole lines of a log.

# %% tags=["nbval-ignore-output"]
# %run -m mtls_lab.cli explain --text "psql: error: connection to server failed: SSL error: certificate verify failed"

# %% [markdown]
# | command | what it does |
# |---|---|
# | `mtls-lab rosetta` | lists the faults |
# | `mtls-lab rosetta expired` | plays one with every program that is installed |
# | `mtls-lab rosetta expired --recorded` | shows the recording, runs nothing |
# | `mtls-lab explain --text "..."` | what a message can mean |
#
# Both take `--json`, and `mtls-lab rosetta --record` makes a new recording with the versions that you have.

# %% [markdown]
# ## Exercises
#
# **1.** Five lines. For each: which end refused, and so knows why? That is the one to ask. Write a list of five, each `"client"` or
# `"server"`.

# %%
print(*FOUND, sep="\n")

# %% tags=["exercise"]
my_ends = ...
check("15-who-knows", my_ends)

# %% tags=["solution"]
my_ends = ["client", "server", "client", "server", "client"]
check("15-who-knows", my_ends)

# %% [markdown]
# **2.** Three clients refused a server. For each case you have a line and, further down, the evidence. First the lines, and `slugs`,
# the causes that the words allow.

# %%
three = cases(cast)
print(*three, sep="\n")

# %% tags=["nbval-ignore-output"]
for one in three:
    print(f"{one.line.letter}: {', '.join(one.slugs)}")

# %%
from IPython.display import display

for one in three:
    display(case_file(one.handshake, title=f"{one.line.letter}. {one.line.where}"))

# %% tags=["exercise"]
my_causes = {"a": ..., "b": ..., "c": ...}
check("15-causes", my_causes, three)

# %% tags=["solution"]
my_causes = {"a": "same-name-other-key", "b": "not-yet-valid", "c": "email-only"}
check("15-causes", my_causes, three)

# %% [markdown]
# Case c is the cure in the note that this course grew from: an e-mail address in subjectAltName. A Go server's line does not tell it
# from the other causes.

# %%
hint("15-who-knows"), hint("15-causes")

# %% [markdown]
# ## What you can do now
#
# - You recognised one refusal in the words of many programs, beside the explanation that is the same for all of them.
# - You went from a message to its causes, and knew what would decide between them.
# - You told from a line which end had refused, and whom to ask.
#
# Next: the message that puzzles you at work. Look it up, ask the end that refused, and then let the evidence decide.
