"""Reading a CloudFormation template."""

from typing import Any

Template = dict[str, Any]


def resources(template: Template, kind: str) -> dict[str, Template]:
    """The resources of one type, by logical id; at least one."""
    found = {name: body for name, body in template["Resources"].items() if body["Type"] == kind}
    assert found, f"no {kind} in the template"
    return found


def statements(template: Template, role_prefix: str) -> list[Template]:
    """The statements of one function's role."""
    roles = [
        role
        for name, role in resources(template, "AWS::IAM::Role").items()
        if name.startswith(f"{role_prefix}PartsRole")
    ]
    assert len(roles) == 1
    [policy] = roles[0]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
