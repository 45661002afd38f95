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
# # What crosses the wire?
#
# By the end you can
#
# - name the messages of a TLS 1.2 and of a TLS 1.3 handshake in order, and say what each is for;
# - say what somebody in between reads of it: names, certificates, alerts;
# - write a capture file, and open it in Wireshark with and without its secrets.
#
# **Minutes:** 35. **Before this:** notebook 04, *How does the server verify the client?*

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Proxy, Scenario, get, rehearse
from mtls_lab.exercises import check, hint, predict
from mtls_lab.views import ladder, message_table, side_by_side

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice = issuing.issue("alice", purpose="clientAuth")

client = Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=shop, trusts=(root.certificate,), verifies="required")
scenario = Scenario(client=client, server=server)

# %% [markdown]
# ## Somebody in between
#
# Alice calls the shop, and each end verifies the other. Between them sits an
# [**eavesdropper**](glossary.md#eavesdropper): he has every byte that crosses the wire, and none of the keys. What does
# he learn?
#
# The answer depends on the version of TLS. So we run the same mutual TLS handshake in both.

# %%
tls12 = rehearse(replace(scenario, versions=("TLSv1.2",)))
tls13 = rehearse(replace(scenario, versions=("TLSv1.3",)))

# %% [markdown]
# First your guess. In which version does he read each of these: `"both"`, `"TLS 1.2"`, `"TLS 1.3"` or `"neither"`? The
# alert is the one that a client without a certificate gets.

# %% tags=["exercise"]
guess = {
    "server name": ...,
    "server certificate": ...,
    "client certificate": ...,
    "alert": ...,
    "request": ...,
}
check("05-readable", guess, scenario)

# %% tags=["solution"]
guess = {
    "server name": "both",
    "server certificate": "TLS 1.2",
    "client certificate": "TLS 1.2",
    "alert": "TLS 1.2",
    "request": "neither",
}
check("05-readable", guess, scenario)

# %% [markdown]
# The plainest eavesdropper decodes nothing. He looks for a word among the bytes that passed.

# %%
for word in (b"localhost", b"Lab Issuing CA", b"alice", b"hello"):
    found = [word in b"".join(data for _, data in one.wire) for one in (tls12, tls13)]
    print(word.decode().ljust(15), "TLS 1.2:", str(found[0]).ljust(6), "TLS 1.3:", found[1])

# %% [markdown]
# The server's name crosses in the clear in both. In TLS 1.2 everybody on the way learns that it is alice who calls; in TLS
# 1.3 nobody does. `hello` is the data that our client sends afterwards: encrypted in both.
#
# Now with a decoder. In the ladder a single line is readable on the wire; a double line with a padlock is not.

# %%
ladder(tls12)

# %%
ladder(tls13)

# %% [markdown]
# We drew both with the secrets of the two ends. Take the secrets away, and the decoder sees what the eavesdropper
# sees. In TLS 1.3 that is little:

# %%
message_table(replace(tls13, secrets=""))

# %% [markdown]
# ## The name in the first message
#
# The [ClientHello](glossary.md#clienthello) names the server, since one address may serve many names and each has its
# own certificate. The field is called [**server_name**](glossary.md#server_name), or SNI (RFC 6066 section 3). It is
# sent before there are keys, so it is readable in both versions.

# %%
hello = tls13.messages[0]
hello.name, dict(hello.details)["server_name"]

# %% [markdown]
# An address is no server name. Will a client that dials 127.0.0.1 still get in, and what will its ClientHello say?

# %%
by_address = rehearse(replace(scenario, server_name="127.0.0.1"))
by_address.accepted, "server_name" in dict(by_address.messages[0].details)

# %% [markdown]
# It gets in, for the certificate holds the address as well, and it names nobody. The eavesdropper still sees which address is
# dialled: TCP says that. Encrypted Client Hello (ECH, RFC 9849) hides the server name where both ends speak it; ours do not.
#
# ## Message by message
#
# What is each message for? First TLS 1.2, which encrypts late. This table is the eavesdropper's, made without the secrets,
# and nothing is missing.

