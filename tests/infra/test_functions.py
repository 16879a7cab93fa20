"""The functions, their roles and who may reach them."""

import json
import re

import pytest
from glimpse.index.compaction.policy import LARGEST_BYTES

from infra.options import StackOptions
from tests.infra.conftest import Synthesize
from tests.infra.templates import Template, listed, resources, statements

ROLES = ("Api", "Embedding", "Search", "Upkeep")


@pytest.mark.parametrize("role", ROLES)
def test_roles_name_every_action(template: Template, role: str) -> None:
    actions = [action for statement in statements(template, role) for action in listed(statement["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]


@pytest.mark.parametrize("role", ROLES)
def test_roles_name_every_resource(template: Template, role: str) -> None:
    for statement in statements(template, role):
        for resource in listed(statement["Resource"]):
            # An object of a named bucket, below a named prefix, is the only wildcard.
            assert resource != "*"
            if "*" in json.dumps(resource):
                _, [bucket, path] = resource["Fn::Join"]
                assert bucket["Fn::GetAtt"][1] == "Arn"
                assert path in {"/uploads/*", "/thumbnails/*", "/images/*", "/indexes/*", "/models/*"}


@pytest.mark.parametrize("role", ROLES)
def test_roles_have_nothing_but_their_own_policy(template: Template, role: str) -> None:
    [body] = [
        body
        for name, body in resources(template, "AWS::IAM::Role").items()
        if name.startswith(f"{role}PartsRole")
    ]
    assert "ManagedPolicyArns" not in body["Properties"]
    assert not [r for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]


def test_there_is_no_role_but_the_functions(template: Template) -> None:
    assert len(resources(template, "AWS::IAM::Role")) == len(ROLES)


def test_memory_and_storage_hold_two_models(template: Template) -> None:
    sizes = {
        function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: (
            function["Properties"]["MemorySize"],
            function["Properties"].get("EphemeralStorage", {}).get("Size", 512),
        )
        for function in resources(template, "AWS::Lambda::Function").values()
    }
    assert sizes["embed"] >= (600 + 4 * 370, 512 + 2 * 370)
    segments_in_memory, segments_on_disk, encoder, largest_encoder = 768, 1536, 254, 1130
    assert sizes["search"] >= (
        segments_in_memory + 256 + encoder + largest_encoder,
        segments_on_disk + 2 * largest_encoder,
    )


def test_upkeep_has_room_for_the_largest_merge(template: Template) -> None:
    [upkeep] = [
        body["Properties"]
        for body in resources(template, "AWS::Lambda::Function").values()
        if body["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "upkeep"
    ]
    mebibytes = LARGEST_BYTES / 2**20
    assert upkeep["EphemeralStorage"]["Size"] >= 2.2 * mebibytes  # its inputs' vectors, and what it writes
    assert upkeep["MemorySize"] >= mebibytes + 512  # 1 GB for a million vectors, 1.1 GB of bytes


def test_search_reads_no_records_and_no_photographs(template: Template) -> None:
    allowed = json.dumps(statements(template, "Search"))
    assert "sqs:" not in allowed
    assert "ImagesBucket" not in allowed
    assert _table_actions(template, "Search") == {
        "Deployment": {"dynamodb:GetItem"},
        "Folders": {"dynamodb:UpdateItem"},
        "OtherImages": {"dynamodb:Query", "dynamodb:BatchWriteItem"},
    }


def test_upkeep_knows_indexes_and_its_own_queue_alone(template: Template) -> None:
    by_action = {
        action: json.dumps(statement["Resource"])
        for statement in statements(template, "Upkeep")
        for action in listed(statement["Action"])
        if not action.startswith("logs:")
    }
    assert {action.partition(":")[0] for action in by_action} == {"s3", "sqs"}
    assert "ImagesBucket" not in json.dumps(by_action)
    assert all("UpkeepQueue" in place for action, place in by_action.items() if action.startswith("sqs:"))
    objects = [by_action[f"s3:{verb}Object"] for verb in ("Get", "Put", "Delete")]
    assert all("/indexes/*" in place and "IndexBucket" in place for place in objects)


def test_upkeep_and_embed_are_one_image_with_two_entry_points(
    template: Template, local_template: Template
) -> None:
    images = [
        function["Properties"]
        for function in resources(template, "AWS::Lambda::Function").values()
        if "ImageUri" in function["Properties"]["Code"]
    ]
    first, second = images
    assert first["Code"] == second["Code"]
    entries = ["functions.embed.handler.handler", "functions.upkeep.handler.handler"]
    assert sorted(image["ImageConfig"]["Command"][0] for image in images) == entries
    zips = resources(local_template, "AWS::Lambda::Function").values()
    handlers = [function["Properties"]["Handler"] for function in zips]
    assert set(entries) <= set(handlers)


def test_a_merge_that_was_begun_has_time_and_memory(template: Template) -> None:
    [function] = [
        function["Properties"]
        for function in resources(template, "AWS::Lambda::Function").values()
        if function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "upkeep"
    ]
    assert function["Timeout"] == 900
    assert function["MemorySize"] >= 5 * 512 + 512


def test_embed_alone_changes_which_model_is_active(template: Template) -> None:
    actions = {role: _table_actions(template, role).get("Deployment") for role in ROLES}
    assert actions == {
        "Upkeep": None,
        "Api": {"dynamodb:GetItem", "dynamodb:ConditionCheckItem"},
        "Search": {"dynamodb:GetItem"},
        "Embedding": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"},
    }


def test_search_removes_what_a_deleted_index_held(template: Template) -> None:
    by_action = {
        action: listed(statement["Resource"])
        for statement in statements(template, "Search")
        for action in listed(statement["Action"])
    }
    [[_, [bucket, path]]] = [resource["Fn::Join"] for resource in by_action["s3:DeleteObject"]]
    assert bucket["Fn::GetAtt"][0].startswith("StorageIndexBucket")
    assert path == "/indexes/*"


@pytest.mark.parametrize("role", ROLES)
def test_models_are_read_by_those_who_run_them_and_written_by_none(template: Template, role: str) -> None:
    touching = [s for s in statements(template, role) if "/models/*" in json.dumps(s["Resource"])]
    actions = [action for statement in touching for action in listed(statement["Action"])]
    expected = {"Search": ["s3:GetObject"], "Embedding": ["s3:GetObject", "s3:DeleteObject"]}
    assert actions == expected.get(role, [])


def test_the_api_writes_uploads_only_and_erases_no_object(template: Template) -> None:
    by_action = {
        action: listed(statement["Resource"])
        for statement in statements(template, "Api")
        for action in listed(statement["Action"])
        if action.startswith("s3:")
    }
    assert set(by_action) == {"s3:GetObject", "s3:PutObject"}
    [[_, [_, path]]] = [resource["Fn::Join"] for resource in by_action["s3:PutObject"]]
    assert path == "/uploads/*"
    readable = {resource["Fn::Join"][1][1] for resource in by_action["s3:GetObject"]}
    assert readable == {"/uploads/*", "/thumbnails/*"}  # what other backends store has no records here
    assert "IndexBucket" not in json.dumps(statements(template, "Api"))


def test_embed_is_a_container_image_in_aws_and_a_zip_where_there_is_no_docker(
    template: Template, local_template: Template
) -> None:
    assert _package_types(template) == ["Image", "Image", "Zip", "Zip"]
    assert _package_types(local_template) == ["Zip"] * 4


def test_unbundled_has_the_shared_layer_alone(template: Template, local_template: Template) -> None:
    assert len(resources(template, "AWS::Lambda::LayerVersion")) == 3
    assert len(resources(local_template, "AWS::Lambda::LayerVersion")) == 1


def test_functions_run_python_3_12_on_x86_64_and_log_with_retention(template: Template) -> None:
    groups = resources(template, "AWS::Logs::LogGroup")
    assert all(group["Properties"]["RetentionInDays"] == 30 for group in groups.values())
    for function in resources(template, "AWS::Lambda::Function").values():
        properties = function["Properties"]
        assert properties["Architectures"] == ["x86_64"]
        assert properties.get("Runtime", "python3.12") == "python3.12"
        assert properties["LoggingConfig"]["LogGroup"]["Ref"] in groups
        variables = properties["Environment"]["Variables"]
        # Upkeep builds inverted files, on its two processors; nobody waits for a query there.
        threads = "2" if variables["POWERTOOLS_SERVICE_NAME"] == "upkeep" else "1"
        assert variables["OMP_NUM_THREADS"] == threads


def test_the_search_url_wants_signatures_and_belongs_to_the_alias(template: Template) -> None:
    [url] = resources(template, "AWS::Lambda::Url").values()
    [alias] = resources(template, "AWS::Lambda::Alias").values()
    assert url["Properties"]["AuthType"] == "AWS_IAM"
    assert alias["Properties"]["Name"] == "glimpse"
    assert url["Properties"]["Qualifier"] == "glimpse"
    # Nobody else is let in: a permission for the URL would be a resource policy.
    for permission in resources(template, "AWS::Lambda::Permission").values():
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"


def test_the_api_may_invoke_the_alias_only(template: Template) -> None:
    [alias] = resources(template, "AWS::Lambda::Alias")
    [statement] = [s for s in statements(template, "Api") if s["Action"] == "lambda:InvokeFunction"]
    assert statement["Resource"] == {"Ref": alias}


def test_the_gateway_keeps_query_strings_out_of_its_logs(template: Template) -> None:
    [stage] = resources(template, "AWS::ApiGatewayV2::Stage").values()
    assert stage["Properties"]["StageName"] == "$default"
    assert stage["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    fields = json.loads(stage["Properties"]["AccessLogSettings"]["Format"])
    assert fields["path"] == "$context.path"
    assert not [field for field in fields.values() if "query" in field.lower() or "header" in field.lower()]


def test_pages_of_any_origin_may_call_the_api(template: Template) -> None:
    [api] = resources(template, "AWS::ApiGatewayV2::Api").values()
    cors = api["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["*"]
    assert {"authorization", "content-type", "token"} <= set(cors["AllowHeaders"])
    assert "AllowCredentials" not in cors


def test_a_deployment_may_name_the_pages(synthesize: Synthesize) -> None:
    pages = ["https://a.example", "https://b.example:8443"]
    assembly = synthesize(
        embedZip="true", unbundled="true", plainHttp="true", allowedOrigins=", ".join(pages)
    )
    template = json.loads((assembly / "Glimpse.template.json").read_text())
    [api] = resources(template, "AWS::ApiGatewayV2::Api").values()
    assert api["Properties"]["CorsConfiguration"]["AllowOrigins"] == pages
    rules = [
        rule["AllowedOrigins"]
        for bucket in resources(template, "AWS::S3::Bucket").values()
        for rule in bucket["Properties"].get("CorsConfiguration", {}).get("CorsRules", [])
    ]
    assert rules == [pages]


@pytest.mark.parametrize("wrong", ["example.org", "https://example.org/", "*.example.org"])
def test_what_is_no_origin_is_refused(synthesize: Synthesize, wrong: str) -> None:
    with pytest.raises(ValueError, match="allowedOrigins"):
        synthesize(allowedOrigins=wrong)


def _table_actions(template: Template, role: str) -> dict[str, set[str]]:
    """Return what a role may do, by table."""
    found: dict[str, set[str]] = {}
    for statement in statements(template, role):
        for resource in listed(statement["Resource"]):
            named = re.search(r"Storage(\w+)Table", json.dumps(resource))
            if named and "index/" not in json.dumps(resource):
                found.setdefault(named[1], set()).update(listed(statement["Action"]))
    return found


def test_the_outputs_name_what_operators_need(template: Template) -> None:
    assert set(template["Outputs"]) >= {
        "ApiUrl",
        "ApiId",
        "ApiFunction",
        "EmbedFunction",
        "SearchFunction",
        "ImagesBucket",
        "IndexBucket",
        "DeploymentTable",
        "UploadQueueUrl",
        "MaintenanceQueueUrl",
        "UpkeepQueueUrl",
    }


def test_there_are_four_context_values() -> None:
    assert StackOptions.__slots__ == ("embed_zip", "unbundled", "plain_http", "allowed_origins")


def test_a_context_value_is_true_or_false() -> None:
    from aws_cdk import App

    with pytest.raises(ValueError, match="'embedZip' must be true or false, not 'yes'"):
        StackOptions.of(App(context={"embedZip": "yes"}).node)


def _package_types(template: Template) -> list[str]:
    functions = resources(template, "AWS::Lambda::Function").values()
    return sorted(function["Properties"].get("PackageType", "Zip") for function in functions)
