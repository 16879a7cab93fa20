"""The backend API: the api function behind an HTTP API."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra import prefixes
from infra.function import FunctionParts, Layers, ZipFunction, allow
from infra.storage import Storage

# The least privileges that each table's access patterns (docs/data-model.md) need.
_TABLE_ACTIONS: dict[str, tuple[str, ...]] = {
    "users": ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"),
    # Scanned once, when names older than the look-alike rule get their rows.
    "usernames": ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Scan"),
    "sessions": ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    "folders": ("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
    "folder_names": ("GetItem", "Query", "PutItem", "DeleteItem"),
    "images": ("GetItem", "BatchGetItem", "PutItem", "UpdateItem"),
    "jobs": ("GetItem", "PutItem", "UpdateItem"),
    "counters": ("UpdateItem",),
    "deployment": ("GetItem", "ConditionCheckItem"),
    "shares": ("BatchWriteItem",),
}

# No query string and no header: old clients send their token as a query parameter.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ip": "$context.identity.sourceIp",
    "latencyMs": "$context.integrationLatency",
    "error": "$context.integrationErrorMessage",
}


class Api(Construct):
    """The api function and its HTTP API.

    Attributes
    ----------
    function : lambda_.Function
        The function.
    http_api : apigatewayv2.HttpApi
        Its gateway, which sends every path to the function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        maintenance: sqs.Queue,
        search: lambda_.Alias,
        layers: Layers,
        allowed_origins: Sequence[str] = ("*",),
    ) -> None:
        super().__init__(scope, construct_id)
        tables = {f"GLIMPSE_{name.upper()}_TABLE": storage.tables[name].table_name for name in _TABLE_ACTIONS}
        parts = FunctionParts(
            self,
            "Parts",
            service="api",
            statements=_statements(storage, maintenance, search),
            environment={
                **tables,
                "GLIMPSE_IMAGES_BUCKET": storage.images.bucket_name,
                "GLIMPSE_MAINTENANCE_QUEUE_URL": maintenance.queue_url,
                "GLIMPSE_SEARCH_FUNCTION": search.function_arn,
            },
            memory_mb=1769,  # one vCPU: hashing a password is expensive by design
            timeout=Duration.seconds(29),  # the gateway gives up after 30
        )
        self.function = ZipFunction(self, "Zip", name="api", layers=layers, parts=parts).function
        self.http_api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            create_default_stage=False,
            cors_preflight=_cors(allowed_origins),
            default_integration=HttpLambdaIntegration("Function", self.function),
        )
        self._stage()
        Validations.of(self.http_api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG4",
                reason="The function checks tokens; old clients send them in the body.",
            )
        )

    def _stage(self) -> None:
        log_group = logs.LogGroup(
            self, "AccessLogs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=200, burst_limit=400),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigatewayv2.CfnStage)  # noqa: S101 - narrows CDK's type
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )


def _cors(origins: Sequence[str]) -> apigatewayv2.CorsPreflightOptions:
    """Allow what clients send: tokens in headers (`token` is the old frontend's), never in cookies."""
    return apigatewayv2.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[
            apigatewayv2.CorsHttpMethod.GET,
            apigatewayv2.CorsHttpMethod.POST,
            apigatewayv2.CorsHttpMethod.PUT,
            apigatewayv2.CorsHttpMethod.DELETE,
        ],
        allow_headers=["authorization", "content-type", "token"],
        max_age=Duration.hours(1),
    )


def _statements(storage: Storage, maintenance: sqs.Queue, search: lambda_.Alias) -> list[iam.PolicyStatement]:
    images = storage.images
    statements = [
        allow(
            f"Table{name.title().replace('_', '')}",
            [f"dynamodb:{action}" for action in actions],
            [storage.tables[name].table_arn],
        )
        for name, actions in _TABLE_ACTIONS.items()
    ]
    readable = [images.arn_for_objects(f"{prefix}/*") for prefix in ("uploads", "thumbnails")]
    return [
        *statements,
        allow(
            "FindSessionsOfUser",
            ["dynamodb:Query"],
            [f"{storage.tables['sessions'].table_arn}/index/by_user"],
        ),
        allow(
            "FindSharesWithUser", ["dynamodb:Query"], [f"{storage.tables['shares'].table_arn}/index/by_user"]
        ),
        # Presigned URLs carry this role's permissions: browsers upload and read with them.
        allow("StoreUploads", ["s3:PutObject"], [images.arn_for_objects(f"{prefixes.UPLOADS}*")]),
        allow("ShowPhotographs", ["s3:GetObject"], readable),
        allow("RequestMaintenance", ["sqs:SendMessage"], [maintenance.queue_arn]),
        allow("Search", ["lambda:InvokeFunction"], [search.function_arn]),
    ]
