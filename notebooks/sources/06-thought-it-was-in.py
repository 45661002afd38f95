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
# # Why did the client think it was in?
#
# By the end you can
#
# - say what a client knows when its handshake call returns, in TLS 1.2 and in TLS 1.3;
# - tell a request that was sent from one that was read, and decide what may be sent again;
# - close a connection so that the other end hears your last word, 20 times of 20.
#
# **Minutes:** 35. **Before this:** notebook 04, *How does the server verify the client?*

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, explain, get, rehearse, show
from mtls_lab.exercises import check, hint

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
service = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice = issuing.issue("alice", purpose="clientAuth")

client = Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=service, trusts=(root.certificate,), verifies="required")
mutual = Scenario(client=client, server=server)
nobody = replace(mutual, client=replace(client, presents=None))

# %% [markdown]
# ## Predict
#
# The server requires a certificate. The client `nobody` has none, so it will not get in. A client program begins with
# one call that does the [**handshake**](glossary.md#handshake): `do_handshake()` in Python, `SSL_connect()` in OpenSSL.
# Will that call return without an error? Put `True` or `False` for each version.

# %% tags=["exercise"]
in_tls_1_2, in_tls_1_3 = ..., ...
check("06-returns", in_tls_1_2, in_tls_1_3, nobody)

# %% tags=["solution"]
in_tls_1_2, in_tls_1_3 = False, True
check("06-returns", in_tls_1_2, in_tls_1_3, nobody)

# %% [markdown]
# Now run it. What the client saw is told by two facts: its handshake call `completed` or not, and a `failure`, with the moment
# at which it met it.

# %%
nobody_12, nobody_13 = replace(nobody, versions=("TLSv1.2",)), replace(nobody, versions=("TLSv1.3",))
for scenario in (nobody_12, nobody_13):
    seen = rehearse(scenario)
    print(f"{seen.version}  completed: {seen.client.completed!s:5}  failure: {seen.client.failure.during}")

# %% [markdown]
# In TLS 1.3 both are true at once: a handshake that is complete, and a refusal. Look for the place where the client is through.

# %%
show(rehearse(nobody_13))

# %% [markdown]
# ## Why: who has the last word
#
# In TLS 1.2 the last message of the handshake is the *server's* [Finished](glossary.md#finished), sent after it has
# judged the client. In TLS 1.3 the last one is the *client's*: it goes out together with the client's certificate, and
# with it the client may send data (RFC 8446 section 4.4.4; the client's states in appendix A.1 end there). No message
# of TLS 1.3 says "you are in". That spares the client a [**round trip**](glossary.md#round-trip), the time to the other
# end and back. The picture shows what it costs.

# %%
from mtls_lab.views.timeline import timeline

timeline(rehearse(nobody_12), rehearse(nobody_13))

# %% [markdown]
# The server's word arrives at the same time in both versions, after two round trips. The client of TLS 1.3 just does not wait for
# it. (The picture is a simplification: TCP's own handshake and the time it takes to compute are left out.)
#
# It is the same with a certificate that has expired, or one from a stranger. No server can judge what has not arrived yet.

# %%
from mtls_lab.certificates.faults import present

late_alice = present("expired", authority=issuing, name="alice", purpose="clientAuth")
expired = replace(mutual, client=replace(client, presents=late_alice), versions=("TLSv1.3",))
explanation = explain(rehearse(expired))
explanation.title, explanation.stage

# %% [markdown]
# ## By hand
#
# Python's own `ssl`, one step at a time, against the lab's proxy. Every client program takes these steps inside.

# %%
import socket
import ssl

proxy = Proxy(nobody_13)
context = ssl.create_default_context(cadata=root.certificate.pem.decode())
connection = socket.create_connection((proxy.host, proxy.port))
tls = context.wrap_socket(connection, server_hostname="localhost", do_handshake_on_connect=False)

# %%
tls.do_handshake()
print("do_handshake() returned:", tls.version())

# %% [markdown]
# The client has a version, a cipher and the server's certificate. Many programs log "connected" here. It sends its order:

# %%
request = b"POST /print HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\npay bob 100"
tls.sendall(request)
print("sendall() returned")

# %%
try:
    tls.recv(15)
except ssl.SSLError as error:
    print("recv() raised:", error.reason)
tls.close()

# %% [markdown]
# Only the first *read* tells. Below are the same steps as one function. It answers with the step at which the client heard, and
# with what it heard. In TLS 1.2 that is inside the handshake call.


