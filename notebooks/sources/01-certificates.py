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
# # What does a certificate prove?
#
# By the end you can
#
# - make an authority, a server's and a client's certificate, and say what each field is for;
# - say what it means that a key and a certificate belong together;
# - issue a certificate that is good for a host name and for an IP address.
#
# **Minutes:** 25. **Before this:** notebook 00, *Who checks whom?*

# %% [markdown]
# ## An authority is a key that signs
#
# A [**certificate**](glossary.md#certificate) is a signed statement: *this public key belongs to this name*. An
# [**authority**](glossary.md#authority) is whoever signs such statements. Its own certificate is signed with its own
# key, so that one proves nothing; a verifier has it because somebody put it there. It is a [**trust
# anchor**](glossary.md#trust-anchor) for those who do.

# %%
from dataclasses import replace
from pathlib import Path
from stat import filemode
from tempfile import TemporaryDirectory

from mtls_lab import Authority, Credential, Endpoint, Scenario, explain, rehearse, show
from mtls_lab.exercises import check, hint, predict

# %%
root = Authority.create("Lab Root CA")
show(root)

# %% [markdown]
# Look at the basic constraints: this certificate may sign others. It is signed with its own key: it is
# [**self-signed**](glossary.md#self-signed). Real authorities keep the root's key locked away and sign daily work with
# an [**intermediate**](glossary.md#intermediate), whose certificate the root has signed.

# %%
issuing = root.intermediate("Lab Issuing CA")

# %% [markdown]
# ## A server's certificate
#
# The [**leaf**](glossary.md#leaf) at the bottom of the chain names a host. The private key that goes with it is made at
# the same time and never leaves its owner. Key and chain together are a [**credential**](glossary.md#credential).

# %%
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
show(shop)

# %% [markdown]
# Four things to see. The *names* stand in [subjectAltName](glossary.md#subject-alternative-name): this is what clients
# compare with the name they dialled. The *purpose* is serverAuth. The leaf may not sign other certificates. And each
# certificate names its [issuer](glossary.md#issuer); the verifier follows these names upwards until it meets a trust
# anchor, checking a signature at every step.

# %%
shop.leaf.is_signed_by(issuing.certificate), shop.leaf.is_signed_by(root.certificate)

# %% [markdown]
# The leaf was signed by the intermediate, not by the root. So whoever shows this leaf must send the intermediate along. The
# root stays at home: a verifier that does not have it already would not believe it anyway.

# %%
[certificate.common_name for certificate in shop.chain]

# %% [markdown]
# ## The same as files
#
# Programs read certificates from files, most of them in [PEM](glossary.md#pem): base64 between two lines of dashes.
# Only the key is secret, and only its owner may read that file.

# %%
folder = TemporaryDirectory()
files = shop.write(folder.name, name="shop")
root.write(folder.name, name="root")
sorted(path.name for path in Path(folder.name).iterdir())

# %% [markdown]
# `shop.pem` holds the chain, leaf first: the order in which it is sent. This is what programs want when they ask for "the
# certificate". The key has a file of its own, which only its owner may read and write, and no notebook should ever show what is
# in it:

# %% tags=["nbval-ignore-output"]
filemode(files.key_path.stat().st_mode)

# %% [markdown]
# The plain tool for a look inside is `openssl x509`. The lines that matter are the same as in the picture above.

# %% tags=["nbval-ignore-output"]
# !openssl x509 -in {files.certificate_path} -noout -subject -issuer -ext subjectAltName,extendedKeyUsage

# %% [markdown]
# ## A key and a certificate that belong together
#
# The certificate holds the *public* half of the key. Two files match when the public halves are the same. That is all there is to
# it; names of files say nothing. Here somebody put the wrong key beside the certificate:

# %%
other = issuing.issue("localhost", purpose="serverAuth")
mixed_up = replace(shop, key_pem=other.key_pem)
shop.key_matches, mixed_up.key_matches

# %% [markdown]
# What happens if a server tries to use such a pair? Who will refuse?

# %%
client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
broken = Scenario(client=client, server=Endpoint(presents=mixed_up, verifies="none"))

# %% tags=["exercise"]
predict(broken, refused_by=...)

# %% tags=["solution"]
predict(broken, refused_by="server")

