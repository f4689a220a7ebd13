"""What waits at the front desk, in plain words: codes of scheduling as people say them."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.console.api.words import N_

WHY_NO_TIME: Final[Mapping[str, str]] = {
    "no-practitioner-with-skill": N_("Nobody in the clinic gives this treatment."),
    "no-room-of-kind": N_("The clinic has no room for this treatment."),
    "beyond-horizon": N_("The calendar does not reach that far yet."),
    "clinic-closed": N_("Nobody who could treat works on these days."),
    "fully-booked": N_("All who could treat, all rooms or the patient are taken on these days."),
    "window-past": N_("Its time was over when the plan came."),
    "all-or-nothing": N_("There was a time, but this course is booked as a whole or not at all."),
    "over-quota": N_("Its week has as many sessions as the plan allows."),
}
"""Why a session has no time."""

WHY_NOT: Final[Mapping[str, str]] = {
    "notice": N_("it is too soon: the clinic needs more notice"),
    "horizon": N_("the calendar does not reach that far yet"),
    "grid": N_("sessions do not begin at that time of the hour"),
    "patient-away": N_("the patient can't come then"),
    "patient-taken": N_("the patient has another appointment then"),
    "practitioner-closed": N_("the practitioner does not work then"),
    "practitioner-taken": N_("the practitioner has been booked meanwhile"),
    "room-closed": N_("the room is closed then"),
    "room-taken": N_("the room has been booked meanwhile"),
    "has-a-time": N_("the session has a time, or needs none any more"),
    "over": N_("the course is over"),
    "offer-over": N_("the offer is over or has been answered"),
    "has-moved": N_("the appointment that would move is no longer where it was"),
    "no-time": N_("no free time suits the wish"),
    "no-such-practitioner": N_("this practitioner does not give this treatment"),
    "no-such-room": N_("this treatment is not given in this room"),
}
"""Why something that was asked for can't be."""

BREAKS: Final[Mapping[str, str]] = {
    "spacing": N_("not as far from the next session as the plan asks"),
    "over-quota": N_("one session more in its week than the plan allows"),
    "not-preferred": N_("not at a time that the patient prefers"),
    "other-practitioner": N_("not with the usual practitioner"),
    "no-therapy": N_("nobody is free for the therapy beside it"),
    "impossible-time": N_("the patient has said that this time is impossible: ask first"),
}
"""What a time breaks of the plan or of the patient's wishes."""

WHY_OFFERED: Final[Mapping[str, str]] = {
    "no-time": N_("a session without a time gets one"),
    "first-session": N_("the course begins sooner"),
    "spacing": N_("the sessions lie more evenly"),
    "practitioner": N_("the usual practitioner treats"),
    "preferred-time": N_("a time that the patient prefers"),
    "sooner": N_("an earlier time"),
}
"""What a patient gains by an offer."""

OFFER_STATES: Final[Mapping[str, str]] = {
    "open": N_("offered"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "expired": N_("not answered in time"),
}

SETTLED: Final[Mapping[str, str]] = {
    "patient-declined": N_("the patient does without it"),
    "not-needed": N_("it is not needed"),
    "treated-elsewhere": N_("it is held elsewhere"),
    "made-up-later": N_("it is added at the end of the course"),
}
"""How a session without a time is settled with the patient."""

WEEKDAYS: Final[Mapping[str, str]] = {
    "MO": N_("Mon"), "TU": N_("Tue"), "WE": N_("Wed"), "TH": N_("Thu"), "FR": N_("Fri"), "SA": N_("Sat"),
    "SU": N_("Sun"),
}  # fmt: skip

OTHER: Final = N_("it is not possible as things stand now")


def refusal(reasons: Sequence[str]) -> list[str]:
    """The reasons that people can be told; a code that is not known says nothing."""
    return [WHY_NOT[reason] for reason in reasons if reason in WHY_NOT]
