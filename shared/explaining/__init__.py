"""Verdicts in plain words, one paragraph each, from their evidence alone, in English and German.

The words say what was seen and how sure it is; "during care", never "because of it". Evidence of older
releases lacks some fields: then the paragraph says less.
"""

from shared.explaining.names import measure_name, renamed_measure, unit_name
from shared.explaining.paragraphs import (
    explain_not_evaluable,
    explain_plateau,
    explain_proposal,
    explain_reached,
    explain_regression,
    explain_retracted,
)

__all__ = [
    "explain_not_evaluable",
    "explain_plateau",
    "explain_proposal",
    "explain_reached",
    "explain_regression",
    "explain_retracted",
    "measure_name",
    "renamed_measure",
    "unit_name",
]
