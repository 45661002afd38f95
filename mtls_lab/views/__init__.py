"""What there is to see: handshakes, explanations, certificates, tables and the panel. Pure, but for the panel."""

from typing import TYPE_CHECKING

from mtls_lab.views.card import explanation_card
from mtls_lab.views.chain import certificate_card, chain_card
from mtls_lab.views.ladder import ladder
from mtls_lab.views.message_table import message_table
from mtls_lab.views.picture import Picture
from mtls_lab.views.projector import projector
from mtls_lab.views.show import show
from mtls_lab.views.side_by_side import side_by_side
from mtls_lab.views.table import TruthTable, truth_table

if TYPE_CHECKING:
    from mtls_lab.views.switches import TwoSwitches

__all__ = [
    "Picture",
    "TruthTable",
    "TwoSwitches",
    "certificate_card",
    "chain_card",
    "explanation_card",
    "ladder",
    "message_table",
    "projector",
    "show",
    "side_by_side",
    "truth_table",
]


def __getattr__(name: str) -> object:
    # Only the panel needs ipywidgets, which takes longer to import than all the rest.
    if name == "TwoSwitches":
        from mtls_lab.views.switches import TwoSwitches

        return TwoSwitches
    raise AttributeError(f"mtls_lab.views has no {name!r}; it has {', '.join(__all__)}")
