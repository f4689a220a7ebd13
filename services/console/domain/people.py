"""Who uses the console, and what they may see."""

from typing import Final, NamedTuple

from shared.tokens import Role

STAFF: Final[tuple[Role, ...]] = ("clinician", "front-desk", "operator", "auditor")
"""Roles of people; a clinic system's is for programs."""

KNOWS_NAMES: Final[frozenset[Role]] = frozenset({"clinician", "front-desk"})
"""Who sees patients' names: others work by ids."""


class Person(NamedTuple):
    """Somebody who has signed in, or the holder of a token."""

    clinic_id: str
    person_id: str
    """The id of a member of the clinic's staff, as alerts name their owners; of a token, its system's."""
    name: str
    roles: frozenset[Role]

    def may(self, *roles: Role) -> bool:
        """Whether one of the person's roles is among `roles`."""
        return not self.roles.isdisjoint(roles)

    @property
    def knows_names(self) -> bool:
        """Whether patients' names may be shown to them."""
        return not self.roles.isdisjoint(KNOWS_NAMES)
