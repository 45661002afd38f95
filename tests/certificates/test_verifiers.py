"""Independent verifiers judge what an Authority issues: they accept the sound and refuse the faulty.

The faulty ones are the control: a verifier that accepted everything would pass the first test, and fail the second.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mtls_lab.certificates import Authority, Certificate, Credential, Purpose, issue_set
from mtls_lab.certificates.faults import present
from tools import program

pytestmark = pytest.mark.live

SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a verifier is asked."""

    root: Certificate
    """Its trust anchor."""
    credential: Credential
    """What is presented."""
    purpose: Purpose
    """As what."""

    def files(self, folder: Path) -> tuple[Path, Path, Path]:
        """Root, leaf and intermediates as PEM files."""
        contents = (self.root.pem, self.credential.leaf.pem, b"".join(one.pem for one in self.credential.chain[1:]))
        paths = (folder / "root.pem", folder / "leaf.pem", folder / "intermediates.pem")
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return paths


Accepts = Callable[[Case], bool]
MakeVerifier = Callable[[Path], Accepts]


def succeeds(*command: str | Path, folder: Path) -> bool:
    """The program exits with 0."""
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False).returncode == 0


def openssl_strict(folder: Path) -> Accepts:
    openssl = program("openssl")

    def accepts(case: Case) -> bool:
        root, leaf, intermediates = case.files(folder)
        purpose = ["sslserver", "-verify_hostname", "localhost"] if case.purpose == "serverAuth" else ["sslclient"]
        untrusted = ["-untrusted", str(intermediates)] if case.credential.chain[1:] else []
        options = ["-x509_strict", "-CAfile", str(root), *untrusted, "-purpose", *purpose]
        return succeeds(openssl, "verify", *options, leaf, folder=folder)

    return accepts


def cryptography_webpki(folder: Path) -> Accepts:
    def accepts(case: Case) -> bool:
        builder = PolicyBuilder().store(Store([case.root.parsed]))
        chain = [one.parsed for one in case.credential.chain]
        try:
            if case.purpose == "serverAuth":
                builder.build_server_verifier(x509.DNSName("localhost")).verify(chain[0], chain[1:])
            else:
                builder.build_client_verifier().verify(chain[0], chain[1:])
        except VerificationError:
            return False
        return True

    return accepts


def gnutls(folder: Path) -> Accepts:
    certtool = program("certtool")

    def accepts(case: Case) -> bool:
        root, _, _ = case.files(folder)
        (folder / "chain.pem").write_bytes(case.credential.chain_pem)
        server = case.purpose == "serverAuth"
        purpose = [SERVER_AUTH, "--verify-hostname", "localhost"] if server else [CLIENT_AUTH]
        options = ["--load-ca-certificate", str(root), "--infile", "chain.pem", "--verify-purpose", *purpose]
        return succeeds(certtool, "--verify", *options, folder=folder)

    return accepts


def nss(folder: Path) -> Accepts:
    certutil = program("certutil")

    def accepts(case: Case) -> bool:
        store = folder / case.credential.leaf.fingerprint
        store.mkdir()
        assert succeeds(certutil, "-N", "-d", f"sql:{store}", "--empty-password", folder=folder)
        for position, one in enumerate((case.root, *case.credential.chain)):
            (folder / "one.pem").write_bytes(one.pem)
            trust = "CT,C,C" if position == 0 else ",,"
            add = [certutil, "-A", "-d", f"sql:{store}", "-n", f"certificate {position}", "-t", trust, "-i", "one.pem"]
            assert succeeds(*add, folder=folder)
        usage = "V" if case.purpose == "serverAuth" else "C"
        judge = [certutil, "-V", "-d", f"sql:{store}", "-n", "certificate 1", "-e", "-u", usage]
        return succeeds(*judge, folder=folder)

    return accepts