# %%
message_table(replace(tls12, secrets=""))

# %% [markdown]
# Nearly everything is said before the first ChangeCipherSpec. Next TLS 1.3, with the secrets of the two ends. Look for what has
# gone, and for where the double lines begin.

# %%
message_table(tls13)

# %% [markdown]
# Gone are ServerKeyExchange and ClientKeyExchange: both ends send their [**key share**](glossary.md#key-share) in the
# hellos. That is why there are keys right after the ServerHello. CertificateVerify is the message that cannot be
# copied: a signature over this very handshake, by the key that belongs to the certificate. The key itself never
# crosses.
#
# ## Side by side
#
# A [**round trip**](glossary.md#round-trip) is one wait of the client for the server. How many of them before the
# client may send its request, in TLS 1.2 and in 1.3? Decide, then run.

# %%
side_by_side({"TLS 1.2": tls12, "TLS 1.3": tls13})

# %% [markdown]
# Two and one. Where a round trip takes 50 ms, the older version costs 50 ms more, on each new connection. (TCP itself
# takes one round trip before, in both.)
#
# The last messages of TLS 1.2 have no partner. There the client waits for the server's word on its certificate. In TLS 1.3 it
# is done as soon as it has sent its own Finished. What that means for a client who is refused is the story of notebook 06.
#
# ## A refusal
#
# Now a client without a certificate.

# %%
nobody = replace(scenario, client=replace(client, presents=None))

# %% tags=["exercise"]
predict(nobody, refused_by=...)

# %% tags=["solution"]
predict(nobody, refused_by="server")

# %%
refused12 = rehearse(replace(nobody, versions=("TLSv1.2",)))
refused13 = rehearse(replace(nobody, versions=("TLSv1.3",)))
side_by_side({"TLS 1.2": refused12, "TLS 1.3": refused13})

# %% [markdown]
# The refusal is an [**alert**](glossary.md#alert): two bytes, a level and a number. In TLS 1.2 the server sends this
# one in plaintext, as it has not changed to encryption yet; everybody reads that somebody was turned away. In TLS 1.3
# it is encrypted. (An alert from before there are keys is plaintext in TLS 1.3, too: the answer to a ClientHello that
# nobody can use. Notebook 07 needs that.)
#
# Encrypted is not invisible. Lengths remain. Can the eavesdropper of TLS 1.3 tell alice from somebody with no certificate?

# %%
with_alice, with_nobody = (
    sum(len(data) for sender, data in one.wire if sender == "client") for one in (tls13, refused13)
)
print("more than twice as many bytes from the client:", with_alice > 2 * with_nobody)

# %% [markdown]
# He can: a chain of two certificates makes her flight more than twice as long. He learns that a certificate was sent, not whose. TLS
# 1.3 allows padding against this (RFC 8446 section 5.4); OpenSSL adds none unless told to.
#
# ## What opens it
#
# Both ends know the keys, and may write them down. The file that many programs write when `SSLKEYLOGFILE` is set
# (browsers, curl) is a [**key log**](glossary.md#key-log). Ours stands in `secrets`. Each line has a label, the
# ClientHello's random number and a secret.

# %%
for handshake in (tls12, tls13):
    print(handshake.version, *sorted(line.split()[0] for line in handshake.secrets.splitlines()), sep="\n  ")

# %% [markdown]
# With it, you read all of the connection, the data as well:

# %%
[(one.sender, one.body) for one in tls13.messages if one.name == "ApplicationData"]

# %% [markdown]
# Each handshake makes fresh keys. So what does the key log of a second handshake, same ends, same certificates, open of the first?

# %%
again = rehearse(tls13.scenario)
with_other = replace(tls13, secrets=again.secrets)
side_by_side({"its own key log": tls13, "another one's": with_other})

# %% [markdown]
# Nothing. A key log opens the connections that are in it and no others. The private keys of alice and of the shop do
# not open them either: those keys only sign. That is called [**forward secrecy**](glossary.md#forward-secrecy). (TLS
# 1.2 has it with the ECDHE and DHE cipher suites; its older RSA key exchange does not, and TLS 1.3 took that out.)
#
# ## The Wireshark file
#
# This time a real client over a real socket: requests calls the proxy. Then we write what passed into two files, one with
# its secrets inside and one without.

