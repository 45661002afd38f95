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
# # What does "bad record MAC" mean?
#
# By the end you can
#
# - say what a Go server means by `bad record MAC`, and what it cannot know;
# - read seven bytes, and tell from them who refused and why;
# - refute a theory by changing one thing at a time, and issue the certificate that every client accepts.
#
# **Minutes:** 35. **Before this:** notebooks 02 and 05.

# %% [markdown]
# ## The note's log
#
# The note that this course grew from runs ssl-proxy, which is written in Go. Three calls fail, and the log says:
#
# ```
# 2021/03/19 23:30:49 http: TLS handshake error from [::1]:47732: local error: tls: bad record MAC
# 2021/03/19 23:31:52 http: TLS handshake error from [::1]:47970: local error: tls: bad record MAC
# 2021/03/19 23:36:02 http: TLS handshake error from [::1]:49050: local error: tls: bad record MAC
#
# # The reason is subjectAltName under [ v3_ca ] is required
# ```
#
# A [**record**](glossary.md#record) is the envelope in which TLS sends everything. The MAC, [**message authentication
# code**](glossary.md#message-authentication-code), is the tag by which the reader of an encrypted record sees that
# nobody changed it. So somebody did change something? Or the keys do not fit? The note names a third reason, a name
# that is missing in the certificate.
#
# We build the same situation. The client trusts another root than the one behind the server's certificate.

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, get, show
from mtls_lab.clients.go_words import go_asks, go_line, go_log, go_reads, go_server_or
from mtls_lab.exercises import check, hint, predict
from mtls_lab.handshake import Alert

# %%
root, other_root = Authority.create("Lab Root CA"), Authority.create("Other Root CA")
issuing = root.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")

client = Endpoint(trusts=(other_root.certificate,), verifies="chain and name")
refusing = Scenario(client=client, server=Endpoint(presents=shop, verifies="none"))

# %% [markdown]
# A Go server logs `bad record MAC` for just this connection; you will see it do so. Who or what is your suspect: `"damaged data"`,
# `"wrong key"` or `"client refused"`?

# %% tags=["exercise"]
check("07-suspect", ..., refusing)

# %% tags=["solution"]
check("07-suspect", "client refused", refusing)

# %% [markdown]
# ## Ask the other side first
#
# The line is a server's. Before we believe it, what does the client say?

# %%
proxy = Proxy(refusing)
print(curl(proxy))

# %% [markdown]
# The client has a clear opinion, and it is about the certificate. Nothing about MACs. Here is what both sides saw, with requests as the
# client. This server is our own proxy, which uses OpenSSL as its client does.

# %%
called = get(proxy)
show(called.handshake)

# %% [markdown]
# Look at the last arrow. All that the server said after its ServerHello is encrypted (a double line), and the client's alert is
# not (a single line). Here it is, byte by byte.

# %%
said = [piece for sender, piece in called.handshake.wire if sender == "client"][-1]
said.hex(" ")

# %% [markdown]
# | bytes | meaning |
# |---|---|
# | `15` | the record's type: alert |
# | `03 03` | the number of TLS 1.2, which TLS 1.3 keeps here for old devices on the way |
# | `00 02` | two bytes follow |
# | `02` | level: fatal |
# | `30` | 48, and that is |

# %%
Alert(said[-1])

# %% [markdown]
# Seven bytes, readable by anybody on the way: *I do not know the authority behind your certificate.*

# %% [markdown]
# ## What an encrypted alert looks like
#
# For comparison, an alert that is encrypted. This server requires a certificate, the client has none, and the server says so.

# %%
asking = Endpoint(presents=shop, trusts=(root.certificate,), verifies="required")
trusting = replace(client, trusts=(root.certificate,))
proxy.switch(replace(refusing, client=trusting, server=asking))
heard = [piece for sender, piece in get(proxy).handshake.wire if sender == "server"][-1]
heard[:5].hex(" "), len(heard) - 5

