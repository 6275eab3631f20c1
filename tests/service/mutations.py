"""JSON bodies that are wrong somewhere: what a careless or a hostile client sends."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**6, 10**19, -(10**400), 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), "", " ", "a", "\0", "\ud800", "\udfff.png", "x" * 5000),
    *("../../etc/passwd", "/proc/self/mem", "resize=0.5", "blur=", "=", "fast", "png", "80"),
    *([], {}, [[]], [{}], {"": None}, [None], {"op": None}, {"op": "blur"}, {"op": ["blur"]}),
    *({"op": "resize", "factor": {}}, {"input": [], "output": {}}, [["a"] * 3] * 3),
]

Place = tuple[Any, Any]
"""A container and a key or an index in it."""


def places(value: Any) -> Iterator[Place]:
    """Every place of a JSON value, however deep."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def mutated(good: dict[str, Any], generator: random.Random) -> str:
    """The text of `good` with one to three changes, and sometimes cut or with a byte changed."""
    body = copy.deepcopy(good)
    for _ in range(generator.randint(1, 3)):
        found = list(places(body))
        if found:
            _change(*generator.choice(found), generator)
    text = json.dumps(body)
    if generator.random() < 0.1:
        at = generator.randrange(len(text))
        text = text[:at] + generator.choice(["", "}", '"', ",", "\\"]) + text[at + 1 :]
    return text


def _change(container: Any, key: Any, generator: random.Random) -> None:
    match generator.choice(["replace", "replace", "remove", "rename", "repeat", "wrap"]):
        case "replace":
            container[key] = copy.deepcopy(generator.choice(ODD))
        case "remove":
            del container[key]
        case "rename" if isinstance(container, dict):
            name = generator.choice([f"{key}s", "", "op", "\ud800", "a/b~c", "0"])
            container[name] = container.pop(key)
        case "repeat" if isinstance(container, list):
            container.extend([container[key]] * generator.randint(1, 3))
        case _:
            container[key] = [container[key]]
