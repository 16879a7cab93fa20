"""What the functions' roles are granted, read off the synthesised template."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROLES = {"Api": "api", "Embedding": "embed", "Search": "search", "Upkeep": "upkeep"}
"""The functions by the constructs that hold their roles."""


@dataclass(frozen=True, order=True)
class Grant:
    """An action, and what it may be done to: ``table/jobs``, ``bucket/index/models/*``, ``queue/upkeep``."""

    action: str
    resource: str

    def covers(self, other: "Grant") -> bool:
        return self.action == other.action and fnmatchcase(other.resource, self.resource)


def grants() -> dict[str, set[Grant]]:
    """The grants by function; synthesised once for each state of ``infra/``."""
    sources = sorted((ROOT / "infra").glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, Path(__file__)])).hexdigest()
    kept = ROOT / f"build/grants-{digest[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        # In a process of its own: CDK's takes 200 MB and a second to end.
        subprocess.run([sys.executable, "-m", "tests.grants.policies", str(kept)], cwd=ROOT, check=True)
    found = json.loads(kept.read_text())
    return {function: {Grant(*grant) for grant in listed} for function, listed in found.items()}


def of_template(template: dict[str, Any]) -> dict[str, set[Grant]]:
    """Read the grants off a template, without those of logs."""
    found: dict[str, set[Grant]] = {}
    for name, body in template["Resources"].items():
        if body["Type"] != "AWS::IAM::Role":
            continue
        [function] = [
            function for construct, function in ROLES.items() if name.startswith(f"{construct}PartsRole")
        ]
        [policy] = body["Properties"]["Policies"]
        found[function] = {
            Grant(action, _place(resource))
            for statement in policy["PolicyDocument"]["Statement"]
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
            if not action.startswith("logs:")
        }
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _place(resource: Any) -> str:
    """Name a resource by its logical id, as the recorder names it by its environment variable."""
    suffix = ""
    if "Fn::Join" in resource:
        _, [resource, suffix] = resource["Fn::Join"]
    logical = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    for prefix, kind, names in _LOGICAL:
        for start, name in names.items():
            if logical.startswith(prefix + start):
                return f"{kind}/{name}{suffix}"
    raise ValueError(f"no name is known for {resource}")


_TABLES = {
    "".join(part.title() for part in name.split("_")) + "Table": name
    for name in (
        "users", "usernames", "sessions", "folders", "folder_names", "images", "jobs", "counters",
        "deployment", "other_images", "shares",
    )
}  # fmt: skip
_LOGICAL: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Storage", "table", _TABLES),
    ("Storage", "bucket", {"ImagesBucket": "images", "IndexBucket": "index"}),
    ("Embedding", "queue", {"Uploads": "uploads", "Maintenance": "maintenance"}),
    ("Upkeep", "queue", {"Queue": "upkeep"}),
    ("Search", "function", {"Alias": "search"}),
    ("Embedding", "function", {"": "embed"}),
)


def main() -> None:
    """Synthesise the stack, and write the grants to the file that is named."""
    from deployment.cdk import find_node

    # Before aws_cdk: it starts Node.js when it is imported, and PATH's may be too old or broken.
    os.environ.setdefault("JSII_NODE", str(find_node()))
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")

    from aws_cdk import App

    from infra.options import StackOptions
    from infra.stack import GlimpseStack

    # Without layers and without an image: none of them bears on a role.
    app = App(context={"embedZip": "true", "unbundled": "true"})
    GlimpseStack(app, "Glimpse", options=StackOptions.of(app.node))
    template = app.synth().get_stack_by_name("Glimpse").template
    found = {
        name: sorted((g.action, g.resource) for g in listed) for name, listed in of_template(template).items()
    }
    target = Path(sys.argv[1])
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(found, indent=1))
    partial.rename(target)


if __name__ == "__main__":
    main()
