"""The client and the service, which are the two sides of one contract."""

import asyncio
from collections.abc import Iterator

import pytest
from glimpse.errors import NotFound, TooLarge, Unusable
from glimpse.search_client import ImageFile, InvokeTransport, SearchClient, SearchQuery, SearchScope

from tests.docs.markdown import two_paths
from tests.integration.rooms import entered
from tests.integration.search.service import SPACE, SearchFunction
from tests.integration.search_client.lambda_server import LambdaServer


@pytest.fixture
def client(function: SearchFunction) -> Iterator[SearchClient]:
    def search(event: object, name: str) -> dict[str, object]:
        asyncio.set_event_loop(asyncio.new_event_loop())  # Lambda calls where it imported: in one thread
        return function.answer(event, name.partition(":")[2] or None)

    with LambdaServer({"search": search}) as server:
        yield SearchClient(InvokeTransport("search", "glimpse", endpoint_url=server.url))


def test_the_whole_way(client: SearchClient) -> None:
    client.create_index(1, 3)
    images = [ImageFile(10, "images/1/3/good/red cat.jpg"), ImageFile(11, "images/1/3/broken/b.jpg")]
    report = client.embed_images(1, 3, images)
    assert (report.indexed, [image.image_id for image in report.failed]) == ([10], [11])
    scope, query = SearchScope(1, [3, 4], {3: 1}, {3: {SPACE: 1}}), SearchQuery(query="red cat")
    (hit,) = client.search(scope, query).hits
    assert (hit.image_id, hit.folder_id) == (10, 3)
    assert hit.score == pytest.approx(1, abs=2e-3)
    client.delete_index(1, 3)
    assert client.search(SearchScope(1, [3]), query).hits == []
    assert client.health()["model"]["name"] == "Tiny"


def test_a_query_enters_the_rooms_in_the_order_that_the_architecture_tells(client: SearchClient) -> None:
    client.create_index(1, 3)
    client.embed_images(1, 3, [ImageFile(10, "images/1/3/good/red cat.jpg")])
    path, _ = two_paths()
    with entered() as rooms:
        client.search(SearchScope(1, [3]), SearchQuery(query="red cat"))
    steps = path.steps[path.steps.index("glimpse/search_client") :]
    assert [room for room in rooms if room in steps] == steps
    # Records are the API's, the model is loaded before, and its space has no weights to judge relevance by.
    left_out = {"glimpse/records", "glimpse/shelf", "glimpse/index/relevance"}
    assert set(path.asked) - set(rooms) <= left_out


def test_refusals_arrive_as_what_they_are(client: SearchClient) -> None:
    with pytest.raises(NotFound):
        client.embed_images(1, 3, [ImageFile(1, "images/1/3/missing/a.jpg")])
    with pytest.raises(TooLarge, match="3 images at most"):
        client.embed_images(1, 3, [ImageFile(i, f"images/1/3/good/{i}.jpg") for i in range(4)])
    with pytest.raises(Unusable, match="Say what to look for"):
        client.search(SearchScope(1, [3]), SearchQuery())
