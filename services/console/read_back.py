"""How the console is rebuilt from the log: it keeps every fact again; who signed in and did what is taken over."""

from typing import Final

from shared.rebuild.read_back import Compared, ReadBack

READ_BACK: Final = ReadBack(
    finish=(
        "DELETE FROM {rebuilt}.session",
        "DELETE FROM {rebuilt}.entry_link",
        "INSERT INTO {rebuilt}.session SELECT * FROM {running}.session",
        "INSERT INTO {rebuilt}.entry_link SELECT * FROM {running}.entry_link",
        "INSERT INTO {rebuilt}.audit SELECT * FROM {running}.audit ON CONFLICT DO NOTHING",
    ),
    tables={"sign_in_attempt": Compared(where="false")},
    not_in_log=("who has signed in, and the audit trail of what they saw and did",),
)
