"""Words of the protocols that come with Stride, for the catalogues. A clinic's own are shown as its files have them."""

from typing import Final

from services.console.api.words import N_

PROTOCOLS: Final = (
    N_("Acupuncture for foot drop"),
    N_("Acupuncture for chronic low back pain"),
    N_("Gait rehabilitation after stroke by physical therapy"),
)
MILESTONES: Final = (
    N_("Pain down by 40% during care"),
    N_("Pain down by 30% during care"),
    N_("Dorsiflexor strength up by 20% during care"),
    N_("Dorsiflexors one MRC grade stronger during care"),
    N_("Nerve recovery 25% faster than expected"),
    N_("Disability down by 10 points during care"),
    N_("Walking faster by 0.16 m/s during care"),
    N_("Timed Up and Go shorter by 23% during care"),
    N_("Six sessions held"),
    N_("Twelve sessions held"),
    N_("Twelve sessions held: the payer's limit"),
    N_("Thirty-six sessions held: the whole course"),
)
STEPS: Final = (
    N_("active"),
    N_("consolidating"),
    N_("discharge"),
    N_("fortnightly"),
    N_("full"),
    N_("intensive"),
    N_("monthly"),
    N_("weekly"),
)
"""Names of steps and phases."""
