"""Figures as operators read them at a glance: the same in every language."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(seconds: float | None) -> str:
    """In the largest unit that fits: `3 d`, `2 h`, `15 min`, `40 s`; `–` where it is not known."""
    if seconds is None:
        return "–"
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{max(0, int(seconds))} s"


def rate(per_second: float | None) -> str:
    """Records a second, a minute or an hour, whichever gives a number that one can grasp."""
    if per_second is None:
        return "–"
    for factor, unit in ((1, "s"), (60, "min"), (3_600, "h")):
        if per_second * factor >= 1 or unit == "h":
            return f"{per_second * factor:,.0f}/{unit}"
    return "0/h"