def go(folder: Path) -> Accepts:
    compiler = program("go")
    (folder / "verify.go").write_text(GO)
    offline = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPROXY": "off",
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(folder / "path"),
    }
    build = [compiler, "build", "-o", "verify-go", "verify.go"]
    subprocess.run(build, cwd=folder, env=offline, check=True, timeout=300)

    def accepts(case: Case) -> bool:
        return succeeds(folder / "verify-go", *case.files(folder), case.purpose, folder=folder)

    return accepts


def java(folder: Path) -> Accepts:
    launcher, compiler = program("java"), program("javac")
    (folder / "Verify.java").write_text(JAVA)
    subprocess.run([compiler, "Verify.java"], cwd=folder, check=True, timeout=300)

    def accepts(case: Case) -> bool:
        quick = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        return succeeds(launcher, *quick, "Verify", *case.files(folder), case.purpose, folder=folder)

    return accepts


EC_AND_RSA = ("EC P-256", "EC P-384", "EC P-521", "RSA 2048")
VERIFIERS: dict[MakeVerifier, tuple[str, ...]] = {
    openssl_strict: (*EC_AND_RSA, "Ed25519"),
    gnutls: (*EC_AND_RSA, "Ed25519"),
    go: (*EC_AND_RSA, "Ed25519"),
    java: (*EC_AND_RSA, "Ed25519"),
    cryptography_webpki: EC_AND_RSA,  # the web's profile has no Ed25519
    nss: EC_AND_RSA,  # Ed25519 came with NSS 3.99
}


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[[MakeVerifier], Accepts]:
    """Each verifier is set up (compiled) once."""
    return cache(lambda make: make(tmp_path_factory.mktemp(make.__name__)))


@pytest.fixture
def accepts(request: pytest.FixtureRequest, verifier: Callable[[MakeVerifier], Accepts]) -> Accepts:
    return verifier(request.param)


@cache
def authorities(key_type: str) -> tuple[Authority, Authority]:
    """Root and intermediate of that key type, made once: RSA takes its time."""
    root = Authority.create("Lab Root CA", key_type=key_type)
    return root, root.intermediate("Lab Issuing CA", key_type=key_type)


def all_but(*left_out: MakeVerifier) -> list[MakeVerifier]:
    return [one for one in VERIFIERS if one not in left_out]


def case(root: Authority, credential: Credential, purpose: Purpose = "serverAuth") -> Case:
    return Case(root=root.certificate, credential=credential, purpose=purpose)


def name_for(purpose: Purpose) -> str:
    return "localhost" if purpose == "serverAuth" else "alice"


