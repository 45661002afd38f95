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
# # Why was I refused?
#
# By the end you can
#
# - say what one end alone can know about a refusal, which causes remain, and what would decide between them;
# - find the cause from evidence: who vouches, when, for whom, for what;
# - mend a refusal by changing one setting, and leave every check switched on.
#
# **Minutes:** 40. **Before this:** notebooks 02 and 04.

# %%
from collections import Counter, defaultdict
from dataclasses import replace

from mtls_lab import Proxy, curl, explain, rehearse, show
from mtls_lab.exercises import check, hint, predict
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import KINDS, tour, visit, words_at

# %% [markdown]
# ## A refusal
#
# Alice has a good certificate, and yesterday she got in. Overnight somebody changed the server's settings. The lab has
# such situations in stock. Each is called an [**exhibit**](glossary.md#exhibit), and `stage` sets it up for a cast: a
# root, an intermediate, a server, and alice as the client. The next cell takes one without saying its name.

# %%
cast = Cast.gather()
exhibit = EXHIBITS[KINDS["Who vouches for it?"][-1]]
this_morning = exhibit.stage(cast, "client", "TLSv1.3")

with Proxy(this_morning) as proxy:
    refused = curl(proxy, "/whoami")
print(refused)

# %% [markdown]
# `unknown ca`: so it is about her authority, or is it? Alice asks for a new certificate. Will that help?

# %%
renewed = replace(this_morning.client, presents=cast.issuing.issue("alice", purpose="clientAuth"))
with_a_new_one = replace(this_morning, client=renewed)

# %% tags=["exercise"]
predict(with_a_new_one, refused_by=...)

# %% tags=["solution"]
predict(with_a_new_one, refused_by="server")

# %% [markdown]
# It cannot help: her certificate is as good as it was. Here is the whole story, told by both sides.

# %%
handshake = rehearse(this_morning)
show(explain(handshake))

# %% [markdown]
# ## The same, as one end sees it
#
# Alice cannot read the server's trust file. She has her own certificate, the messages that crossed the wire, and an
# alert. `seen_by("client")` takes away what only the server knows. What is left are
# [**suspects**](glossary.md#suspect): causes that all the evidence she has leaves possible, the likeliest first, each
# with what would decide.

# %%
alone = explain(handshake.seen_by("client"))
print(alone.title, "-", alone.confidence)
for suspect in alone.suspects:
    print(f"\n{suspect.slug}: {suspect.title}\n  look at {suspect.decides}")

# %% [markdown]
# The first suspect is wrong here, and it says `possible`, not `certain`. The true one is among them. All five lie at the server,
# in what it trusts and in its lists: a new certificate from the same authority mends none of them. So alice writes to whoever
# runs the server: *what stands in your trust file?*
#
# The other way round it is the server who is in the dark. Now the server's certificate is for another host.

# %%
turned_away = visit("wrong-host", "server").handshake
for who, seen in {"client": turned_away.seen_by("client"), "server": turned_away.seen_by("server")}.items():
    told = explain(seen)
    print(f"the {who} reads {words_at(turned_away, who)!r}")
    print(f"  suspects: {len(told.suspects)}; the first: {told.cause}, {told.confidence}")

# %% [markdown]
# The end that refuses knows why. The other one gets a number on the wire. Whoever searches for an error message may well hold
# the wrong end's.
#
# ## How many causes hide behind one alert?
#
# Guess: for how many different [causes](glossary.md#cause) does a server of the gallery send `unknown_ca`?

# %% tags=["exercise"]
my_number = ...
check("08-how-many", my_number)

# %% tags=["solution"]
my_number = 11
check("08-how-many", my_number)

# %% [markdown]
# Count them. We play every exhibit in which a client is refused, and group the causes by what that client reads.

# %%
refusals = [one for one in tour(sides=("client",), cast=cast) if one.explanation.refused_by == "server"]
behind = defaultdict(Counter)
for one in refusals:
    behind[words_at(one.handshake, "client")][one.explanation.cause] += 1

