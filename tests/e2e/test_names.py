"""Names that look alike, on the real table."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.e2e.stack import Stack

PASSWORD = "test123"


def test_of_look_alikes_that_register_at_once_one_gets_an_account_and_frees_it_again(stack: Stack) -> None:
    rest = uuid.uuid4().hex[:10]
    names = [f"{first}{rest}" for first in ("Ada", "ada", "ADA", "\u0410da", "ad\u0430", "aDa")]
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as client:

        def register(name: str) -> int:
            body = {"username": name, "password": PASSWORD}
            return client.post("/api/users/register", json=body).status_code

        with ThreadPoolExecutor(len(names)) as pool:
            answers = list(pool.map(register, names))
        assert sorted(answers) == [200, 409, 409, 409, 409, 409]
        body = {"username": f"aDA{rest}", "password": PASSWORD}
        session = client.post("/api/users/login", json=body).json()
        assert session["username"] in names
        answer = client.request("DELETE", "/api/users/delete", json={"token": session["token"]})
        assert answer.status_code == 200
        assert register(names[3]) == 200
