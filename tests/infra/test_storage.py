"""Buckets and tables in the default synthesis."""

from tests.infra.templates import Template, listed, resources


def test_buckets_are_private_and_encrypted(template: Template) -> None:
    buckets = resources(template, "AWS::S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets.values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        [rule] = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_buckets_refuse_requests_without_tls(template: Template) -> None:
    policies = resources(template, "AWS::S3::BucketPolicy").values()
    assert {policy["Properties"]["Bucket"]["Ref"] for policy in policies} == set(
        resources(template, "AWS::S3::Bucket")
    )
    for policy in policies:
        assert any(_denies_plain_http(s) for s in policy["Properties"]["PolicyDocument"]["Statement"])


def test_plain_http_leaves_out_that_statement_alone(template: Template, local_template: Template) -> None:
    assert "aws:SecureTransport" in str(template)
    assert "aws:SecureTransport" not in str(local_template)
    assert set(resources(template, "AWS::S3::Bucket")) == set(resources(local_template, "AWS::S3::Bucket"))


def test_incomplete_uploads_and_noncurrent_versions_expire(template: Template) -> None:
    for bucket in resources(template, "AWS::S3::Bucket").values():
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert all(rule["Status"] == "Enabled" for rule in rules)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
        assert any("NoncurrentVersionExpiration" in rule for rule in rules)


def test_browsers_may_post_to_and_read_from_the_images_bucket_only(template: Template) -> None:
    rules = {
        name: bucket["Properties"].get("CorsConfiguration", {}).get("CorsRules", [])
        for name, bucket in resources(template, "AWS::S3::Bucket").items()
    }
    [methods] = [set(rule["AllowedMethods"]) for found in rules.values() for rule in found]
    assert methods == {"GET", "HEAD", "POST"}


def test_data_outlives_the_stack(template: Template) -> None:
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"):
        for resource in resources(template, kind).values():
            assert resource["DeletionPolicy"] == "Retain"
            assert resource["UpdateReplacePolicy"] == "Retain"


def test_tables_are_on_demand_recoverable_and_protected(template: Template) -> None:
    tables = resources(template, "AWS::DynamoDB::Table")
    assert len(tables) == 11
    for table in tables.values():
        properties = table["Properties"]
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert properties["DeletionProtectionEnabled"] is True


def test_sessions_and_jobs_expire(template: Template) -> None:
    expiring = {
        _key(table)
        for table in resources(template, "AWS::DynamoDB::Table").values()
        if table["Properties"].get("TimeToLiveSpecification")
        == {"AttributeName": "expires_at", "Enabled": True}
    }
    assert expiring == {("token_hash",), ("job_id",)}


def test_tables_have_the_documented_keys(template: Template) -> None:
    assert sorted(_key(table) for table in resources(template, "AWS::DynamoDB::Table").values()) == sorted(
        [
            ("user_id",),
            ("username",),
            ("token_hash",),
            ("folder_id",),
            ("owner_id", "folder_name"),
            ("folder_id", "image_id"),
            ("job_id",),
            ("name",),
            ("name",),
            ("index_key", "image_id"),
            ("folder_id", "user_id"),
        ]
    )


def _key(table: Template) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in table["Properties"]["KeySchema"])


def _denies_plain_http(statement: Template) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Principal"] == {"AWS": "*"}
        and listed(statement["Action"]) == ["s3:*"]
        and len(statement["Resource"]) == 2
    )
