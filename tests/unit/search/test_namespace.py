import pytest

from functions.search.namespace import namespace_of

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:Glimpse-Search"


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        f"{ARN}:$LATEST",
        f"{ARN}:$LATEST.PUBLISHED",
        f"{ARN}:1",
        f"{ARN}:4711",
        f"{ARN}:glimpse",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:search:7",
    ],
)
def test_the_function_itself_has_the_shared_namespace(arn: str) -> None:
    assert namespace_of(arn, "shared") == "shared"


@pytest.mark.parametrize("alias", ["java-backend", "v2", "GLIMPSE", "glimpse2", "1a", "live"])
def test_any_other_alias_is_a_namespace(alias: str) -> None:
    assert namespace_of(f"{ARN}:{alias}", "shared") == alias


@pytest.mark.parametrize(
    "arn", ["", "search", "search:alias", f"{ARN}:", f"{ARN}:a:b", "arn:aws:s3:::bucket"]
)
def test_what_is_no_function_has_none(arn: str) -> None:
    with pytest.raises(ValueError, match="not the ARN"):
        namespace_of(arn, "shared")