# %% [markdown]
# Type `17`: outside, every encrypted record looks like application data (RFC 8446 section 5.2). Its 19 bytes (hexadecimal `13`) are the
# alert's two, one for the true type, and 16 for the tag that takes the MAC's place.
#
# Why did the client not encrypt? In TLS 1.3 each end has keys for reading and keys for writing. OpenSSL's client takes its reading
# keys into use when the ServerHello comes, or it could not read the certificate. Its writing keys come into use later, when it
# writes its own answer. It judges the certificate in between, and what it says there goes out as it is.

# %% [markdown]
# ## Now a Go server
#
# The next cell starts a Go server that shows the same certificate, if Go is installed; the first time it has to be compiled. If not,
# Go's lines come from a record of such a server, and the cell says from when.

# %% tags=["nbval-ignore-output"]
proxy.switch(refusing)
server = go_server_or(proxy)

# %% [markdown]
# It gets a ClientHello, answers, and then reads our seven bytes. What does it log?

# %%
go_reads(said, server)

# %% [markdown]
# The note's line. Now with real programs, and the whole log:

# %% tags=["nbval-ignore-output"]
curl(server), get(server)
print(go_log(server))

# %%
go_line(get(server), server)

# %% [markdown]
# After its ServerHello a Go server takes every record for an encrypted one, except ChangeCipherSpec. So it tries to
# decrypt the two bytes of the alert; they hold no tag that could be right; and it reports what *it* met: [**local
# error**](glossary.md#local-error). What the peer said would be a [**remote error**](glossary.md#remote-error). The
# text names the confusion of the one who logs, not the cause.
#
# (From curl 8.17 on you see one line less: curl completes the handshake first and judges the certificate then, and Go logs nothing.)

# %% [markdown]
# ## Does the line say anything about the cause?
#
# The client could have said something else. A friendly goodbye (`close_notify`), also in the clear:

# %%
go_reads(bytes.fromhex("15 03 03 00 02 01 00"), server)

# %% [markdown]
# An alert about an expired certificate, which is 45 or hexadecimal `2d`, and something that only pretends to be encrypted:

# %%
expired, pretender = bytes.fromhex("15 03 03 00 02 02 2d"), bytes.fromhex("17 03 03 00 05") + b"hello"
go_reads(expired, server), go_reads(pretender, server)

# %% [markdown]
# The same line for all of them. And a client that hangs up without a word?

# %%
go_reads(b"", server)

# %% [markdown]
# So the line means: *in place of an encrypted record I got something else*. Not who is at fault, not why. In practice it is nearly
# always a client built on OpenSSL that refused the certificate: what else would it have to say at this point?

# %% [markdown]
# ## The same bytes in TLS 1.2
#
# In TLS 1.2 nobody encrypts until the keys are agreed on and ChangeCipherSpec has been said, and certificates are judged before
# that. The same seven bytes, to the same server:

# %%
go_reads(said, server, version="TLSv1.2")

# %% [markdown]
# *Remote error*, and the cause in plain words. That is a tool: when a Go server puzzles you, call it once with TLS 1.2 at most.

# %%
tls12 = replace(refusing, versions=("TLSv1.2",))
server.switch(tls12)
puzzled = get(server)
print(puzzled)

# %%
go_line(puzzled, server)

# %% [markdown]
# With curl that is `--tls-max 1.2`. No TLS 1.2 on that server? Then ask the client, whose message was right from the start; or
# capture the connection and look for the seven bytes.

# %% [markdown]
# ## The theory: subjectAltName
#
# The note found another reason. It added `subjectAltName=email:move` to the section of the certificate, issued it anew, and the line
# was gone. What does that setting do? The plain tool:

# %% tags=["nbval-ignore-output"]
# !openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout - \
#     -subj "/CN=localhost/emailAddress=me@example.org" -addext "subjectAltName=email:move" 2>&1 \
#     | openssl x509 -noout -subject -ext subjectAltName

# %% [markdown]
# It moves the owner's e-mail address from the subject to subjectAltName. No host name is added. Could that be the cure? Three
# certificates for the same server, all with the common name localhost:

