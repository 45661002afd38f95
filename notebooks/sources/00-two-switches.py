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
# # Who checks whom?
#
# By the end you can
#
# - say what it means that the client verifies the server, and that the server verifies the client;
# - predict who refuses whom for every position of these two switches;
# - read a picture of a handshake and find the message at which one side said no.
#
# **Minutes:** 15. **Before this:** nothing; you have met HTTP. Who wants to see afterwards what the course has changed begins
# with the first half of notebook 16, *What did you believe before?*
#
# Everything here is real: real certificates, real OpenSSL, real refusals. Nothing leaves this machine, the keys
# are thrown away with the kernel, and nothing on your system is changed. If a control panel below looks dead, run the
# notebook: *Run → Run All Cells*.

# %% [markdown]
# ## The cast
#
# [TLS](glossary.md#tls) is what makes HTTP into HTTPS. In it a server shows a [certificate](glossary.md#certificate), a
# signed statement of who it is. A client may have one, too. Both were issued by the same
# [authority](glossary.md#authority), whose own certificate, the [root](glossary.md#root), both ends trust. We make all
# of it here, in memory. (A word with a link stands in the glossary, with its other names.)

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Scenario, TwoSwitches, explain, rehearse, show, truth_table
from mtls_lab.exercises import check, hint, predict

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice = issuing.issue("alice", purpose="clientAuth")

# %% [markdown]
# An [**endpoint**](glossary.md#endpoint) is one end's settings: what it presents, what it trusts, and how it
# [verifies](glossary.md#verify) the other end. A [**scenario**](glossary.md#scenario) is a client, a server, and the
# name the client asks for.

# %%
client = Endpoint(presents=None, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=shop, trusts=(root.certificate,), verifies="none")
scenario = Scenario(client=client, server=server, server_name="localhost")

# %% [markdown]
# ## One switch on: the client verifies the server
#
# This is how every web page is fetched. The client checks who issued the server's certificate (the *chain*), and
# whether it is for the host that was asked for (the *name*). The server checks nothing: [one-way
# TLS](glossary.md#one-way-tls). `rehearse` runs the handshake and returns what both sides saw.

# %%
handshake = rehearse(scenario)
show(handshake)

# %% [markdown]
# Time runs downwards. The server's Certificate crosses the wire, and there is no message in which the server asks the
# client for one. A double line with a padlock is encrypted: in TLS 1.3 that is all that the server sends after its ServerHello.
#
# What if the client verifies, and an impostor answers? A stranger can make a certificate for the name `localhost`
# too. Who will refuse? Put your answer in place of the dots; then run the cell.

# %%
stranger = Authority.create("Stranger CA")
impostor = stranger.issue("localhost", purpose="serverAuth")
with_impostor = replace(scenario, server=replace(server, presents=impostor))

# %% tags=["exercise"]
predict(with_impostor, refused_by=...)

# %% tags=["solution"]
predict(with_impostor, refused_by="client")

# %%
show(rehearse(with_impostor))

# %% [markdown]
# The client stopped at the Certificate message and said why with an [**alert**](glossary.md#alert), `unknown_ca`. The
# server had no say.

# %% [markdown]
# ## Both switches off
#
# Now the client verifies nothing. People do this with `curl -k` or `verify=False` to make an error go away. The same
# impostor answers.

# %%
blind = replace(with_impostor, client=replace(client, verifies="none"))

# %% tags=["exercise"]
predict(blind, refused_by=...)

# %% tags=["solution"]
predict(blind, refused_by="neither")

# %% [markdown]
# Accepted. The connection is encrypted, and the client is talking to the impostor. Encryption without verification
# protects a conversation with an unknown person.

# %%
show(explain(rehearse(blind)))

# %% [markdown]
# ## The other switch: the server verifies the client
#
# A server can ask the client for a certificate as well, and refuse a client that has none. The client still verifies
# the server; both switches are on. That is [**mutual TLS**](glossary.md#mutual-tls). Our client has no certificate yet.

# %%
both_on = replace(scenario, server=replace(server, verifies="required"))

