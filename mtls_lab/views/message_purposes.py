"""What each message is for, in a few words, and the section that defines it."""

from mtls_lab.handshake import Message, Version

_CERTIFICATE = "says who the sender is: its chain, leaf first"
_ASKS = "asks the client for a certificate"
_SIGNS = "signs all that was said so far: its sender holds the key"
_SEALS = "sums up all that was said: nobody changed it on the way"
_ALERT = "says why the sender gives up"
_CLOSED = "closed: its length and its moment are all there is to see"

_TLS13 = {
    "ClientHello": ("offers versions, cipher suites and a key share", "4.1.2"),
    "HelloRetryRequest": ("asks for a key share of another group", "4.1.4"),
    "ServerHello": ("chooses one of each; from here on both have keys", "4.1.3"),
    "EncryptedExtensions": ("answers the rest of the ClientHello", "4.3.1"),
    "CertificateRequest": (_ASKS, "4.3.2"),
    "Certificate": (_CERTIFICATE, "4.4.2"),
    "CertificateVerify": (_SIGNS, "4.4.3"),
    "Finished": (_SEALS, "4.4.4"),
    "EndOfEarlyData": ("ends the data sent before the handshake was done", "4.5"),
    "NewSessionTicket": ("lets the client come back without a certificate", "4.6.1"),
    "KeyUpdate": ("changes the sender's keys", "4.6.3"),
    "Alert": (_ALERT, "6"),
    "EncryptedRecord": (_CLOSED, "5.2"),
}
_TLS12 = {
    "HelloRequest": ("asks for a new handshake", "7.4.1.1"),
    "ClientHello": ("offers versions and cipher suites", "7.4.1.2"),
    "ServerHello": ("chooses one of each", "7.4.1.3"),
    "Certificate": (_CERTIFICATE, "7.4.2"),
    "ServerKeyExchange": ("brings a fresh public key, signed: the server holds the key", "7.4.3"),
    "CertificateRequest": (_ASKS, "7.4.4"),
    "ServerHelloDone": ("says that it is the client's turn", "7.4.5"),
    "ClientKeyExchange": ("brings the client's fresh public key; both have keys", "7.4.7"),
    "CertificateVerify": (_SIGNS, "7.4.8"),
    "ChangeCipherSpec": ("says that the sender encrypts from here on", "7.1"),
    "Finished": (_SEALS, "7.4.9"),
    "Alert": (_ALERT, "7.2"),
    "EncryptedRecord": (_CLOSED, "6.2.3"),
}
_ELSEWHERE = {
    "NewSessionTicket": ("lets the client come back without a certificate", "RFC 5077 section 3.3"),
    "CertificateStatus": ("brings the authority's word that it is not revoked", "RFC 6066 section 8"),
    "CompressedCertificate": (_CERTIFICATE, "RFC 8879 section 4"),
}


def purpose_of(message: Message, *, version: Version | None) -> tuple[str, str]:
    """What that message is for, and its section: of RFC 8446 in TLS 1.3, of RFC 5246 otherwise."""
    if message.name == "Certificate" and message.sender == "client" and version != "TLSv1.3":
        # TLS 1.2 gives the client's Certificate a section of its own.
        return _CERTIFICATE, "RFC 5246 section 7.4.6"
    rfc, table = ("RFC 8446", _TLS13) if version == "TLSv1.3" else ("RFC 5246", _TLS12)
    if message.name in table:
        purpose, section = table[message.name]
        return purpose, f"{rfc} section {section}"
    return _ELSEWHERE.get(message.name, ("makes no sense here", f"{rfc} section 6"))