# %%
from mtls_lab.certificates.faults import present

servers = {
    "none": present("cn-only", authority=issuing, name="localhost", purpose="serverAuth"),
    "e-mail": issuing.issue("localhost", names=("me@example.org",), purpose="serverAuth"),
    "localhost": shop,
}

# %% [markdown]
# First the note's cure, and a client that does trust the root, such as requests. Who refuses?

# %%
cured = replace(refusing, client=trusting, server=replace(refusing.server, presents=servers["e-mail"]))

# %% tags=["exercise"]
predict(cured, refused_by=...)

# %% tags=["solution"]
predict(cured, refused_by="client")

# %% [markdown]
# Now all three, each with a client that trusts the root and with one that does not. Two things vary, one at a time. The last column is
# what Go logs of requests.

# %%
print("subjectAltName  trusts the root  curl      requests  Go logs of requests")
for names, credential in servers.items():
    for trusts, who in {"yes": trusting, "no": client}.items():
        server.switch(Scenario(client=who, server=Endpoint(presents=credential, verifies="none")))
        calls = curl(server), get(server)
        verdicts = "  ".join("accepted" if call.accepted else "refused " for call in calls)
        print(f"{names:<14}  {trusts:<15}  {verdicts}  {go_line(calls[1], server)}")

# %% [markdown]
# Read it column by column.
#
# - curl: trust decides, and nothing else. It falls back to the common name when subjectAltName holds no host name. The
#   theory is refuted: without subjectAltName curl is content, and with the best subjectAltName it refuses.
# - requests wants the name in subjectAltName (RFC 9525 section 6.3), so for it a missing name *is* a reason. But the note's cure
#   does not help: an e-mail address is no host name.
# - Go's line cannot tell the two apart.
#
# Why did the line go away for the note's author, then? Most likely because the certificate and its authority were made anew, and
# fitted each other again. Nobody measured it at the time, so that stays a guess.
#
# And Go as a client? The next cell asks one, if Go is installed, about the note's cure.

# %% tags=["nbval-ignore-output"]
proxy.switch(cured)
print(go_asks(proxy))

# %% [markdown]
# It sides with requests: *not valid for any names*. Of the certificate without subjectAltName it says `certificate relies on legacy
# Common Name field, use SANs instead`.

# %% [markdown]
# ## Exercises
#
# **1.** Refute the theory properly: two runs with *one* certificate. In the first a Go server logs the line, in the second the
# client accepts. `refusing` is at hand.

# %% tags=["exercise"]
first, second = ..., ...
check("07-refute", first, second)

# %% tags=["solution"]
first, second = refusing, replace(refusing, client=trusting)
check("07-refute", first, second)

# %% [markdown]
# **2.** The client shall go on refusing this server, and a Go server's log shall say why. Change one setting of `refusing`.

# %% tags=["exercise"]
honest = ...
check("07-honest", honest, refusing)

# %% tags=["solution"]
honest = replace(refusing, versions=("TLSv1.2",))
check("07-honest", honest, refusing)

# %% [markdown]
# **3.** Issue the certificate that satisfies everyone: curl, requests, openssl and Go, whether they dial localhost or 127.0.0.1.

# %% tags=["exercise"]
my_credential = ...
check("07-everyone", my_credential, root.certificate)

# %% tags=["solution"]
my_credential = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
check("07-everyone", my_credential, root.certificate)

# %%
hint("07-refute"), hint("07-honest"), hint("07-everyone")

# %%
proxy.close()
server.close()

# %% [markdown]
# ## What you can do now
#
# - You know what a Go server means by `bad record MAC`: an unencrypted record where it expected an encrypted one. It cannot
#   know why.
# - You read seven bytes: the client refused the certificate, and said that it did not know the authority.
# - You refuted the theory by changing one thing at a time, and issued the certificate that every client accepts.
#
# Next, in notebook 08: why was I refused? Every fault there is, seen from both sides.