for words, causes in sorted(behind.items(), key=lambda item: (-len(item[1]), item[0])):
    print(f"{len(causes):2}  {words}")
print("\nalert unknown ca:", *sorted(behind["alert unknown ca"]), sep="\n  ")

# %% [markdown]
# A root that is not trusted, a missing intermediate, a wrong trust file, a missing revocation list: one alert for all of them.
# These are OpenSSL's alerts. Others say less: Java sends `certificate_unknown` for nearly everything, and so does Go, as a client,
# with `bad_certificate`.
#
# What can one know from the message alone? Take the best rule there is: for each message always name the commonest cause. Compare
# it with what `explain` names first, from the client's evidence and then from that of both ends.

# %%
missed = [one.exhibit.slug for one in refusals if one.seen_by("client").cause != one.exhibit.cause]
print("refusals:                     ", len(refusals))
print("named from the message alone: ", sum(max(causes.values()) for causes in behind.values()))
print("named from the client's side: ", len(refusals) - len(missed))
print("named from both sides:        ", sum(one.explanation.cause == one.exhibit.cause for one in refusals))
print("missed by the client:         ", ", ".join(missed))

# %% [markdown]
# The client's side does so well since it holds the chain that was refused. What it misses lies in settings of the server that no
# client can see. (Each exhibit counts once here. In the world some causes are met far more often than others, and nobody has
# counted them: take the proportion, not the digits.)
#
# ## The gallery
#
# Every refusal answers one of ten questions. The order is a good one to ask them in.

# %%
for question, slugs in KINDS.items():
    print(f"{question}\n    {', '.join(slugs)}")

# %% [markdown]
# One exhibit by hand, before the panel. The intermediate has expired, not the leaf. First the evidence, without a verdict: it
# is what you would look up at both ends with `openssl x509 -text`.

# %%
from mtls_lab.views.case_file import case_file

expired = visit("expired-intermediate", "client", cast=cast)
for who in ("client", "server"):
    print(f"the {who} reads: {words_at(expired.handshake, who)}")
case_file(expired.handshake)

# %%
expired.explanation.title, expired.explanation.fixes[0].text

# %% [markdown]
# Neither message says *which* certificate. Whoever has the leaf renewed by the same intermediate is refused again.
#
# In the panel, pick an exhibit and guess who refuses; only then the rest is uncovered. Look at it as each end alone, at the
# evidence, and from both sides. Without a mouse: Tab goes from one control to the next, Space chooses.

# %%
from mtls_lab.views.gallery import Gallery

Gallery()

# %% [markdown]
# ## A blind quiz
#
# You are the client. Six refusals, and for each you have the message, nothing else. All four causes below it would
# show you just these words. Guess.

# %%
from mtls_lab.exercises.quiz import quiz

questions = quiz(5280)
questions

# %% tags=["exercise"]
my_guess = "......"
questions.score(my_guess)

# %% tags=["solution"]
my_guess = "aabbcb"
questions.score(my_guess)

# %% [markdown]
# Nobody can do better than chance at this, which is one in four. Now the same six with their evidence. What is missing, out of
# time, for somebody else, or not allowed?

# %%
from IPython.display import display

for one in questions:
    display(case_file(one.handshake, title=f"{one.number}. {one.words}"))

# %% tags=["exercise"]
my_answers = "......"
check("08-evidence", my_answers, questions)

# %% tags=["solution"]
my_answers = "cdbccd"
check("08-evidence", my_answers, questions)

# %% [markdown]
# Another seed gives other questions: `quiz(1)`.
#
# ## Two things wrong at once
#
# A verifier stops at the first thing that it dislikes. This server's certificate has expired, and the client dials a name that
# is not in it. One of the two is in the client's message.

# %%
both_wrong = replace(visit("expired", "server", cast=cast).handshake.scenario, server_name="shop.example")
one_mended = replace(both_wrong, server_name="localhost")
told = explain(rehearse(both_wrong))
told.cause, told.also

