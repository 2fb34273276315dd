"""A second opinion on every request: aiogram's models, which nobody here wrote."""

import inspect
import json
from typing import Any, get_args

from aiogram import methods as aiogram_methods
from aiogram.client.default import Default
from aiogram.methods import TelegramMethod
from aiogram.types import BufferedInputFile
from pydantic import BaseModel, ValidationError

from sales_assets_tests.fake_telegram.calls import Call, is_attachment

MODELS: dict[str, type[TelegramMethod[Any]]] = {
    model.__name__.lower(): model
    for _, model in inspect.getmembers(aiogram_methods, inspect.isclass)
    if issubclass(model, TelegramMethod) and model is not TelegramMethod
}


def violations(call: Call) -> list[str]:
    """What aiogram's model of the method says against the request; empty if nothing."""
    model = MODELS.get(call.method.lower())
    if model is None:
        return [f"{call.method}: aiogram knows no such method"]
    return [f"{call.method}: {problem}" for problem in problems(model, call)]


def problems(model: type[TelegramMethod[Any]], call: Call) -> list[str]:
    used: set[str] = set()
    try:
        values = {name: decoded(model, name, value) for name, value in call.params.items()}
        values |= {name: as_input(call, name, used) for name in call.files if is_field(model, name)}
        request = model.model_validate(with_files(values, call, used))
    except (ValidationError, LookupError, ValueError) as error:
        return [str(error)]
    lost = sorted(call.files.keys() - used)
    return unknown_fields(request) + [f"the file part {name!r} is used nowhere" for name in lost]


def is_field(model: type[BaseModel], name: str) -> bool:
    return name in model.model_fields


def decoded(model: type[BaseModel], name: str, value: Any) -> Any:
    """A JSON-serialised parameter as the object it stands for; text stays text."""
    if not is_field(model, name) or not isinstance(value, str):
        return value
    if is_plain_text(model.model_fields[name].annotation) or not value.startswith(("{", "[")):
        return value
    return json.loads(value)


def is_plain_text(annotation: Any) -> bool:
    return set(get_args(annotation) or (annotation,)) <= {str, type(None), Default}


def as_input(call: Call, key: str, used: set[str]) -> BufferedInputFile:
    used.add(key)
    upload = call.files[key]
    return BufferedInputFile(upload.content, upload.name)


def with_files(value: Any, call: Call, used: set[str]) -> Any:
    """The value with every attach://key replaced by the file that came under the key."""
    if isinstance(value, dict):
        return {name: with_files(part, call, used) for name, part in value.items()}
    if isinstance(value, list):
        return [with_files(part, call, used) for part in value]
    if isinstance(value, str) and is_attachment(value):
        key = value.removeprefix("attach://")
        if key not in call.files:
            raise LookupError(f"{value} names a file part that did not come")
        return as_input(call, key, used)
    return value


def unknown_fields(value: Any, path: str = "") -> list[str]:
    """Every field, at any depth, that aiogram's models don't have."""
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in unknown_fields(part, path)]
    if not isinstance(value, BaseModel):
        return []
    found = [f"unknown field {path}{name}" for name in value.model_extra or {}]
    for name in value.model_fields_set & type(value).model_fields.keys():
        found += unknown_fields(getattr(value, name), f"{path}{name}.")
    return found
