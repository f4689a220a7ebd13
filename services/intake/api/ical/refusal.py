"""Why an iCalendar file is not taken."""


class NotUsable(Exception):
    """The file can't become a calendar; says what is wrong and how to mend it, without quoting it."""

    def __init__(self, detail: str, remedy: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
