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
# # How does the client verify the server?
#
# By the end you can
#
# - name the two checks a client makes, and tell which of them failed;
# - use `--cacert` in curl and `verify=` in requests, and say what they change and what they do not;
# - say what `-k` and `verify=False` really do.
#
# **Minutes:** 30. **Before this:** notebooks 00 and 01.

# %%
from dataclasses import replace

from mtls_lab import Authority, Endpoint, Proxy, Scenario, curl, explain, get, rehearse, s_client, show
from mtls_lab.exercises import check, hint, predict

# %%
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
shop = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")

client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
server = Endpoint(presents=shop, verifies="none")
scenario = Scenario(client=client, server=server)

# %% [markdown]
# ## A server to call
#
# A [**reverse proxy**](glossary.md#reverse-proxy) takes the client's connection, ends TLS there, and passes plain HTTP
# on to the [**origin**](glossary.md#origin) behind it. Ours runs in the background of this kernel, on 127.0.0.1 and a
# port that happens to be free. Behind it stands an echo server.

# %%
proxy = Proxy(scenario)
called = curl(proxy, "/echo/uppercase", data=b"hello")
print(called)

# %%
called.body

# %% [markdown]
# The first line of the result is what you would type. `--cacert root.pem` says whom to trust: one-way TLS, and it works.
#
# Type it yourself, if you like. `write_files` puts the files that the lines name into a folder; in a terminal (*File → New →
# Terminal*) go there, and put the number from `proxy.port` in place of PORT. The next cell does just that.

# %%
from tempfile import TemporaryDirectory

from mtls_lab.clients import write_files

folder = TemporaryDirectory()
write_files(proxy, folder.name)

# %% tags=["nbval-ignore-output"]
# !cd {folder.name} && curl -sS --noproxy localhost --cacert root.pem -d hello https://localhost:{proxy.port}/echo/reversed

# %% [markdown]
# ## The server always shows a certificate
#
# Whatever the client does with it, the server's Certificate crosses the wire, with a signature that proves the server holds
# the key (CertificateVerify).

# %%
show(called.handshake)

# %% [markdown]
# ## First check: who issued it?
#
# Without `--cacert` curl uses the authorities that came with the system. Ours is not among them. Here the client trusts nobody at
# all (in `nobody.pem` stands a root that never signed anything); who will refuse?

# %%
trusts_nobody = replace(scenario, client=replace(client, trusts=()))

# %% tags=["exercise"]
predict(trusts_nobody, refused_by=...)

# %% tags=["solution"]
predict(trusts_nobody, refused_by="client")

# %%
proxy.switch(trusts_nobody)
print(curl(proxy, "/whoami"))

# %% [markdown]
# So verification is on by default. `--cacert` does not switch it on or off; it says where to look. The same call from
# Python, with requests, where the argument is called `verify`:

# %%
print(get(proxy, "/whoami"))

# %%
proxy.switch(scenario)
print(get(proxy, "/whoami"))

# %% [markdown]
# ## The impostor
#
# Anyone can make a certificate for `localhost`. An [**impostor**](glossary.md#impostor) does, with an authority of
# their own, even one of the same name as ours.

# %%
fake_root = Authority.create("Lab Root CA")
fake_issuing = fake_root.intermediate("Lab Issuing CA")
impostor = fake_issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
attacked = replace(scenario, server=replace(server, presents=impostor))

# %% tags=["exercise"]
predict(attacked, refused_by=...)

# %% tags=["solution"]
predict(attacked, refused_by="client")

# %%
proxy.switch(attacked)
print(curl(proxy, "/whoami"))

# %%
show(rehearse(attacked))

# %% [markdown]
# The names are all right and the signatures are not: a name is not a key. The client said `unknown_ca` and hung up. Not a byte of
# the request was sent.

# %% [markdown]
# ## Silencing the check
#
# The error is gone with `-k`. So is the check.

