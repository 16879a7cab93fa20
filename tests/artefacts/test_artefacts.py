"""What is deployed to AWS is complete: it runs with nothing but itself and the standard library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import packaging
from local.deploy import client_for
from local.emulator import Emulator
from local.settings import Settings
from tests.artefacts.runtime import Interpreter, RuntimeApi
from tests.ports import free_ports

pytestmark = pytest.mark.slow

LIMIT = 250_000_000
"""Lambda's limit for a zip function with its layers, unpacked, in bytes."""

PHOTOGRAPH = packaging.ROOT / "local/gallery/photos/cat.jpg"

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "GLIMPSE_IMAGES_BUCKET": "images",
    "GLIMPSE_INDEX_BUCKET": "index",
    "GLIMPSE_MAINTENANCE_QUEUE_URL": "http://127.0.0.1:9/000000000000/maintenance",
    "GLIMPSE_MAX_RECEIVES": "5",
    "GLIMPSE_SEARCH_FUNCTION": "search:glimpse",
    "GLIMPSE_EMBED_FUNCTION": "embed",
    **{
        f"GLIMPSE_{name}_TABLE": name.lower()
        for name in (
            "USERS",
            "USERNAMES",
            "SESSIONS",
            "FOLDERS",
            "FOLDER_NAMES",
            "IMAGES",
            "JOBS",
            "COUNTERS",
        )
    },
}

ASK = """
import importlib, json
handler = importlib.import_module("functions.{name}.handler").handler
event = {{
    "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {{}},
    "requestContext": {{
        "http": {{"method": "GET", "path": "/", "sourceIp": "127.0.0.1"}}, "stage": "$default"
    }},
    "isBase64Encoded": False,
}}
class Context:
    aws_request_id = "request"
    function_name = function_version = "test"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:{name}:glimpse"
    def get_remaining_time_in_millis(self): return 30000
print("ANSWER", json.dumps(handler(event, Context())))
"""


@pytest.mark.parametrize("name", ["api", "search"])
def test_a_zip_function_answers_with_its_layers_alone(
    name: str, interpreter: Interpreter, zip_paths: dict[str, list[Path]]
) -> None:
    environment = {**ENVIRONMENT, "LAMBDA_TASK_ROOT": str(zip_paths[name][0])}
    output = interpreter.output(zip_paths[name], ASK.format(name=name), environment)
    [line] = [line for line in output.splitlines() if line.startswith("ANSWER ")]
    answer = json.loads(line.removeprefix("ANSWER "))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])


@pytest.mark.parametrize("name", ["api", "search"])
def test_a_zip_function_is_within_lambdas_limit(name: str, zip_paths: dict[str, list[Path]]) -> None:
    size = sum(path.stat().st_size for root in zip_paths[name] for path in root.rglob("*") if path.is_file())
    assert size <= LIMIT, f"{name}: {size / 1e6:.0f} MB unpacked"


@pytest.mark.parametrize("name", ["api", "search"])
def test_native_modules_are_for_lambdas_platform(
    name: str, interpreter: Interpreter, zip_paths: dict[str, list[Path]]
) -> None:
    modules = [path.name for root in zip_paths[name] for path in root.rglob("*.so")]
    assert modules
    tag = f".cpython-{interpreter.version.replace('.', '')}-x86_64-linux-gnu.so"
    versioned = [module for module in modules if ".cpython-" in module]
    assert versioned
    assert all(module.endswith(tag) for module in versioned)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Settings]:
    """S3 for one test: the emulator, empty."""
    api, search, web, emulator_port = free_ports(4)
    settings = Settings(tmp_path / "home", api, search, web, emulator_port, None, gateway_limits=False)
    settings.home.mkdir()
    emulator = Emulator(settings)
    try:
        emulator.start()
        yield settings
    finally:
        emulator.stop()


def test_the_image_embeds_a_photograph_through_the_runtime_client(
    interpreter: Interpreter, image_root: Path, runtime_client: Path, endpoint: Settings
) -> None:
    s3 = client_for(endpoint, "s3")
    for bucket in ("images", "index"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="images", Key="images/1/3/cat.jpg", Body=PHOTOGRAPH.read_bytes())
    s3.put_object(Bucket="images", Key="images/1/3/note.jpg", Body=b"not a picture")
    answer = _invoke(
        interpreter,
        [image_root, runtime_client],
        {
            "operation": "embed-images",
            "namespace": "glimpse",
            "user_id": 1,
            "folder_id": 3,
            "images": [
                {"image_id": 10, "file_path": "images/1/3/cat.jpg"},
                {"image_id": 11, "file_path": "images/1/3/note.jpg"},
                {"image_id": 12, "file_path": "images/1/3/gone.jpg"},
            ],
        },
        {**ENVIRONMENT, **endpoint.aws_environment(), "LAMBDA_TASK_ROOT": str(image_root)},
    )
    assert answer["indexed"] == [10]
    assert [failure["image_id"] for failure in answer["failed"]] == [11]
    assert [missing["image_id"] for missing in answer["missing"]] == [12]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="index")["Contents"]]
    assert sum(key.endswith("manifest.json") for key in keys) == 1


def _invoke(interpreter: Interpreter, paths: list[Path], event: Any, environment: dict[str, str]) -> Any:
    code = "from awslambdaric.__main__ import main; main(sys.argv)"
    with RuntimeApi().serving() as api:
        process = interpreter.run(
            paths,
            code,
            {**environment, "AWS_LAMBDA_RUNTIME_API": api.address},
            "functions.embed.handler.handler",
        )
        try:
            return api.invoke(event)
        finally:
            process.kill()
            output, _ = process.communicate()
            print(output)  # shown by pytest if the test fails