# %% tags=["exercise"]
predict(both_on, refused_by=...)

# %% tags=["solution"]
predict(both_on, refused_by="server")

# %%
show(rehearse(both_on))

# %% [markdown]
# Two messages are new: the server's CertificateRequest, and the client's answer, here an empty Certificate. Look at the
# left line: in TLS 1.3 the client had *completed* its handshake before the server judged. It learns of the refusal when it
# reads. Notebook 06 is about that trap.
#
# Give the client its certificate, and the same scenario passes.

# %%
mutual = replace(both_on, client=replace(client, presents=alice))
show(rehearse(mutual))

# %% [markdown]
# ## Two switches, independent of each other
#
# Does the server's check need the client's? Switch the client's off, and let the client come with the certificate of
# a stranger.

# %%
mallory = stranger.issue("mallory", purpose="clientAuth")
one_sided = replace(both_on, client=replace(client, presents=mallory, verifies="none"))

# %% tags=["exercise"]
predict(one_sided, refused_by=...)

# %% tags=["solution"]
predict(one_sided, refused_by="server")

# %% [markdown]
# The server refused, although the client would have talked to anyone. Neither switch moves the other.

# %% [markdown]
# ## Every position, measured
#
# The table runs a handshake for each cell: every level of the client, every level of the server, and a client that
# presents nothing, its own certificate, or a stranger's. A server's [level](glossary.md#level) is `none` (never asks),
# `optional` (asks, and takes nothing for an answer) or `required`. A client's level is `none`, `chain`, or `chain and
# name`.

# %%
measured = truth_table(client, server, client_presents={"nothing": None, "alice's": alice, "a stranger's": mallory})
measured

# %% [markdown]
# Read the row of the stranger's certificate: `optional` does not mean that a bad certificate is overlooked. It means
# that *no* certificate is fine.

# %% [markdown]
# ## Flip them yourself
#
# The panel runs a real handshake on every change. Move each switch, then let the server present something expired, or
# dial another name. With *program* you choose whether the handshake runs in memory or a real curl, requests or openssl
# calls a real proxy. Below the picture stands what you would type for exactly that state. With the keyboard: *Tab* goes from
# control to control, *Space* picks a position, letters pick from a list.

# %%
panel = TwoSwitches()
panel

# %% [markdown]
# The picture at the start, for those who read without running: the client verifies chain and name, the server verifies
# nobody.

# %%
show(panel.explanation)

# %% [markdown]
# ## Exercises
#
# **1.** Build a scenario in which the client verifies nothing and the server refuses it. `hint("00-one-sided")` helps,
# and `hint("00-one-sided", 2)` helps more.

# %% tags=["exercise"]
my_scenario = ...
check("00-one-sided", my_scenario)

# %% tags=["solution"]
my_scenario = replace(both_on, client=replace(client, verifies="none", presents=None))
check("00-one-sided", my_scenario)

# %% [markdown]
# **2.** Predict twelve cells. In the first six an honest server meets a client that presents nothing; in the other six
# an impostor meets alice. Each row holds three answers, for a server that verifies `none`, `optional`, `required`. Ten right
# ones will do.

# %% tags=["exercise"]
honest_server = {"none": (..., ..., ...), "chain and name": (..., ..., ...)}
with_an_impostor = {"none": (..., ..., ...), "chain and name": (..., ..., ...)}
check("00-table", honest_server, with_an_impostor)

# %% tags=["solution"]
honest_server = {
    "none": ("neither", "neither", "server"),
    "chain and name": ("neither", "neither", "server"),
}
with_an_impostor = {
    "none": ("neither", "neither", "neither"),
    "chain and name": ("client", "client", "client"),
}
check("00-table", honest_server, with_an_impostor)

# %%
hint("00-table")

# %% [markdown]
# ## What you can do now
#
# - You said what each switch means: the client verifies the server, the server verifies the client.
# - You predicted who refuses whom, and a handshake decided.
# - You read ladders and found the message at which one side said no.
#
# Next, in notebook 01: what is in a certificate, and what does it prove?
