"""Path validation that predicts OpenSSL's verdict: for any chain, trust anchors, name and time, however odd.

How it works: each certificate is read as OpenSSL reads it (`ber`, `syntax`, `reading`), the chain is built as OpenSSL
builds it (`building`), and what OpenSSL then asks is asked in its order (`checks`, `revocation`, `constraints`,
`server_names`). The numbers that come out are X509_V_ERR codes; the evidence tells which mistake it is (`slugs`).

1. Nothing that a peer can send raises. What OpenSSL cannot read is refused, as it refuses it; what cannot be predicted
   (an algorithm of another build) is said in `unsure`.
2. Every problem is listed, in the order in which OpenSSL meets them; by default it stops at the first.
3. The rules are those of OpenSSL 3.0 at the flags of `handshake.contexts`: trust anchors first, no common names.
   RFC 5280 is stricter in places and looser in others; where it matters the code says so.
"""

from mtls_lab.certificates.validation.validate import Problem, Validation, validate

__all__ = ["Problem", "Validation", "validate"]