# %%
def told(server, context=context, body=b"pay bob 100"):
    head = f"POST /print HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    step = "handshake"
    try:
        connection = socket.create_connection((server.host, server.port))
        with connection, context.wrap_socket(connection, server_hostname="localhost") as tls:
            step = "write"
            tls.sendall(head.encode() + body)
            step = "read"
            return step, tls.recv(15).decode()
    except OSError as error:
        reason = getattr(error, "reason", None) or ""
        return step, reason if "ALERT" in reason else "a broken connection"


# %%
proxy.switch(nobody_12)
told(proxy)

# %% [markdown]
# ## curl and requests
#
# They shake hands, send and read, too. Both hear the alert.

# %%
print(curl(proxy))
proxy.switch(nobody)
print(curl(proxy))

# %%
print(get(proxy))

# %% [markdown]
# The first line shows how to compare: `--tls-max 1.2`. curl's exit code tells the step. With OpenSSL it is 35 (*SSL connect
# error*) in TLS 1.2 and 56 (*failure in receiving network data*) in TLS 1.3. If you look for 35 in a log, you miss every
# client that is refused in TLS 1.3. The words differ between versions, so yours may not be these:

# %% tags=["nbval-ignore-output"]
for scenario in (nobody_12, nobody):
    proxy.switch(scenario)
    called = curl(proxy)
    print(called.exit_code, called.output, end="")

# %% [markdown]
# ## Sent is not read
#
# The order to pay bob left the client: `sendall()` returned. Send it once more, to a proxy of its own so that the record of this
# call is complete. What has the origin behind the proxy printed, and what crossed the wire last?

# %%
with Proxy(nobody) as one_call:
    print(told(one_call))
print("printed:", one_call.printed)
[f"{message.sender}: {message.name}" for message in one_call.handshakes[-1].messages][-3:]

# %% [markdown]
# `sendall()` says that the bytes went into a buffer of the client's own system. They crossed the wire as well, in the last record,
# and nobody at the server ever opened it.
#
# So after an [**alert**](glossary.md#alert) about your certificate you know two things. The order was not read, so
# sending it again does nothing twice. And with the same certificate it will be refused again. (A server may also ask
# for a certificate much later, RFC 8446 section 4.6.2. Then this conclusion does not hold. Hardly any HTTP server does
# it.)
#
# ## A server that closes carelessly
#
# All this rests on the arrival of the alert, and an alert can get lost. Here is a small server as one writes it first. It is
# real: it judges the client, sends its alert or its answer, and then does what you hand in as its goodbye. This one closes at
# once.

# %%
from collections import Counter

from mtls_lab.proxy.careless import PlainServer


def hang_up(connection):
    connection.close()


careless = PlainServer(nobody_13, goodbye=hang_up)

# %% [markdown]
# Twenty tries with curl. It is a race, so the counts differ from run to run. (`print(called)` would tell the reason every time,
# because the lab has the server's record as well. `output` is what curl itself could say.)

# %% tags=["nbval-ignore-output"]
for words, count in Counter(curl(careless).output.strip() for _ in range(20)).most_common():
    print(f"{count:2} of 20  {words}")

# %% [markdown]
# Where the alert arrived, curl names it. `errno 107`, *reset by peer* and *broken pipe* are what remains where it was lost. In our
# measurements such a server told 32 to 55 of 100 clients (2,000 tries each with curl, requests and plain `ssl`).
#
# Why? A socket that is closed while bytes from the other end lie unread, or still come, answers them with a
# [**reset**](glossary.md#reset) (RFC 9293 section 3.6.1). It makes the client's next write fail, and the client gives
# up before it has read. A reset may even throw away what had arrived (section 3.10.7.4). With a large body the client
# is always still sending, and not one client hears:

# %%
large = b"x" * 5_000_000
Counter(told(careless, body=large) for _ in range(20))

# %% [markdown]
# The same body, twenty times, to the lab's proxy:

# %%
Counter(told(proxy, body=large) for _ in range(20))

# %% [markdown]
# Twenty of twenty. The proxy first says that it will send no more, and goes on reading
# ([**half-close**](glossary.md#half-close)). It reads and throws away what still comes
# ([**drain**](glossary.md#drain)), and closes when the client has. It gives a client two seconds for that. RFC 9112
# section 9.6 asks servers for just this, for the sake of HTTP without TLS.
#
# Servers differ. With those that we measured, curl heard the reason from HAProxy always, from stunnel mostly, from a Go server in
# 5 to 35 of 100 calls, and from asyncio's own TLS never. nginx avoids the trap: it completes TLS and answers HTTP 400.