# %% [markdown]
# The server does not get as far as a handshake: OpenSSL will not load the pair. That matters. In the handshake the
# server signs with its key ([CertificateVerify](glossary.md#certificateverify)), and the client checks that signature
# with the certificate. Without that proof anyone could show a copy of the certificate, which is public.

# %%
working = replace(broken, server=replace(broken.server, presents=shop))
show(rehearse(working))

# %% [markdown]
# ## Names
#
# The client compares the name it dialled with subjectAltName. Our server is good for two: a DNS name and an IP address.

# %%
shop.leaf.names

# %%
[shop.leaf.matches_name(name) for name in ("localhost", "127.0.0.1", "::1", "shop.example")]

# %% [markdown]
# Older advice puts the host name into the subject's [**common name**](glossary.md#common-name) (CN). Here is a
# certificate that has it only there. Who will refuse?

# %%
from mtls_lab.certificates.faults import present

cn_only = present("cn-only", authority=issuing, name="localhost", purpose="serverAuth")
show(cn_only)

# %%
old_style = replace(working, server=replace(working.server, presents=cn_only))

# %% tags=["exercise"]
predict(old_style, refused_by=...)

# %% tags=["solution"]
predict(old_style, refused_by="client")

# %% [markdown]
# The note this course grew from mended such a certificate by adding an e-mail address to subjectAltName. Did that help?

# %%
with_email = issuing.issue("localhost", names=("admin@example.org",), purpose="serverAuth")
show(explain(rehearse(replace(working, server=replace(working.server, presents=with_email)))))

# %% [markdown]
# No: an e-mail address is a name, but not a host's. `DNS:localhost` is what was missing. (curl forgives a certificate that has no
# DNS name at all, requests and Go do not: notebook 07 asks all three.)

# %% [markdown]
# ## A client's certificate
#
# A client has no host name that anyone dials. Its certificate says who it is, in the subject or as an e-mail address or URI, and its
# [**purpose**](glossary.md#purpose) is clientAuth.

# %%
alice = issuing.issue("alice", names=("alice@example.org",), purpose="clientAuth")
show(alice)

# %%
server = Endpoint(presents=shop, trusts=(root.certificate,), verifies="required")
mutual = Scenario(client=replace(client, presents=alice), server=server)
explain(rehearse(mutual)).title

# %% [markdown]
# Could the server call others, with the certificate that it has?

# %%
server_as_client = replace(mutual, client=replace(client, presents=shop))

# %% tags=["exercise"]
predict(server_as_client, refused_by=...)

# %% tags=["solution"]
predict(server_as_client, refused_by="server")

# %% [markdown]
# ## Exercises
#
# **1.** Issue a credential for a server that people dial as `localhost`, as `127.0.0.1` and as `::1`.

# %% tags=["exercise"]
my_server = ...
check("01-names", my_server, root.certificate)

# %% tags=["solution"]
my_server = issuing.issue("localhost", names=("localhost", "127.0.0.1", "::1"), purpose="serverAuth")
check("01-names", my_server, root.certificate)

# %% [markdown]
# **2.** Two servers' keys were swapped. Put `first`'s certificate and its own key back together.

# %%
one = issuing.issue("localhost", purpose="serverAuth")
two = issuing.issue("localhost", purpose="serverAuth")
first, second = replace(one, key_pem=two.key_pem), replace(two, key_pem=one.key_pem)

# %% tags=["exercise"]
repaired = ...
check("01-match", repaired, root.certificate)

# %% tags=["solution"]
repaired = Credential(key_pem=second.key_pem, chain=first.chain)
check("01-match", repaired, root.certificate)

# %% [markdown]
# **3.** Get bob past a server that requires a certificate.

# %% tags=["exercise"]
bob = ...
check("01-client", bob, root.certificate, shop)

# %% tags=["solution"]
bob = issuing.issue("bob", purpose="clientAuth")
check("01-client", bob, root.certificate, shop)

# %%
hint("01-names"), hint("01-match"), hint("01-client")

# %%
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You made an authority, a server's and a client's certificate, and know what names, purpose and issuer are for.
# - You know that a key and a certificate belong together when the certificate holds the key's public half, and that the handshake
#   proves it.
# - You issued a certificate that is good for a host name and for IP addresses.
#
# Next, in notebook 02: how does the client verify the server?
