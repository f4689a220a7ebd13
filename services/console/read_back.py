"""How the console is rebuilt from the log: it keeps every fact again, and has told nothing itself."""

from typing import Final

from shared.rebuild.read_back import ReadBack

READ_BACK: Final = ReadBack()
