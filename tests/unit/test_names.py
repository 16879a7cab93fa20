"""One name, one thing: public classes of the shipped packages, and what two packages have to write alike."""

import ast
from collections import defaultdict
from pathlib import Path

from glimpse import keys

from infra import prefixes

ROOT = Path(__file__).parents[2]
SHIPPED = ("layers/glimpse/python/glimpse", "functions", "infra", "deployment", "local", "cli", "migration")

BESIDE_EACH_OTHER = {
    "Meta": "pynamodb takes a table's name from the model's own class of this name",
}
"""Names that several classes have to have, and why."""


def public_classes() -> dict[str, list[str]]:
    """Return where each public name is defined as a class."""
    places = defaultdict(list)
    for package in SHIPPED:
        for module in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(f"{module.relative_to(ROOT)}:{node.lineno}")
    return places


def test_a_public_class_shares_its_name_with_no_other() -> None:
    several = {name: places for name, places in public_classes().items() if len(places) > 1}
    assert {name: places for name, places in several.items() if name not in BESIDE_EACH_OTHER} == {}
    assert BESIDE_EACH_OTHER.keys() <= several.keys(), "an exception that nothing needs any more"


def test_the_stack_grants_the_prefixes_that_the_code_uses() -> None:
    """The stack's description imports nothing that it deploys, so it writes the prefixes itself."""
    theirs = {
        name.removesuffix("_PREFIX"): value for name, value in vars(keys).items() if name.endswith("_PREFIX")
    }
    assert {name: value for name, value in vars(prefixes).items() if name.isupper()} == theirs
