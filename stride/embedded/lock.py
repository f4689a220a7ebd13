"""`python -m stride.embedded.lock`: writes kafka.lock anew (`make lock` calls it)."""

from rich.console import Console

from stride.embedded.jars import LOCK_FILE, write_lock

if __name__ == "__main__":
    Console().print(f"{write_lock()} jars written to {LOCK_FILE.name}")
