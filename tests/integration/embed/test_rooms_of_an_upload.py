"""The second of ARCHITECTURE.md's paths is the one that an upload takes."""

from tests.docs.markdown import two_paths
from tests.integration.embed.conftest import Handler, batch, stored
from tests.integration.embed.world import World
from tests.integration.rooms import entered


def test_an_upload_enters_the_rooms_in_the_order_that_the_architecture_tells(
    world: World, handler: Handler
) -> None:
    _, path = two_paths()
    (record,) = world.upload("rocket.jpg")
    with entered() as rooms:
        assert handler(batch(stored(record, "0A"))) == {"batchItemFailures": []}
    assert [room for room in rooms if room in path.steps] == path.steps
    # The models are loaded before.
    assert set(path.asked) - set(rooms) <= {"glimpse/shelf"}