# %% [markdown]
# `also` is the next refusal, found by path validation before anyone runs into it. In `one_mended` only the name is mended. Who
# refuses?

# %% tags=["exercise"]
predict(one_mended, refused_by=...)

# %% tags=["solution"]
predict(one_mended, refused_by="client")

# %% [markdown]
# ## When nobody is refused
#
# The worst failures show no message. In each of these four the client got in. In `b` its certificate had just been
# [**revoked**](glossary.md#revoke): the authority took it back, and the server has the list that says so.

# %%
from mtls_lab.handshake.rehearse import rehearse_resumed

revoked = EXHIBITS["revoked"].stage(cast, "client")
before, after = rehearse_resumed(cast.scenario(), revoked)
not_asked, too_many = (
    visit(slug, "client", cast=cast).handshake for slug in ("client-not-asked", "extra-certificates")
)
accepted = {"a": before, "b": after, "c": not_asked, "d": too_many}
[one.accepted for one in accepted.values()]

# %% [markdown]
# In which of them did the server judge a certificate of the client? Answer with letters, such as `"abc"`.

# %% tags=["exercise"]
my_letters = ...
check("08-silent", my_letters, accepted)

# %% tags=["solution"]
my_letters = "ad"
check("08-silent", my_letters, accepted)

# %%
for letter, one in accepted.items():
    print(letter, explain(one).cause.ljust(20), explain(one).title)
print("\nrevoked, in a full handshake:", explain(rehearse(revoked)).cause)

# %% [markdown]
# A [**resumed**](glossary.md#resume) session goes on with the keys of an earlier one (RFC 8446 section 2.2), and nobody
# sends a certificate again. The revocation list stops only full handshakes. Notebook 13 comes back to that.
#
# ## Only a message in hand?
#
# At work there is often a line in a log and nothing else. `mtls-lab explain --text "..."` lists what it can mean, by the program
# that says it, as it was measured. It gives shares, and no verdict. In Python, for one of the programs that say this (the shares
# change when somebody measures again):

# %% tags=["nbval-ignore-output"]
from mtls_lab.clients.atlas import look_up

meaning = look_up("curl: (60) SSL certificate problem: unable to get local issuer certificate")[0]
for one in meaning.causes:
    print(f"{one.share:.0%}  {one.slug}: look at {one.decides}")

# %% [markdown]
# With more in hand, ask for more: `mtls-lab explain --files CERT KEY CACERT` checks files, and `mtls-lab explain https://host:port`
# asks an endpoint as a careful client would.
#
# ## Exercise: mend it
#
# Change one setting in each of these so that the handshake is accepted. No check may be switched off. Then add one of your own
# choice from the gallery, under the letter `d`, to both.

# %%
broken = {
    "a": EXHIBITS["incomplete-chain"].stage(cast, "client"),
    "b": EXHIBITS["wrong-ip"].stage(cast, "server"),
    "c": EXHIBITS["leaf-as-anchor"].stage(cast, "client"),
}
{letter: explain(rehearse(one)).expected for letter, one in broken.items()}

# %% tags=["exercise"]
mended = {"a": ..., "b": ..., "c": ...}
check("08-mend", mended, broken)

# %% tags=["solution"]
a, b, c = broken.values()
mended = {
    "a": replace(a, client=replace(a.client, presents=cast.client)),
    "b": replace(b, server_name="localhost"),
    "c": replace(c, server=replace(c.server, trusts=(cast.root.certificate,))),
}
check("08-mend", mended, broken)

# %%
hint("08-mend"), hint("08-evidence")

# %% [markdown]
# ## What you can do now
#
# - You told what one end alone can know: its suspects, and what would decide between them.
# - You found causes from evidence where the message was the same for four of them.
# - You mended refusals by changing one setting, with every check left on.
#
# Next, in notebook 09: how are chains built?
