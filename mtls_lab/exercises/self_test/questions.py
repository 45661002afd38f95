"""The twelve questions. Which option holds stands nowhere in this file: the experiment finds it."""

from mtls_lab.exercises.self_test import experiments
from mtls_lab.exercises.self_test.question import Option, Question

_ABOUT_THE_SERVER = (
    Question(
        slug="unknown-authority",
        title="Where a missing authority belongs",
        text='A client says "unable to get local issuer certificate" of a server that sends a complete chain. What is '
        "the least that mends it, while the client goes on verifying?",
        options=(
            Option(
                words="Install the root certificate in the system.",
                expects="the system is told",
                why="That makes every program on the machine trust it, which nobody asked for.",
            ),
            Option(
                words="Let the server send its root certificate, too.",
                expects="the server sends its root",
                why="A root that the other end sends is no reason to trust it: anybody can send one.",
            ),
            Option(words="Tell this one client what to trust, as --cacert does.", expects="this client is told"),
            Option(
                words="Get the server a certificate of a public authority.",
                expects="nothing here",
                why="That works, and is more than it takes: an authority of your own is as good, once it is trusted.",
            ),
        ),
        experiment=experiments.what_mends_an_unknown_authority,
        notebook="02",
    ),
    Question(
        slug="wrong-name",
        title="Trusted authority, other name",
        text="You dial localhost. The server's certificate is for other.example, from an authority that your client "
        "trusts. What does a client do that verifies chain and name?",
        options=(
            Option(words="It refuses: the name that was dialled is not in it.", expects="refused for the name"),
            Option(
                words="It accepts: the authority is trusted.",
                expects="accepted",
                why="Then everybody with a certificate of that authority could pose as any of its servers.",
            ),
            Option(
                words="It refuses: the authority may not speak for localhost.",
                expects="refused for the authority",
                why="The authority was fine; the certificate is for somebody else.",
            ),
        ),
        experiment=experiments.what_a_wrong_name_does,
        notebook="02",
    ),
    Question(
        slug="dash-k",
        title="What -k changes",
        text="Verification fails; with -k (verify=False, InsecureSkipVerify) the call works. What has changed?",
        options=(
            Option(
                words="The client takes the certificate as it is from now on, and would notice another one.",
                expects="an impostor is refused",
                why="Nothing is remembered: the next call takes any certificate, as this one did.",
            ),
            Option(
                words="The talk is not encrypted any more.",
                expects="nothing is encrypted",
                why="It is encrypted as before. With whom is another question.",
            ),
            Option(
                words="Nobody looks whom the client talks to; it is still encrypted.",
                expects="an impostor gets an encrypted call",
            ),
        ),
        experiment=experiments.what_dash_k_leaves,
        notebook="02",
    ),
    Question(
        slug="sslmode-require",
        title="What sslmode=require verifies",
        text="psql connects with sslmode=require, and no root file is about. What has it verified?",
        options=(
            Option(
                words="The server's chain and its name.",
                expects="the chain and the name",
                why="That is verify-full; require is about encryption only.",
            ),
            Option(
                words="The server's chain, but not its name.",
                expects="the chain",
                why="That is verify-ca; require is about encryption only.",
            ),
            Option(words="Nothing: it is encrypted, with whoever answered.", expects="nothing"),
        ),
        experiment=experiments.what_require_verifies,
        notebook="10",
    ),
)

