"""Ways into the console for people at this machine: links that sign in once, without a password."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from services.console.store.sessions import make_link
from shared.database import open_engine
from shared.messaging.transactions import begin
from stride.embedded import Addresses
from stride.embedded.logins import read_accounts

LINK_MINUTES = 12 * 60


async def links_by_role(addresses: Addresses, secrets: Path) -> Mapping[str, str]:
    """A one-use link for each role, by role: of the largest clinic, and of an account that has few other roles."""
    accounts = read_accounts(secrets)
    size = Counter(account["clinic_id"] for account in accounts.values())
    best_first = sorted(accounts, key=lambda name: (-size[accounts[name]["clinic_id"]], len(accounts[name]["roles"])))
    chosen: dict[str, str] = {role: name for name in reversed(best_first) for role in accounts[name]["roles"]}
    return {role: await link_of(addresses, chosen[role]) for role in sorted(chosen)}


async def link_of(addresses: Addresses, account: str, minutes: int = LINK_MINUTES) -> str:
    """A link that signs `account` in once, within so many minutes."""
    engine = open_engine(addresses.database_url, "console", pool_size=1)
    try:
        async with begin(engine) as tx:
            return f"{addresses.services['console']}/enter/{await make_link(tx, account, minutes)}"
    finally:
        await engine.dispose()