# %%
careless = replace(attacked, client=replace(client, verifies="none"))
proxy.switch(careless)
print(curl(proxy, "/echo", data=b"my password"))

# %%
show(explain(rehearse(careless)))

# %% [markdown]
# The impostor now has the password. Encrypted, but by whom and for whom? `-k` and `verify=False` make the same
# trade, and so does `sslmode=require` for PostgreSQL (notebook 10).

# %% [markdown]
# ## Second check: is it for the host that I asked for?
#
# Our authority also issued a certificate for another host. It is genuine, and its owner is not the one we dialled.

# %%
other = issuing.issue("other.example", purpose="serverAuth")
wrong_host = replace(scenario, server=replace(server, presents=other))

# %% tags=["exercise"]
predict(wrong_host, refused_by=...)

# %% tags=["solution"]
predict(wrong_host, refused_by="client")

# %%
show(explain(rehearse(wrong_host)))

# %% [markdown]
# Two [levels](glossary.md#level) of verification exist. `chain` asks only who issued the certificate (libpq calls that
# `verify-ca`); `chain and name` asks for whom as well (`verify-full`). curl and requests do both unless told otherwise.

# %%
chain_only = replace(wrong_host, client=replace(client, verifies="chain"))
show(explain(rehearse(chain_only)))

# %% [markdown]
# ## When does curl look at the name?
#
# The picture of a rehearsal and that of a real curl differ in one place. Where does the client stop?

# %%
proxy.switch(wrong_host)
late = curl(proxy, "/whoami")
show(late.handshake)

# %% [markdown]
# curl completes the handshake first and checks the name afterwards, on its own. It hangs up without an alert: the server's log shows
# a perfect handshake and a client that left. requests checks inside the handshake and tells the server why.

# %%
early = get(proxy, "/whoami")
show(early.handshake)

# %% [markdown]
# ## An address is not a name
#
# Dial 127.0.0.1 and the certificate must hold that address, as an address.

# %%
by_address = replace(scenario, server_name="127.0.0.1")
explain(rehearse(by_address)).title

# %%
no_address = issuing.issue("localhost", names=("localhost",), purpose="serverAuth")
dialled = replace(by_address, server=replace(server, presents=no_address))
show(explain(rehearse(dialled)))

# %% [markdown]
# ## And openssl?
#
# `openssl s_client` is the tool people reach for, and by default it refuses nothing: it prints a complaint and goes on.
# With `-verify_return_error` and `-verify_hostname` it does what the others do.

# %%
proxy.switch(attacked)
print(s_client(proxy, "/whoami"))

# %% [markdown]
# ## Exercises
#
# **1.** This call is refused. Mend it, and leave the verification on.

# %%
refused_call = replace(scenario, client=replace(client, trusts=(fake_root.certificate,)))
explain(rehearse(refused_call)).title

# %% tags=["exercise"]
mended = ...
check("02-mend", mended)

# %% tags=["solution"]
mended = replace(refused_call, client=replace(client, trusts=(root.certificate,)))
check("02-mend", mended)

# %% [markdown]
# **2.** Find a server credential that a client accepts at the level `chain` and refuses at `chain and name`.

# %% tags=["exercise"]
my_credential = ...
check("02-same-authority", my_credential, scenario)

# %% tags=["solution"]
my_credential = issuing.issue("another.example", purpose="serverAuth")
check("02-same-authority", my_credential, scenario)

# %%
hint("02-mend"), hint("02-same-authority")

# %%
proxy.close()
folder.cleanup()

# %% [markdown]
# ## What you can do now
#
# - You named the two checks, chain and name, and told which of them failed.
# - You used `--cacert` and `verify=`: they say where to look, and switch nothing on or off.
# - You saw that `-k` and `verify=False` make the error go away, and the check with it.
#
# Next, in notebook 03: where does trust come from when nobody says `--cacert`?
