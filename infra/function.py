"""What the functions have in common: each has its own role, logs with retention, and the same runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import packaging
from infra.options import StackOptions


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    """Create an allow statement."""
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))


class FunctionParts(Construct):
    """The log group and the role of one function, and the properties to create it with.

    The role's statements are inline, not a separate policy: what depends on the role finds it complete.

    Attributes
    ----------
    properties : dict
        Keyword arguments for ``lambda_.Function`` and ``lambda_.DockerImageFunction``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        memory_mb: int,
        timeout: Duration,
        **properties: Any,  # noqa: ANN401 - passed on to CDK, which types them
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        write_logs = allow(
            "WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Own": iam.PolicyDocument(statements=[write_logs, *statements])},
        )
        self.properties: dict[str, Any] = {
            "architecture": lambda_.Architecture.X86_64,  # onnxruntime crashes on Lambda's arm64
            "role": role,
            "log_group": log_group,
            "memory_size": memory_mb,
            "timeout": timeout,
            "environment": {
                "POWERTOOLS_SERVICE_NAME": service,
                # More threads make FAISS slower on fractions of a core.
                "OMP_NUM_THREADS": "1",
                **environment,
            },
            **properties,
        }


class ZipFunction(Construct):
    """A function made of a zip, the shared layer and a layer of third-party packages.

    `package` is the package of ``functions`` that has the handler, if it is not `name`. `code` is the zip, if
    it already exists.

    Attributes
    ----------
    function : lambda_.Function
        The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        layers: Layers,
        parts: FunctionParts,
        package: str | None = None,
        code: lambda_.Code | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler=f"functions.{package or name}.handler.handler",
            code=code or layers.code_of(name),
            layers=layers.of(name),
            **parts.properties,
        )


class Layers(Construct):
    """The shared ``glimpse`` package, and third-party packages per function, as Lambda layers.

    The layers and the functions' zips contain bytecode for Lambda's Python, unless functions run with another
    Python.
    """

    def __init__(self, scope: Construct, construct_id: str, *, options: StackOptions) -> None:
        super().__init__(scope, construct_id)
        self._options = options
        self._compiled = not options.unbundled
        self._known: dict[str, list[lambda_.ILayerVersion]] = {}
        self._shared = self._layer(
            "Shared", str(packaging.stage_shared_layer()), "The shared glimpse package"
        )

    def code_of(self, name: str) -> lambda_.Code:
        """Return the zip of function ``name``."""
        return lambda_.Code.from_asset(str(packaging.stage_function(name, compiled=self._compiled)))

    def of(self, name: str) -> list[lambda_.ILayerVersion]:
        """Return the layers of function ``name``; if several contain a module, the first one wins."""
        if name not in self._known:
            self._known[name] = self._layers_of(name)
        return self._known[name]

    def _layers_of(self, name: str) -> list[lambda_.ILayerVersion]:
        if self._options.unbundled:
            return [self._shared]
        folder = packaging.build_dependency_layer(name)
        return [
            self._shared,
            self._layer(name.title(), str(folder), f"Third-party packages of the {name} function"),
        ]

    def _layer(self, construct_id: str, folder: str, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(folder),
            description=description,
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_12],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )
