"""What mends a refusal, in the words of the tool at hand. Files are named as the lab names them."""

from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.messages import Role


def trust_the_root(judged: Role, what: str) -> tuple[Fix, ...]:
    """The verifier is to trust another authority."""
    if judged == "server":
        return (
            Fix(tool="curl", text="--cacert root.pem"),
            Fix(tool="requests", text='verify="root.pem"'),
            Fix(tool="openssl", text="s_client -CAfile root.pem -verify_return_error"),
            Fix(tool="libpq", text="sslmode=verify-full sslrootcert=root.pem"),
            Fix(tool="Go", text="tls.Config{RootCAs: pool}, pool.AppendCertsFromPEM(root)"),
            Fix(tool="mtls_lab", text=f"let the client trust {what}: replace(client, trusts=(root.certificate,))"),
        )
    return (
        Fix(tool="nginx", text="ssl_client_certificate root.pem;"),
        Fix(tool="openssl", text="s_server -CAfile root.pem -Verify 1 -verify_return_error"),
        Fix(tool="HAProxy", text="bind ... ca-file root.pem verify required"),
        Fix(tool="Envoy", text="validation_context: {trusted_ca: {filename: root.pem}}"),
        Fix(tool="Go", text="tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}"),
        Fix(tool="PostgreSQL", text="ssl_ca_file = 'root.pem'"),
        Fix(tool="mtls_lab", text=f"let the server trust {what}: replace(server, trusts=(root.certificate,))"),
        Fix(tool="client", text="or present a certificate from an authority that the server trusts"),
    )


def present_one() -> tuple[Fix, ...]:
    """The client is to present a certificate."""
    return (
        Fix(tool="curl", text="--cert alice.pem --key alice-key.pem"),
        Fix(tool="requests", text='cert=("alice.pem", "alice-key.pem")'),
        Fix(tool="openssl", text="s_client -cert alice.pem -key alice-key.pem"),
        Fix(tool="libpq", text="sslcert=alice.pem sslkey=alice-key.pem  (the key readable by you alone)"),
        Fix(tool="Go", text='tls.LoadX509KeyPair("alice.pem", "alice-key.pem") into tls.Config.Certificates'),
        Fix(tool="mtls_lab", text='replace(client, presents=issuing.issue("alice", purpose="clientAuth"))'),
    )


def present_the_chain(judged: Role) -> tuple[Fix, ...]:
    """The presenter is to send its intermediates along."""
    name = "localhost" if judged == "server" else "alice"
    tools = (
        (
            Fix(tool="nginx", text=f"ssl_certificate {name}-chain.pem;"),
            Fix(tool="HAProxy", text=f"bind ... crt {name}-chain-and-key.pem"),
            Fix(tool="Go", text=f'tls.LoadX509KeyPair("{name}-chain.pem", "{name}-key.pem")'),
            Fix(tool="PostgreSQL", text=f"ssl_cert_file = '{name}-chain.pem'"),
        )
        if judged == "server"
        else (
            Fix(tool="curl", text=f"--cert {name}-chain.pem --key {name}-key.pem"),
            Fix(tool="requests", text=f'cert=("{name}-chain.pem", "{name}-key.pem")'),
            Fix(tool="libpq", text=f"sslcert={name}-chain.pem sslkey={name}-key.pem"),
        )
    )
    return (
        Fix(tool="shell", text=f"cat {name}.pem issuing.pem > {name}-chain.pem  (leaf first)"),
        *tools,
        Fix(tool="mtls_lab", text="present the credential as issued: its chain holds the intermediates"),
    )


def reissue(judged: Role, how: str) -> tuple[Fix, ...]:
    """The presenter needs another certificate."""
    name, purpose = ("localhost", "serverAuth") if judged == "server" else ("alice", "clientAuth")
    return (
        Fix(
            tool="openssl",
            text="look with: openssl x509 -in cert.pem -noout -dates -ext subjectAltName,extendedKeyUsage",
        ),
        Fix(tool="mtls_lab", text=f'issuing.issue("{name}", purpose="{purpose}"): a new certificate {how}'),
    )


def renew_above(judged: Role) -> tuple[Fix, ...]:
    """An authority above the leaf needs a new certificate, for the same key; the leaf can stay."""
    name = "localhost" if judged == "server" else "alice"
    return (
        Fix(tool="openssl", text="x509 -in issuing.pem -noout -dates: look at every certificate of the chain"),
        Fix(tool="shell", text=f"cat {name}.pem issuing-renewed.pem > {name}-chain.pem  (the leaf can stay)"),
        Fix(tool="mtls_lab", text='root.intermediate("Lab Issuing CA"), and issue the leaf from it'),
    )


def ask_the_authority(judged: Role) -> tuple[Fix, ...]:
    """Nothing that the two ends can set mends it: the certificate must be issued otherwise."""
    name, purpose = ("localhost", "serverAuth") if judged == "server" else ("alice", "clientAuth")
    return (
        Fix(tool="openssl", text="x509 -in issuing.pem -noout -text: basicConstraints, keyUsage, nameConstraints"),
        Fix(tool="authority", text="have the certificate issued by an authority that may issue it"),
        Fix(tool="mtls_lab", text=f'issuing.issue("{name}", purpose="{purpose}") with a sound intermediate'),
    )


def check_the_name(name: str) -> tuple[Fix, ...]:
    """The certificate is to carry the name that is dialled, and the client is to check it."""
    kind = "IP" if name.replace(".", "").isdigit() or ":" in name else "DNS"
    return (
        Fix(tool="openssl", text=f'req -x509 ... -addext "subjectAltName={kind}:{name}"'),
        Fix(
            tool="curl",
            text="dial a name that is in the certificate (--resolve NAME:PORT:127.0.0.1 if DNS does not know it)",
        ),
        Fix(tool="libpq", text="sslmode=verify-full checks chain and name, verify-ca the chain only"),
        Fix(tool="mtls_lab", text=f'issuing.issue("{name}", purpose="serverAuth"), client verifies="chain and name"'),
    )


def ask_for_it() -> tuple[Fix, ...]:
    """The server is to ask for a client certificate and insist on it."""
    return (
        Fix(tool="curl", text="look for `Request CERT (13)` in the output of curl -v: without it --cert does nothing"),
        Fix(tool="nginx", text="ssl_client_certificate root.pem; ssl_verify_client on;"),
        Fix(tool="HAProxy", text="bind ... ca-file root.pem verify required"),
        Fix(tool="Envoy", text="require_client_certificate: true"),
        Fix(tool="Go", text="tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}"),
        Fix(tool="PostgreSQL", text="hostssl all all all cert  (pg_hba.conf)"),
        Fix(tool="openssl", text="s_server -CAfile root.pem -Verify 1 -verify_return_error"),
        Fix(tool="mtls_lab", text='replace(server, verifies="required", trusts=(root.certificate,))'),
    )


def switch_verification_on(role: Role) -> tuple[Fix, ...]:
    """That end is to verify its peer."""
    if role == "server":
        return (Fix(tool="mtls_lab", text='the server\'s switch: replace(server, verifies="required")'),)
    return (
        Fix(tool="curl", text="leave out -k and say --cacert root.pem"),
        Fix(tool="requests", text='verify="root.pem" in place of verify=False'),
        Fix(tool="mtls_lab", text='the client\'s switch: replace(client, verifies="chain and name")'),
    )
