"""Reading YAML data files into models, with errors that name file, line and field."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.settings import ConfigurationInvalid

M = TypeVar("M", bound=BaseModel)


def read_data_file(path: Path, model: type[M]) -> M:
    """The file at `path` as `model`.

    Raises:
        ConfigurationInvalid: not YAML, or not that model; one line per mistake.
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
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = [
            f"{path}, line {_line(tree, item['loc'])}: {'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise ConfigurationInvalid("\n".join(mistakes)) from None


def _line(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `path` that the file has, counted from 1."""
    line = 1
    for step in path:
        if node is None:
            return line
        line = node.start_mark.line + 1
        node = _child(node, step)
    return node.start_mark.line + 1 if node is not None else line


def _child(node: yaml.Node, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None