_ABOUT_THE_CLIENT = (
    Question(
        slug="sent",
        title="When your certificate is sent",
        text="You call with --cert alice.pem --key alice-key.pem. When does alice's certificate leave your machine?",
        options=(
            Option(
                words="In every call: that is what --cert is for.",
                expects="always",
                why="--cert lets the client answer a question. It cannot make the server ask it.",
            ),
            Option(words="When the server asks for one.", expects="when it is asked for"),
            Option(
                words="Never: only a signature made with the key is sent.",
                expects="never",
                why="The signature proves that you hold the key; the certificate, sent first, says whose key it is.",
            ),
        ),
        experiment=experiments.when_a_certificate_leaves,
        notebook="04",
    ),
    Question(
        slug="answered",
        title="What an answer proves",
        text="You call with --cert and --key, and the answer is 200. Was that mutual TLS?",
        options=(
            Option(
                words="Yes: a server that does not like my certificate would not answer.",
                expects="only a server that verified it answers",
                why="True of a server that looks at it.",
            ),
            Option(words="That cannot be told from the answer.", expects="both kinds of server answer"),
            Option(
                words="Yes, since I did not use -k.",
                expects="only a server that verified it answers",
                why="-k is about the other direction: whether you verify the server.",
            ),
        ),
        experiment=experiments.what_an_answer_proves,
        notebook="04",
    ),
    Question(
        slug="purpose",
        title="A server's certificate at a client",
        text="A client presents a certificate that was issued for a server: trusted authority, in time, the key is "
        "there. The server requires a certificate. What happens?",
        options=(
            Option(words="Refused: it is not for clients.", expects="refused for the purpose"),
            Option(
                words="Accepted: a certificate is a certificate.",
                expects="accepted",
                why="A certificate also says what its key may be used for.",
            ),
            Option(
                words="Refused: it names a host and no person.",
                expects="refused for the name",
                why="A server that verifies a client compares no name: any name will do.",
            ),
        ),
        experiment=experiments.what_a_server_certificate_is_good_for,
        notebook="04",
    ),
    Question(
        slug="optional",
        title="What optional forgives",
        text="A server verifies clients at the level optional. A client presents an expired certificate. What happens?",
        options=(
            Option(
                words="It gets in as nobody, as if it had presented nothing.",
                expects="in",
                why="It forgives having none, not having a bad one.",
            ),
            Option(
                words="It gets in as alice, with a warning in the log.",
                expects="in",
                why="What did not verify says nothing about who it is.",
            ),
            Option(words="It is refused.", expects="refused"),
        ),
        experiment=experiments.what_optional_does_with_an_expired_one,
        notebook="04",
    ),
)

_ABOUT_REFUSALS = (
    Question(
        slug="finished",
        title="What a finished client knows",
        text="TLS 1.3, and the server requires a certificate. Your client's handshake returned without an error. What "
        "do you know?",
        options=(
            Option(
                words="The server has verified me and let me in.",
                expects="the server has accepted",
                why="In TLS 1.3 the client has finished before the server has looked at its certificate.",
            ),
            Option(
                words="Nothing about either side: verification comes with the first data.",
                expects="nobody was verified",
                why="Your client verified the server before it finished.",
            ),
            Option(
                words="I have verified the server; it may still refuse me.",
                expects="the server was verified, and may still refuse",
            ),
        ),
        experiment=experiments.what_a_finished_client_knows,
        notebook="06",
    ),
    Question(
        slug="unknown-ca",
        title="Whose authority is unknown",
        text="Your client stops: it received the alert unknown_ca. Whose certificate is it about?",
        options=(
            Option(
                words="The server's: my client does not know its authority.",
                expects="the client judged the server",
                why="Then your client would have sent the alert.",
            ),
            Option(words="Mine: the server does not know its authority.", expects="the server judged the client"),
            Option(
                words="Nobody's in particular: the handshake was damaged on its way.",
                expects="nobody judged",
                why="An alert is a message like others, sent on purpose. Damage has alerts of its own.",
            ),
        ),
        experiment=experiments.whose_alert_arrives,
        notebook="08",
    ),
    Question(
        slug="exit-60",
        title="What exit 60 is about",
        text='curl at TLS 1.2 ends with exit 60, "SSL certificate verification failed". Whose certificate can that be?',
        options=(
            Option(
                words="The server's only: 60 means that curl does not trust it.",
                expects="the server's",
                why="Mostly so, and not always: curl has one number for both.",
            ),
            Option(words="The server's, or my own.", expects="either"),
            Option(
                words="Mine only: for the server's it would be an alert.",
                expects="the client's",
                why="The server's is the more usual of the two.",
            ),
        ),
        experiment=experiments.whose_certificate_exit_60_is_about,
        notebook="15",
    ),
    Question(
        slug="permitted",
        title="What a good certificate permits",
        text="Alice's certificate verifies and the handshake is accepted. May she delete the order?",
        options=(
            Option(
                words="Yes: that is what client certificates are for.",
                expects="she may",
                why="The certificate says who she is. Everybody else of that authority has one as well.",
            ),
            Option(
                words="Yes, if the server requires certificates and does not only accept them.",
                expects="she may",
                why="The level required decides that there must be a name, not what the name may do.",
            ),
            Option(words="TLS does not say: it knows who she is.", expects="that is decided elsewhere"),
        ),
        experiment=experiments.what_a_verified_client_may,
        notebook="12",
    ),
)

QUESTIONS: tuple[Question, ...] = (*_ABOUT_THE_SERVER, *_ABOUT_THE_CLIENT, *_ABOUT_REFUSALS)
"""In the order in which they are asked."""
