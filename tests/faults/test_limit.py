"""A bad deployment: everything fails. It must stop, not park a clinic's day; once mended, all is applied."""

from shared.messaging.parking import MOST_FAILURES
from tests.faults.harness import World, fault
from tests.faults.harness.replay import replay_all


@fault("everything-fails")
async def test_everything_fails(world: World) -> None:
    """100% failures: three processes stop at the limit one after another; a mended one and a replay apply all."""
    await world.writer.send([world.writer.next(patient=f"q{n % 300}", do="fail") for n in range(600)])
    for _ in range(3):
        assert await (await world.start()).ended(60) == 1, "it should have stopped by itself, with exit code 1"
        assert (await world.counts()).parked <= MOST_FAILURES
    async with world.replicas(1, LEDGER_MENDED="1"):
        await world.write(300)
        await world.quiet()
        await replay_all(world)
        await world.quiet()
