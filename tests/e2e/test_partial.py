"""A damaged index, as somebody who searches sees it."""

import uuid

from local.settings import ROOT
from tests.e2e.stack import Stack, User

PHOTOS = ROOT / "tests" / "photos"


def test_what_can_be_read_answers_and_the_answer_says_that_it_is_partial(stack: Stack) -> None:
    user = User(stack, f"unlucky-{uuid.uuid4().hex[:12]}")
    jobs = [
        user.upload(name, PHOTOS / file) for name, file in (("Lost", "coffee.png"), ("Kept", "chelsea.png"))
    ]
    for job in jobs:
        user.finished(job["job_id"])
    lost, kept = (job["folder_id"] for job in jobs)
    s3, bucket = stack.client("s3"), stack.outputs["IndexBucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="indexes/")["Contents"]
    (segment,) = [each["Key"] for each in listed if f"/{lost}/segments/" in each["Key"]]
    s3.put_object(Bucket=bucket, Key=segment, Body=b"damaged")
    answer = user.http.get("/api/images/search", params={"query": "a photograph"}).json()
    assert [result["folder_id"] for result in answer["results"]] == [kept]
    assert answer["partial"] is True
    whole = user.http.get("/api/images/search", params={"query": "a photograph", "folder_ids": kept}).json()
    assert "partial" not in whole
    user.http.close()
