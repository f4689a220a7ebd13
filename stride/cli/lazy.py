"""Commands that are imported only when they are used: `stride version` needs no Kafka."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


def lazy_commands(package: str, names: tuple[str, ...]) -> type[TyperGroup]:
    """A group of the commands `names`: each is the function, or `typer.Typer`, NAME of `package.NAME`."""

    class LazyCommands(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return list(names)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in names:
                return None
            command = getattr(import_module(f"{package}.{cmd_name}"), cmd_name)
            if isinstance(command, typer.Typer):
                return get_command(command)
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(command)
            return get_command(single)

    return LazyCommands
