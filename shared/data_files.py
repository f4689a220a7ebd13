"""Reading YAML data files into models, with errors that name file, line, column and field."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from shared.settings import ConfigurationInvalid

M = TypeVar("M", bound=BaseModel)


_INCONSISTENT: Final = "inconsistent"
_PLAINLY: Final = {
    "extra_forbidden": "there is no such field here: look at its spelling and at how far it is indented",
    "missing": "this field is needed",
}
"""What Pydantic says in words of its own."""


class Mistake(NamedTuple):
    """What is wrong and how to mend it, and where in the file: keys and indexes from the top."""

    place: tuple[int | str, ...]
    text: str


def inconsistent(mistakes: Sequence[Mistake]) -> PydanticCustomError:
    """What a model's validator raises when its parts contradict each other: each mistake keeps its place."""
    text = "; ".join(mistake.text for mistake in mistakes).replace("{", "{{").replace("}", "}}")
    return PydanticCustomError(_INCONSISTENT, text, {"mistakes": tuple(mistakes)})  # pyright: ignore[reportArgumentType]


def read_data_file(path: Path, model: type[M], context: object = None) -> M:
    """The file at `path` as `model`, validated with `context`.

    Raises:
        ConfigurationInvalid: not YAML, or not that model; one line per mistake, with line and column.
    """
    try:
        source = path.read_text(encoding="utf-8")
        tree = yaml.compose(source, Loader=yaml.SafeLoader)
        content: object = yaml.safe_load(source)
    except OSError as error:
        raise ConfigurationInvalid(f"{path}: can't be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationInvalid(f"{path}: not valid YAML: {error}") from error
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        found = [mistake for item in error.errors(include_url=False) for mistake in _mistakes(item)]
        told = [f"{path}, {_position(tree, place)}: {'.'.join(map(str, place))}: {text}" for place, text in found]
        raise ConfigurationInvalid("\n".join(told)) from None


def read_data_folder(folder: Path, model: type[M], called: str, id_field: str, example: str) -> dict[str, M]:
    """All files of `folder` as `model`, by their `id_field`. `called` and `example` are words for errors.

    Raises:
        ConfigurationInvalid: no file there, a file is wrong, or two have the same id.
    """
    found: dict[str, M] = {}
    for path in sorted(folder.glob("*.yaml")):
        one = read_data_file(path, model)
        name = getattr(one, id_field)
        if name in found:
            raise ConfigurationInvalid(f"{path}: another file already describes {called} {name}.")
        found[name] = one
    if not found:
        raise ConfigurationInvalid(f"No {called} in {folder}: add a file such as {folder}/{example}.")
    return found


def _mistakes(item: ErrorDetails) -> Iterable[Mistake]:
    if item["type"] == _INCONSISTENT:
        return item.get("ctx", {})["mistakes"]
    text = _PLAINLY.get(item["type"]) or item["msg"].removeprefix("Value error, ")
    return [Mistake(item["loc"], text)]


def _position(node: yaml.Node | None, place: tuple[int | str, ...]) -> str:
    """Line and column of the deepest part of `place` that the file has, both counted from 1."""
    mark = node.start_mark if node else None
    for step in place:
        node = _child(node, step) if node else None
        if node is None:
            break
        mark = node.start_mark
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1, column 1"


def _child(node: yaml.Node, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None
