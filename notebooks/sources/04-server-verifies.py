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
# # How does the server verify the client?
#
# By the end you can
#
# - set up mutual TLS, and tell it from one-way TLS with a certificate that nobody asked for;
# - find the message that decides: CertificateRequest;
# - let alice in, and keep mallory and the nameless out.
#
# **Minutes:** 30. **Before this:** notebook 02, *How does the client verify the server?*

# %% [markdown]
# ## The note's command line
#
# This course grew from a note about mutual TLS. Its example passes a client certificate to curl, gets its answer, and calls
# that mutual TLS:
#
# ```
# $ ssl-proxy -cert sscg/service.pem -key sscg/service-key.pem -from 0.0.0.0:7853 -to 127.0.0.1:3000
# $ curl https://localhost:7853/print -d "foo" --key service-key.pem --cert service.pem --cacert ca.crt
# foo
# ```
#
# We do the same with our own proxy: one service certificate, shown by the server, and by the client as well.

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, explain, get, rehearse, s_client, show
from mtls_lab.exercises import check, hint, predict

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
service = issuing.issue("localhost", purpose="serverAuth")

client = Endpoint(presents=service, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=service, trusts=(root.certificate,), verifies="none")
note = Scenario(client=client, server=server)

# %% [markdown]
# Like the note's server, ours prints what is posted to `/print` and sends it back. Before you run it: was anyone but the
# server verified?

# %%
proxy = Proxy(note)
answer = curl(proxy, "/print", data=b"foo")
print(answer)

# %%
answer.body

# %% [markdown]
# The answer came. Was it mutual? Ask the server who called: `/whoami` answers with the identity that the proxy verified.

# %%
curl(proxy, "/whoami").body

# %% [markdown]
# Nobody. Look for the message with which a server asks, the [**CertificateRequest**](glossary.md#certificaterequest).

# %%
show(answer.handshake)

# %% [markdown]
# It is not there, so the certificate that we gave to curl never left. `--cert` lets curl *answer* the question; it cannot
# make the server ask it. A success tells you nothing. With a real curl, look for `Request CERT (13)` in the output of `curl -v`.
#
# So any certificate would do, a stranger's too. Who will refuse mallory?

# %%
mallory = Authority.create("Stranger CA").issue("mallory", purpose="clientAuth")
with_mallory = replace(note, client=replace(client, presents=mallory))

# %% tags=["exercise"]
predict(with_mallory, refused_by=...)

# %% tags=["solution"]
predict(with_mallory, refused_by="neither")

# %% [markdown]
# ## A server that asks
#
# One setting makes it mutual: the server *requires* a certificate from an authority that it trusts. In nginx that is
# `ssl_verify_client on` (which means *server verifies client*), in Go `RequireAndVerifyClientCert`. The proxy takes the new
# scenario without a restart.

# %%
asking = replace(note, server=replace(server, verifies="required"))
proxy.switch(asking)
refused = curl(proxy, "/print", data=b"foo")
print(refused)

# %% [markdown]
# Now the note's own command line is refused. Why?

# %%
show(refused.handshake)

# %% [markdown]
# The certificate did arrive this time, and it is a server's: its only [**purpose**](glossary.md#purpose) is serverAuth.
# A client needs one for clientAuth. The alert `unsupported_certificate` is all that curl gets to hear.

# %%
alice = issuing.issue("alice", purpose="clientAuth")
mutual = replace(asking, client=replace(client, presents=alice))
proxy.switch(mutual)
accepted = curl(proxy, "/whoami")
print(accepted)

# %%
accepted.body

# %% [markdown]
# [**Mutual TLS**](glossary.md#mutual-tls): the server knows who called. The ladder has two new messages from the
# client, its Certificate and a CertificateVerify. The key never travels. What travels is a signature over this very
# handshake, which only the owner of the key can make.

# %%
show(accepted.handshake)

# %% [markdown]
# ## Three clients that do not get in
#
# Alice is in. Now nobody, a stranger, and alice without the intermediate of her chain.

# %%
nobody = replace(mutual, client=replace(client, presents=None))
predict(nobody, refused_by="server")

# %%
stranger = replace(mutual, client=replace(client, presents=mallory))
show(explain(rehearse(stranger)))

# %%
chainless = replace(mutual, client=replace(client, presents=replace(alice, chain=alice.chain[:1])))
show(explain(rehearse(chainless)))

# %% [markdown]
# The last two put the same alert on the wire, `unknown_ca`. From the client's side they look alike, and both texts sound
# as if the *server* had a problem. Only the server knows which it was; the table of evidence above sees both sides.
#
# Back to the client without a certificate. Would it get in if it stopped verifying the server, with `-k`?

# %%
with_k = replace(nobody, client=replace(nobody.client, verifies="none"))

# %% tags=["exercise"]
predict(with_k, refused_by=...)

# %% tags=["solution"]
predict(with_k, refused_by="server")

# %% [markdown]
# ## Other programs, same proxy
#
# The server does not care which program calls. Here are requests and openssl, with what you would type.

# %%
print(get(proxy, "/whoami"))

# %%
print(s_client(proxy, "/whoami"))

# %% [markdown]
# ## Optional
#
# At the level `optional` the server asks, and takes an empty answer. That is for services which serve some pages to
# anybody. It is not a way to ignore bad certificates.

# %%
optional = replace(nobody, server=replace(server, verifies="optional"))
show(explain(rehearse(optional)))

# %%
optional_stranger = replace(stranger, server=replace(server, verifies="optional"))

# %% tags=["exercise"]
predict(optional_stranger, refused_by=...)

# %% tags=["solution"]
predict(optional_stranger, refused_by="server")

# %% [markdown]
# ## Exercises
#
# **1.** Write the guest list: alice gets in, mallory and the nameless do not.

# %% tags=["exercise"]
my_server = ...
check("04-guest-list", my_server, alice, mallory)

# %% tags=["solution"]
my_server = Endpoint(presents=service, trusts=(root.certificate,), verifies="required")
check("04-guest-list", my_server, alice, mallory)

# %% [markdown]
# **2.** Dead weight. In each of these calls the client was given alice's certificate. In which of them did it never leave
# the client? Answer with a set of letters.

# %%
calls = {
    "a": mutual,
    "b": replace(mutual, server=replace(server, verifies="none")),
    "c": replace(mutual, server=replace(server, verifies="optional")),
    "d": replace(mutual, server=replace(server, verifies="none", trusts=())),
    "e": replace(mutual, server=replace(server, verifies="required", trusts=())),
}

# %% tags=["exercise"]
my_letters = ...
check("04-dead-weight", my_letters, calls)

# %% tags=["solution"]
my_letters = {"b", "d"}
check("04-dead-weight", my_letters, calls)

# %%
hint("04-guest-list"), hint("04-dead-weight")

# %%
proxy.close()

# %% [markdown]
# ## What you can do now
#
# - You set up mutual TLS, and saw that the note's command line was one-way TLS with a certificate that nobody asked for.
# - You found the message that decides: CertificateRequest.
# - You let alice in, and kept mallory and the nameless out.
#
# Next, in notebook 05: what crosses the wire, message by message?