# %%
with Proxy(tls13.scenario) as proxy:
    called = get(proxy, "/whoami")
called.body

# %%
from pathlib import Path
from shutil import which
from subprocess import run
from tempfile import TemporaryDirectory

folder = TemporaryDirectory()
for name, secrets in (("open.pcapng", called.handshake.secrets), ("closed.pcapng", "")):
    Path(folder.name, name).write_bytes(replace(called.handshake, secrets=secrets).pcapng())

# %% [markdown]
# Wireshark opens both by a double click. On the command line its sister is [**tshark**](glossary.md#tshark): `tshark -r
# open.pcapng -Y tls` lists all packets that hold TLS. The next cell runs that, with sender and content as the only
# columns.


# %% tags=["nbval-ignore-output"]
def tshark(file: str) -> str:
    if which("tshark") is None:
        return "tshark is not installed; it comes with Wireshark. Our decoder's word is below."
    columns = 'gui.column.format:"From","%s","Protocol","%p","Says","%i"'
    typed = ["tshark", "-n", "-r", file, "-Y", "tls", "-o", columns]
    return run(typed, cwd=folder.name, capture_output=True, encoding="utf-8", check=False).stdout.rstrip()


print(tshark("open.pcapng"))

# %% [markdown]
# 192.0.2.1 is the client, 192.0.2.2 the server. Every message of the table is there, and then the request itself. Two things
# are for old devices on the way and mean nothing in TLS 1.3 (RFC 8446 section 5.1 and appendix D.4): the old version number
# before the ClientHello, and Change Cipher Spec, which our tables leave out. Now the file without secrets:

# %% tags=["nbval-ignore-output"]
print(tshark("closed.pcapng"))

# %% [markdown]
# `Application Data` is the outside of every encrypted record in TLS 1.3, whatever is in it. Our own decoder says the same of both:

# %%
side_by_side({"open.pcapng": called.handshake, "closed.pcapng": replace(called.handshake, secrets="")})

# %% [markdown]
# Only the TLS bytes in these files are real; addresses, TCP and times are made up. To keep one, write
# `called.handshake.pcapng()` to a path of your own. Whoever has a file with its secrets reads that connection: think before you
# send one from work to somebody.

# %% [markdown]
# ## Exercises
#
# **1.** Find the message in which the server asks for the client's certificate. Put that message in place of the dots.

# %% tags=["exercise"]
my_message = ...
check("05-question", my_message, tls13)

# %% tags=["solution"]
my_message = next(one for one in tls13.messages if one.name == "CertificateRequest")
check("05-question", my_message, tls13)

# %% [markdown]
# **2.** In `private` nobody learns who calls. Change it so that alice still gets in, and an eavesdropper learns her name.

# %%
private, talkative = tls13.scenario, tls12.scenario

# %% tags=["exercise"]
leaking = ...
check("05-leak", leaking)

# %% tags=["solution"]
leaking = replace(private, versions=("TLSv1.2",))
check("05-leak", leaking)

# %% [markdown]
# **3.** And the reverse. `talkative` tells everybody everything. Change it so that both ends still verify each other, and an
# eavesdropper learns no name at all: from no certificate, and from no other message.

# %% tags=["exercise"]
quiet = ...
check("05-quiet", quiet)

# %% tags=["solution"]
quiet = replace(talkative, versions=("TLSv1.3",), server_name="127.0.0.1")
check("05-quiet", quiet)

# %%
hint("05-question"), hint("05-leak"), hint("05-quiet")

# %%
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You named the messages of TLS 1.2 and of TLS 1.3, and what each is for.
# - You told what an eavesdropper reads: the server name in both, certificates and the refusal in TLS 1.2 only, the data in neither.
# - You wrote a capture file, and opened it with and without its secrets.
#
# Next, in notebook 06: why did the client think that it was in?
