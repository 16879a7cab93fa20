"""What is deployed to AWS is complete: it runs with nothing but itself and the standard library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from glimpse.encoder import Bundle

from benchmarks.artefacts.bare_deployment import TABLES, bare_deployment
from benchmarks.artefacts.dockerfile_replay import Image
from benchmarks.artefacts.sizes import ZIP_LIMIT, image_artefact, main
from deployment.models.publish import begin
from deployment.target import Target
from infra import packaging
from tests.artefacts.runtime import Interpreter, RuntimeApi

pytestmark = pytest.mark.slow

PHOTOGRAPH = packaging.ROOT / "local/gallery/photos/cat.jpg"

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "GLIMPSE_IMAGES_BUCKET": "images",
    "GLIMPSE_INDEX_BUCKET": "index",
    "GLIMPSE_MAINTENANCE_QUEUE_URL": "http://127.0.0.1:9/000000000000/maintenance",
    "GLIMPSE_UPKEEP_QUEUE_URL": "http://127.0.0.1:9/000000000000/upkeep",
    "GLIMPSE_MAX_RECEIVES": "5",
    "GLIMPSE_SEARCH_FUNCTION": "search:glimpse",
    "GLIMPSE_EMBED_FUNCTION": "embed",
    **{f"GLIMPSE_{name.upper()}_TABLE": name for name in TABLES},
}

ASK = """
import importlib, json
handler = importlib.import_module("functions.{name}.handler").handler
event = {{
    "version": "2.0", "routeKey": "$default", "rawPath": "{path}", "rawQueryString": "", "headers": {{}},
    "requestContext": {{
        "http": {{"method": "GET", "path": "{path}", "sourceIp": "127.0.0.1"}}, "stage": "$default"
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


def test_the_api_answers_with_its_layers_alone(
    interpreter: Interpreter, zip_paths: dict[str, list[Path]]
) -> None:
    assert _ask("api", "/", interpreter, zip_paths, {})


def test_search_answers_with_its_layers_and_the_model_of_the_bucket(
    interpreter: Interpreter, zip_paths: dict[str, list[Path]], deployment: Target, tmp_path: Path
) -> None:
    begun = begin(Bundle.load(packaging.ROOT / "models/demo"), deployment)
    environment = {**deployment.environment(), "TMPDIR": str(tmp_path)}
    answer = _ask("search", "/health", interpreter, zip_paths, environment)
    assert answer["model"]["space_id"] == begun.active.space_id
    assert not list(zip_paths["search"][0].rglob("*.onnx"))
    [fetched] = tmp_path.glob("glimpse-models-*/*/*/model.onnx")
    assert fetched.parts[-3:] == (begun.active.bundle_digest, "textual", "model.onnx")


def _ask(
    name: str,
    path: str,
    interpreter: Interpreter,
    zip_paths: dict[str, list[Path]],
    environment: dict[str, str],
) -> Any:
    known = {**ENVIRONMENT, **environment, "LAMBDA_TASK_ROOT": str(zip_paths[name][0])}
    output = interpreter.output(zip_paths[name], ASK.format(name=name, path=path), known)
    [line] = [line for line in output.splitlines() if line.startswith("ANSWER ")]
    answer = json.loads(line.removeprefix("ANSWER "))
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


@pytest.mark.parametrize("name", ["api", "search"])
def test_a_zip_function_is_within_lambdas_limit(name: str, zip_paths: dict[str, list[Path]]) -> None:
    size = sum(path.stat().st_size for root in zip_paths[name] for path in root.rglob("*") if path.is_file())
    assert size <= ZIP_LIMIT, f"{name}: {size / 1e6:.0f} MB unpacked"


def test_the_image_holds_packages_code_and_the_image_encoder(image_root: Path) -> None:
    parts = {part.name: part.unpacked for part in image_artefact(image_root).parts}
    models = {name: size for name, size in parts.items() if name.startswith("model ")}
    on_disk = {path.relative_to(image_root).as_posix() for path in (image_root / "models").rglob("*.*")}
    assert models.keys() == {"model demo"}
    assert not [path for path in on_disk if "textual" in path]
    # An image may hold 10 GB, but a cold start reads it: what comes without a model is no more than this.
    assert sum(parts.values()) - sum(models.values()) <= 300_000_000
    assert sum(parts.values()) == sum(p.stat().st_size for p in image_root.rglob("*") if p.is_file())
    assert not [path for path in image_root.rglob("*") if path.name in {"quantization", "pip"}]


# Compressions, and depths of which Pillow reads some and the second decoder the others.
TIFFS = {
    "deflate": "float32", "lzma": "float32", "zstd": "float32", "lzw": "uint16", "packbits": "uint16",
    "jpeg2000": "uint16", "jpegxr": "uint8", "webp": "uint8", "lerc": "uint8", "jpeg": "uint8",
}  # fmt: skip

DECODE = """
from pathlib import Path
from glimpse.photos import open_photo
for path in sorted(Path({folder!r}).iterdir()):
    print("DECODED", path.name, *open_photo(path.read_bytes()).image.size)
"""


def test_the_image_reads_tiffs_of_every_compression(
    image_root: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    for compression, depth in TIFFS.items():
        values = np.full((32, 48, 3), 0.5 if depth == "float32" else 99, depth)
        tifffile.imwrite(tmp_path / f"{compression}.tif", values, photometric="rgb", compression=compression)
    output = interpreter.output([image_root], DECODE.format(folder=str(tmp_path)), {})
    decoded = [line.split()[1:] for line in output.splitlines() if line.startswith("DECODED ")]
    assert decoded == [[path.name, "48", "32"] for path in sorted(tmp_path.iterdir())]


def test_the_image_brings_bytecode_and_no_root(image_root: Path, image: Image) -> None:
    compiled = {
        path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in image_root.rglob("*.pyc")
    }
    left_out = set(image_root.rglob("*.py")) - compiled
    assert {"functions", "glimpse", "boto3", "numpy"} <= {
        path.relative_to(image_root).parts[0] for path in compiled
    }
    assert not left_out
    assert image.user.split(":")[0] not in {"", "0", "root"}


def test_sizes_are_listed_from_the_biggest_on(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    lines = capsys.readouterr().out.splitlines()
    for title in ("api (zip and layers)", "search (zip and layers)", "embed (image)"):
        start = next(number for number, line in enumerate(lines) if title in line)
        end = next(number for number, line in enumerate(lines[start:], start) if "total" in line)
        sizes = [float(line.split("│")[2]) for line in lines[start:end] if line.startswith("│")]
        assert len(sizes) > 3
        assert sizes == sorted(sizes, reverse=True)
        assert float(lines[end].split("│")[2]) == pytest.approx(sum(sizes), abs=1)


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
def deployment(tmp_path: Path) -> Iterator[Target]:
    """The emulator with the buckets and the tables that functions name, and no stack."""
    with bare_deployment(tmp_path) as target:
        yield target


def test_the_image_embeds_a_photograph_through_the_runtime_client(
    interpreter: Interpreter, image_root: Path, runtime_client: Path, deployment: Target, tmp_path: Path
) -> None:
    begun = begin(Bundle.load(packaging.ROOT / "models/demo"), deployment)
    s3 = deployment.client("s3")
    for item in s3.list_objects_v2(Bucket="index", Prefix="models/")["Contents"]:
        s3.delete_object(Bucket="index", Key=item["Key"])  # the image carries this model: it asks for none
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
        {
            **ENVIRONMENT,
            **deployment.environment(),
            "LAMBDA_TASK_ROOT": str(image_root),
            "TMPDIR": str(tmp_path),
        },
    )
    assert answer["indexed"] == [10]
    assert [failure["image_id"] for failure in answer["failed"]] == [11]
    assert [missing["image_id"] for missing in answer["missing"]] == [12]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="index")["Contents"]]
    [manifest] = [key for key in keys if key.endswith("manifest.json")]
    assert begun.active.space_id in manifest


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
