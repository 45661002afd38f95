"""A resumed session: no certificate passes, and yet nobody is anonymous."""

import pytest

from mtls_lab.handshake import Version, explain
from mtls_lab.handshake.exhibits import Cast
from mtls_lab.handshake.rehearse import rehearse_resumed
from mtls_lab.views.story import story


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_each_end_knows_what_it_knew_in_the_earlier_session(version: Version) -> None:
    scenario = Cast.gather().scenario(version)

    _, after = rehearse_resumed(scenario, scenario)

    notes = [row.note for row in story(after, explain(after)).rows]
    assert "as in the earlier session" in notes
    assert "the client stays anonymous" not in notes
    assert "client-not-asked" not in explain(after).also