@pytest.mark.parametrize("purpose", ["serverAuth", "clientAuth"])
@pytest.mark.parametrize(
    ("accepts", "key_type"),
    [(make, key_type) for make, key_types in VERIFIERS.items() for key_type in key_types],
    indirect=["accepts"],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_verifier_accepts_what_an_authority_issues(accepts: Accepts, key_type: str, purpose: Purpose) -> None:
    root, issuing = authorities(key_type)
    names = ("localhost", "127.0.0.1") if purpose == "serverAuth" else ("alice@example.org",)

    credential = issuing.issue(name_for(purpose), names=names, purpose=purpose, key_type=key_type)

    assert accepts(case(root, credential, purpose))


@pytest.mark.parametrize("purpose", ["serverAuth", "clientAuth"])
@pytest.mark.parametrize(
    "slug", ["untrusted-root", "self-signed", "expired", "not-yet-valid", "wrong-purpose", "incomplete-chain"]
)
@pytest.mark.parametrize("accepts", VERIFIERS, indirect=True, ids=lambda make: make.__name__)
def test_every_verifier_refuses_the_faults(accepts: Accepts, slug: str, purpose: Purpose) -> None:
    root, issuing = authorities("EC P-256")

    credential = present(slug, authority=issuing, name=name_for(purpose), purpose=purpose)

    assert credential is not None
    assert not accepts(case(root, credential, purpose))


# A name of the permitted kind, and one of a kind that was not permitted at all.
@pytest.mark.parametrize(
    "outside", [("localhost", "other.example"), ("localhost", "127.0.0.1")], ids=["host", "address"]
)
@pytest.mark.parametrize("accepts", VERIFIERS, indirect=True, ids=lambda make: make.__name__)
def test_every_verifier_holds_a_constrained_intermediate_to_its_names(
    accepts: Accepts, outside: tuple[str, ...]
) -> None:
    root, _ = authorities("EC P-256")
    issuing = root.intermediate("Constrained CA", permitted_names=("localhost",))

    assert accepts(case(root, issuing.issue("localhost", purpose="serverAuth")))
    assert not accepts(case(root, issuing.issue("localhost", names=outside, purpose="serverAuth")))


# Java takes a root as a name and a key: its constraints are not looked at (RFC 5280 section 6.1.1 leaves that open).
@pytest.mark.parametrize("accepts", all_but(java), indirect=True, ids=lambda make: make.__name__)
def test_every_verifier_but_java_holds_a_constrained_root_to_its_names(accepts: Accepts) -> None:
    root = Authority.create("Lab Root CA", permitted_names=("localhost",))

    assert accepts(case(root, root.issue("localhost", purpose="serverAuth")))
    assert not accepts(case(root, root.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")))


@pytest.mark.parametrize("accepts", all_but(cryptography_webpki), indirect=True, ids=lambda make: make.__name__)
def test_every_verifier_accepts_a_service_and_its_clients_although_only_they_are_permitted(
    accepts: Accepts, tmp_path: Path
) -> None:
    issued = issue_set(
        tmp_path,
        "shop.example",
        names=("localhost", "shop.example", "*.example.org", "127.0.0.1", "::1"),
        clients=("alice", "billing.shop.example"),
    )

    # cryptography's profile of the web wants a subjectAltName of clients too.
    for client in issued.clients:
        assert accepts(case(issued.root, client, "clientAuth"))
    assert accepts(case(issued.root, issued.service))


# What to do about a final dot OpenSSL leaves to its caller.
@pytest.mark.parametrize("asked", ["localhost", "LOCALHOST", "a.example.org", "A.B.example.org", "example.org", "org"])
@pytest.mark.parametrize("name", ["localhost", "*.example.org", "example.org", "DNS:127.0.0.1"])
def test_openssl_matches_the_same_names(tmp_path: Path, name: str, asked: str) -> None:
    _, issuing = authorities("EC P-256")
    leaf = issuing.issue("x", names=(name, "other.example"), purpose="serverAuth").leaf
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)

    command = [program("openssl"), "x509", "-in", "leaf.pem", "-noout", "-checkhost", asked]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout

    assert ("does match" in said) is leaf.matches_name(asked)


GO = """
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func read(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return content
}

func main() {
	block, _ := pem.Decode(read(os.Args[2]))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	options.Roots.AppendCertsFromPEM(read(os.Args[1]))
	options.Intermediates.AppendCertsFromPEM(read(os.Args[3]))
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if os.Args[4] == "serverAuth" {
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		options.DNSName = "localhost"
	}
	if _, err := leaf.Verify(options); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
"""

JAVA = """
import java.io.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.*;
import javax.net.ssl.*;

public class Verify {
    static List<X509Certificate> read(String path) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        try (InputStream in = new BufferedInputStream(new FileInputStream(path))) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            while (in.available() > 0) found.add((X509Certificate) factory.generateCertificate(in));
        }
        return found;
    }

    public static void main(String[] args) throws Exception {
        KeyStore trusts = KeyStore.getInstance(KeyStore.getDefaultType());
        trusts.load(null, null);
        trusts.setCertificateEntry("root", read(args[0]).get(0));
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(trusts);
        X509TrustManager manager = (X509TrustManager) factory.getTrustManagers()[0];
        List<X509Certificate> chain = read(args[1]);
        chain.addAll(read(args[2]));
        X509Certificate[] presented = chain.toArray(new X509Certificate[0]);
        try {
            if (args[3].equals("serverAuth")) manager.checkServerTrusted(presented, "ECDHE_ECDSA");
            else manager.checkClientTrusted(presented, "EC");
        } catch (CertificateException error) {
            System.out.println(error);
            System.exit(1);
        }
    }
}
"""