# %% [markdown]
# ## What a broken connection tells you
#
# Now a second careless server, which lets alice in. It takes her order, answers, and hangs up while she is still sending.
# What does each of the two clients hear, and what was taken from it?

# %%
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder:
    files = alice.write(folder)
    alices_context = ssl.create_default_context(cadata=root.certificate.pem.decode())
    alices_context.load_cert_chain(files.chain_path, files.key_path)
takes_orders = PlainServer(replace(mutual, versions=("TLSv1.3",)), goodbye=hang_up)

# %%
print("no certificate  hears", told(careless, body=large), " orders taken:", len(careless.heard))
print(
    "alice           hears", told(takes_orders, alices_context, body=large), " orders taken:", len(takes_orders.heard)
)

# %% [markdown]
# They hear the same, and one order was taken. A [**broken connection**](glossary.md#broken-connection) says neither
# that you were refused nor that you were not. So do not send a POST again by yourself after it, unless doing it twice
# does no harm (RFC 9110 section 9.2.2). A careless close takes away the reason, and also the knowledge whether a second
# try is safe.

# %% [markdown]
# ## What a client can do
#
# - Count on nothing until you have *read* an answer. A handshake call that returned and a write that returned are no answer.
# - After a failed write, try one read. On Linux the alert often still lies there: of 300 clients that did so, 300 found it,
#   where those that gave up found none. It is no promise.
# - In doubt, compare with `--tls-max 1.2`. There the client is waiting when the alert comes, and a race is unlikely:

# %% tags=["nbval-ignore-output"]
with PlainServer(nobody_12, goodbye=hang_up) as careless_12:
    print(Counter(told(careless_12, body=large) for _ in range(20)))

# %% [markdown]
# And compare with alice at a server that says goodbye well. She reads her answer, and the order is printed once.

# %%
proxy.switch(mutual)
print(told(proxy, alices_context))
proxy.printed

# %% [markdown]
# ## Exercises
#
# **1.** In which of these calls did the client's handshake call return, although the server was going to refuse it? Answer
# with a set of letters.

# %%
mallory = Authority.create("Stranger CA").issue("mallory", purpose="clientAuth")
stranger = replace(mutual, client=replace(client, presents=mallory))
calls = {
    "a": mutual,
    "b": stranger,
    "c": replace(stranger, versions=("TLSv1.2",)),
    "d": replace(stranger, server=replace(server, verifies="optional")),
    "e": replace(stranger, server=replace(server, verifies="none")),
    "f": replace(mutual, server_name="other.example"),
    "g": expired,
}

# %% tags=["exercise"]
my_letters = ...
check("06-thought", my_letters, calls)

# %% tags=["solution"]
my_letters = {"b", "d", "g"}
check("06-thought", my_letters, calls)

# %% [markdown]
# **2.** Write a client that is never fooled. `am_i_in` gets a TLS socket whose handshake call has just returned, and says `True`
# if the server let this client in, else `False`. It is tried 20 times: with a server that lets it in, one that refuses well, one
# that hangs up, and one that closes without a word.


# %% tags=["exercise"]
def am_i_in(tls):
    """Whether the server let us in: True or False."""
    return ...


check("06-client", am_i_in, mutual, nobody)


# %% tags=["solution"]
def am_i_in(tls):
    try:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return tls.recv(1) != b""
    except OSError:
        return False


check("06-client", am_i_in, mutual, nobody)

# %% [markdown]
# **3.** Write the server's side: a goodbye after which 20 of 20 clients hear the server's last word in the middle of a large POST.
# `say_goodbye` gets the connected socket, as `hang_up` did.


# %% tags=["exercise"]
def say_goodbye(connection):
    """End this connection so that the client hears what we said last."""
    return ...


check("06-goodbye", say_goodbye, mutual, nobody)


# %% tags=["solution"]
def say_goodbye(connection):
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65_536):
        continue
    connection.close()


check("06-goodbye", say_goodbye, mutual, nobody)

# %%
hint("06-thought"), hint("06-client"), hint("06-goodbye")

# %%
for server_running in (proxy, careless, takes_orders):
    server_running.close()

# %% [markdown]
# ## What you can do now
#
# - You said what a client knows when its handshake call returns: in TLS 1.2 that it is in, in TLS 1.3 only who the server is.
# - You told a request that was sent from one that was read. After an alert you knew that it was not read; after a broken
#   connection you knew nothing.
# - You closed a connection so that 20 of 20 clients heard the last word: half-close, drain, close.
#
# Next, in notebook 07: what does "bad record MAC" mean?
