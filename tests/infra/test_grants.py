"""What roles grant is read off the template, and compared both ways with calls that were noted.

The comparison itself happens at the end of every whole run of the tests, over the calls that the functions
made in the integration tests (tests/grants).
"""

import pytest

from tests.grants.judge import differences, needs
from tests.grants.policies import Grant, of_template
from tests.infra.templates import Template

READ = Grant("dynamodb:GetItem", "table/folders")
COUNT = Grant("dynamodb:UpdateItem", "table/jobs")
PHOTOGRAPHS = Grant("s3:GetObject", "bucket/images/uploads/*")


def test_every_statement_is_read_by_the_names_of_its_resources(template: Template) -> None:
    found = of_template(template)
    assert found.keys() == {"api", "embed", "search", "upkeep"}
    assert READ in found["api"]  # a failed upload looks whether its folder is still there
    assert Grant("dynamodb:Query", "table/sessions/index/by_user") in found["api"]
    assert Grant("lambda:InvokeFunction", "function/search") in found["api"]
    assert Grant("lambda:InvokeFunction", "function/embed") in found["search"]
    assert Grant("sqs:ReceiveMessage", "queue/uploads") in found["embed"]
    assert Grant("s3:ListBucket", "bucket/index") in found["upkeep"]


def test_roles_are_the_same_on_one_machine(template: Template, local_template: Template) -> None:
    assert of_template(template) == of_template(local_template)


def test_a_call_that_no_statement_allows_is_named() -> None:
    needed = {"api": {READ, Grant("s3:GetObject", "bucket/images/secrets/1")}}
    assert differences(needed, {"api": {READ, PHOTOGRAPHS}}) == [
        "api calls s3:GetObject on bucket/images/secrets/1, which its role does not allow",
        "api's role allows s3:GetObject on bucket/images/uploads/*, which nothing calls",
    ]


def test_a_statement_covers_what_lies_below_its_prefix_and_no_other_action() -> None:
    assert PHOTOGRAPHS.covers(Grant("s3:GetObject", "bucket/images/uploads/1/2/3/cat.jpg"))
    assert not PHOTOGRAPHS.covers(Grant("s3:PutObject", "bucket/images/uploads/1/2/3/cat.jpg"))
    assert not PHOTOGRAPHS.covers(Grant("s3:GetObject", "bucket/index/uploads/1"))


def test_what_a_storage_method_did_for_anybody_is_needed_by_all_who_enter_it() -> None:
    finish = "records/images.py:ImageStore.mark_failed"
    calls = [
        ("api", finish, "dynamodb:UpdateItem", "table/jobs"),
        ("", finish, "dynamodb:GetItem", "table/folders"),  # a test of the class, in which the folder is gone
        ("", "records/folders.py:FolderStore.forget", "dynamodb:DeleteItem", "table/folders"),
    ]
    assert needs(calls) == {"api": {COUNT, READ}}


def test_polling_is_lambdas_own() -> None:
    assert not differences({}, {"embed": {Grant("sqs:ReceiveMessage", "queue/uploads")}})


@pytest.mark.parametrize("resource", [{"Ref": "SomethingNew"}, {"Fn::GetAtt": ["SomethingNew", "Arn"]}])
def test_a_resource_without_a_name_is_an_error(resource: dict[str, object]) -> None:
    statement = {"Action": "s3:GetObject", "Resource": resource}
    policy = {"PolicyDocument": {"Statement": [statement]}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}
    with pytest.raises(ValueError, match="no name is known"):
        of_template({"Resources": {"ApiPartsRole1": role}})
