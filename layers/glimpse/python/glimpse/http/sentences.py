"""Describes what is wrong with a request's fields, in sentences that a person can act on.

Pydantic and FastAPI describe each fault by a type, a location and a context [1]_. Old pages show `detail` as
it is, so it is one sentence, about the first fault. The full list is in `errors`.

References
----------
.. [1] https://docs.pydantic.dev/latest/errors/validation_errors/
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SOURCES = frozenset({"body", "query", "path", "header", "cookie"})
_NO_OBJECT = "Send the request's fields as a JSON object, with the content type application/json."

_NO_MODEL = frozenset({"model_attributes_type", "model_type"})
_KEY = "[key]"  # follows a name that is itself at fault, rather than its value
_MAX_KEY = 50

Context = Mapping[str, Any]

_OF_TYPE: Mapping[str, Callable[[str, Context], str]] = {
    "missing": lambda name, _: f"{name} is missing; add it.",
    "extra_forbidden": lambda name, _: f"{name} is not known here; leave it out.",
    "string_type": lambda name, _: f"{name} has to be text.",
    "string_unicode": lambda name, _: f"{name} has to be text that can be encoded as UTF-8.",
    "string_too_short": lambda name, of: (
        f"{name} is empty; fill it in."
        if of.get("min_length") == 1
        else f"{name} is too short; it needs at least {_number(of, 'min_length')} characters."
    ),
    "string_too_long": lambda name, of: (
        f"{name} is too long; it can have at most {_number(of, 'max_length')} characters."
    ),
    "string_pattern_mismatch": lambda name, _: f"{name} does not have the required form.",
    "int_type": lambda name, _: f"{name} has to be a whole number.",
    "int_parsing": lambda name, _: f"{name} has to be a whole number.",
    "int_from_float": lambda name, _: f"{name} has to be a whole number.",
    "int_parsing_size": lambda name, _: f"{name} is too large a number.",
    "float_type": lambda name, _: f"{name} has to be a number.",
    "float_parsing": lambda name, _: f"{name} has to be a number.",
    "finite_number": lambda name, _: f"{name} has to be a finite number.",
    "greater_than_equal": lambda name, of: f"{name} has to be {_number(of, 'ge')} or more.",
    "less_than_equal": lambda name, of: f"{name} has to be {_number(of, 'le')} or less.",
    "bool_type": lambda name, _: f"{name} has to be true or false.",
    "bool_parsing": lambda name, _: f"{name} has to be true or false.",
    "list_type": lambda name, _: f"{name} has to be a list.",
    "dict_type": lambda name, _: f"{name} has to be an object, with names and values.",
    "too_long": lambda name, of: f"{name} has too many entries; send at most {_number(of, 'max_length')}.",
    "too_short": lambda name, of: (
        f"{name} is empty; it needs at least one entry."
        if of.get("min_length") == 1
        else f"{name} has too few entries; send at least {_number(of, 'min_length')}."
    ),
    "literal_error": lambda name, of: f"{name} has to be {of.get('expected', 'one of the known values')}.",
    "value_error": lambda name, of: f"{name} can't be used: {of.get('error', 'its value is not valid')}.",
}


def first_sentence(
    faults: Sequence[Mapping[str, Any]], special: Mapping[tuple[str, str], str] | None = None
) -> str:
    """Describe what is wrong with the first invalid field, and what to do.

    Parameters
    ----------
    faults : sequence of mapping
        The result of ``RequestValidationError.errors()``; at least one.
    special : mapping of (str, str) to str, optional
        A service's own sentences, by field name and fault type.
    """
    fault = faults[0]
    kind, place = str(fault["type"]), list(fault["loc"])
    if place and place[0] in _SOURCES:
        place = place[1:]
    field = next((part for part in reversed(place) if isinstance(part, str)), "")
    if sentence := (special or {}).get((field, kind)):
        return sentence
    if kind in _NO_MODEL and len(place) > 1:
        return f"{_name([*place, ''])} has to be an object, with names and values."
    if kind == "json_invalid" or kind in _NO_MODEL or not place:
        return "The request's body is not valid JSON." if kind == "json_invalid" else _NO_OBJECT
    context = fault.get("ctx", {})
    say = _OF_TYPE.get(kind)
    if say:
        return say(_name(place), context)
    message = str(fault["msg"])
    return f"{_name(place)} can't be used: {message[:1].lower()}{message[1:]}."


def _name(place: Sequence[str | int]) -> str:
    """Return a field's name in the usual notation: ``images[0].file_path``."""
    if len(place) > 2 and place[-1] == _KEY:
        return f"The name '{str(place[-2])[:_MAX_KEY]}' in {_name(place[:-2])}"
    name = ""
    for before, part, after in zip(("", *place), place, (*place[1:], None), strict=False):
        # List entries are values or flat objects, so a name followed by another one is a union's member.
        if isinstance(before, int) and isinstance(part, str) and isinstance(after, str):
            continue
        name += f"[{part}]" if isinstance(part, int) else f"{'.' if name and part else ''}{part}"
    return name


def _number(context: Context, name: str) -> str:
    value = context.get(name)
    return f"{value:,}" if isinstance(value, int) else str(value)
