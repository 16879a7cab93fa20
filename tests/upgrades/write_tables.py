"""Writes a deployment's tables, buckets and queues, by the functions of the commit that it is run in."""

import json
import tempfile
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from cloud import IMAGES, INDEX, QUEUES, TABLES, TARGET, Cloud, part, running
from packing import pack_bucket
from pictures import LATE, picture

PASSWORDS = {"eva": "correct horse", "Zoë Ünal": "pa55word!", "finn": "long and short"}
COLOURS = {"red.png": (200, 30, 30), "dog.png": (120, 90, 40), "sea.png": (20, 60, 160)}


def write(folder: Path) -> None:
    """Write ``tables.json``, ``images.tar.xz`` and ``index.tar.xz``, and ``answers.json`` about them."""
    with tempfile.TemporaryDirectory() as scratch:
        bundles = Path(scratch) / "models"
        bundle = import_module("tests.unit.encoder.tiny_bundle").write_bundle(bundles / "tiny")
        with running(bundles) as cloud:
            _choose_model(bundle)
            tokens = _use(cloud)
            _import(cloud, Path(scratch))
            _leave_work(cloud, tokens)
            answers = _answers(cloud, tokens)
            tables = {table: cloud.items(table) for table in TABLES}
            assert all(tables.values()), [table for table, items in tables.items() if not items]
            queues = {queue: _messages(cloud, queue) for queue in QUEUES}
            written = {"written_at": int(time.time()), "tables": tables, "queues": queues}
            (folder / "tables.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
            (folder / "answers.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
            for bucket in (IMAGES, INDEX):
                pack_bucket(cloud.s3, bucket, folder / f"{bucket}.tar.xz")


def _choose_model(bundle_folder: Path) -> None:
    bundle = import_module("glimpse.encoder").Bundle.load(bundle_folder)
    import_module("glimpse.shelf").publish(bundle, INDEX)
    generations = import_module("glimpse.generations")
    generations.GenerationStore().initialize(
        generations.Generation(bundle.name, bundle.space_id, bundle.digest, bundle.dimension)
    )


def _use(cloud: Cloud) -> dict[str, str]:
    """Register, log in, upload; return tokens by user name."""
    tokens = {}
    for username, password in PASSWORDS.items():
        account = {"username": username, "password": password}
        cloud.api("POST", "/api/users/register", document=account)
        tokens[username] = cloud.login(username, password)
    eva, zoe = tokens["eva"], tokens["Zoë Ünal"]
    files = {name: picture(colour) for name, colour in COLOURS.items()}
    files["summer.jpg"] = picture((90, 160, 60), taken="2024:07:01 12:00:00")
    files["notes.jpg"] = b"These are no pixels."
    _upload(cloud, eva, "Holidays, 2024 – Ægean", files)
    _upload(cloud, eva, "old", {"old.png": picture((1, 2, 3))})
    shared = _upload(cloud, zoe, "Sea", {"wave.png": picture((0, 120, 130))})
    _upload(cloud, tokens["finn"], "mine", {"mine.png": picture((9, 9, 90))})
    cloud.embed_uploads()
    records = import_module("glimpse.records")
    owner, guest = (_user_id(cloud, name) for name in ("Zoë Ünal", "eva"))
    share = records.ShareRecord(shared, guest, 1, records.Permission("view"), datetime.now(UTC))
    assert owner != guest
    assert records.ShareStore().create(share)
    path = "images/acme/7/1/tower.png"
    cloud.s3.put_object(Bucket=IMAGES, Key=path, Body=picture((200, 200, 0)))
    images = {"user_id": 7, "folder_id": 1, "images": [{"image_id": 70, "file_path": path}]}
    cloud.search("POST", "/embed-images", images, alias="acme")
    return tokens


def _upload(cloud: Cloud, token: str, folder: str, files: dict[str, bytes]) -> int:
    answer = cloud.api("POST", "/api/images/upload", token, {"folderName": folder}, files)
    return int(answer["folder_id"])


def _user_id(cloud: Cloud, username: str) -> int:
    items = [item for item in cloud.items("users") if item["username"]["S"] == username]
    return int(items[0]["user_id"]["N"])


def _import(cloud: Cloud, scratch: Path) -> None:
    """Import an installation of the earlier system: accounts with its passwords, a share, images."""
    old = import_module("tests.integration.migration.old").typical(scratch / "old", images=1)
    outputs = {
        **{f"{''.join(word.title() for word in table.split('_'))}Table": table for table in TABLES},
        "ImagesBucket": IMAGES,
        "IndexBucket": INDEX,
        "UpkeepQueueUrl": cloud.sqs.get_queue_url(QueueName="upkeep")["QueueUrl"],
    }
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    import_module("migration.session").migrate(
        part(TARGET).Target("the fixture", "fixture", outputs, session, None),
        old.root,
        old.json(scratch / "old.json"),
        import_module("migration.old.spelling").Spelling(),
        import_module("migration.options").Options(patience_seconds=0.0),
        scratch / "state",
        SimpleNamespace(say=lambda _: None, images=lambda _: None),
    )
    cloud.embed_uploads()


def _leave_work(cloud: Cloud, tokens: dict[str, str]) -> None:
    """Begin what the next version has to end: an upload, the erasure of a folder and of an account."""
    eva = tokens["eva"]
    offer = {"name": LATE, "size": len(picture((7, 70, 7))), "content_type": "image/png"}
    folder = "Holidays, 2024 – Ægean"
    cloud.api("POST", "/api/uploads", eva, {"folderName": folder, "files": [offer]})
    owned = cloud.api("GET", "/api/folders", eva)["owned"]
    (old,) = [each["id"] for each in owned if each["folder_name"] == "old"]
    cloud.api("DELETE", "/api/folders", eva, {"folder_ids": [old]})
    cloud.api("DELETE", "/api/users/delete", tokens["finn"])


def _answers(cloud: Cloud, tokens: dict[str, str]) -> dict[str, Any]:
    """Ask what the next version has to answer alike."""
    jobs = {"eva": [], "Zoë Ünal": []}  # type: dict[str, list[int]]
    names = {str(_user_id(cloud, name)): name for name in jobs}
    for item in cloud.items("jobs"):
        folders = {each["folder_id"]["N"] for each in cloud.items("folders")}
        if item["user_id"]["N"] in names and item["folder_id"]["N"] in folders:
            jobs[names[item["user_id"]["N"]]].append(int(item["job_id"]["N"]))
    answers = {}
    for name in jobs:
        paths = [
            "/api/folders",
            *(f"/api/images/job-status/{job}" for job in sorted(jobs[name])),
            "/api/images/search?query=a+red+cat&top_k=10",
            "/api/images/search?query=dog&top_k=3&taken_from=2024-06-01&taken_until=2024-08-01",
        ]
        answers[name] = {path: _lasting(cloud.api("GET", path, tokens[name])) for path in paths}
    question = {"user_id": 7, "query": "a dog", "folder_ids": [1], "folder_owner_map": {"1": 7}}
    found = cloud.search("POST", "/search", question, alias="acme")
    return {"passwords": PASSWORDS, "tokens": tokens, "api": answers, "acme": [question, found]}


def _lasting(answer: Any) -> Any:
    """Return an answer without addresses, which are signed for minutes."""
    for result in answer.get("results", ()):
        assert result.pop("image")
        assert result.pop("original")
    return answer


def _messages(cloud: Cloud, queue: str) -> list[Any]:
    messages = []
    while bodies := cloud.take_messages(queue):
        messages += map(json.loads, bodies)
    return messages
