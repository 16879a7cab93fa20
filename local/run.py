"""``make run``: start everything in order, and stop it again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from types import FrameType

from glimpse.errors import ServiceError
from glimpse.search_client import SearchClient

from deployment.deploy_to_endpoint import Deployment, deploy
from deployment.endpoint_limits import context_of
from deployment.errors import UserError
from deployment.home import explain, prepare_home
from deployment.models import first
from deployment.models.catalogue import CATALOGUE
from deployment.models.choice import chosen
from deployment.models.library import Library
from deployment.settings import ROOT
from deployment.target import Target
from local import credentials
from local.emulator.launcher import Emulator, end_stale, is_ready
from local.first_model import decide
from local.lock import HomeLock
from local.machine import machine_endpoint, machine_target
from local.ports.admission import starting
from local.ports.forwarders import api_forwarder, search_forwarder
from local.ports.guard import Access
from local.ports.listen import listen
from local.ports.servers import Servers
from local.ports.website import website
from local.processes import ProcessRecord
from local.reconciler import start_reconciler
from local.seed import DemoAccount, seed
from local.settings import LocalSettings

_DEMO_MODEL = "glimpse-demo"
_DEMO_MODEL_IN_WORDS = """\
the demo model, trained on drawn scenes. It understands those: "two dogs", "something to eat".
         It does not understand photographs as a real CLIP model does: how it ranks them means little."""


def run(settings: LocalSettings, *, with_parent: bool = False) -> None:
    """Start everything, print the addresses, and serve until told to stop.

    Parameters
    ----------
    settings
        Ports, home folder, endpoint.
    with_parent
        Stop when the process that started this one ends: a killed make does not signal its children.

    Raises
    ------
    UserError
        If something is missing, in use or broken.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, once everything has ended.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    parent = ProcessRecord.of(os.getppid()) if with_parent else None
    prepare_home(settings.home)
    with HomeLock(settings.home, parent) as lock, ExitStack() as running:
        try:
            emulator = _start(settings, running)
            _watch(emulator, parent)
        except OSError as error:
            raise UserError(explain(error, Path(error.filename or settings.home))) from error
        finally:
            lock.stopping()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # stopping in order takes seconds


def _start(settings: LocalSettings, running: ExitStack) -> Emulator | None:
    """Start everything; ``running`` stops it. Return the emulator, if one was started."""
    began = time.monotonic()
    end_stale(settings.home)
    listeners = {
        name: running.enter_context(listen(getattr(settings, name.lower()), name))
        for name in ("API_PORT", "SEARCH_PORT", "WEB_PORT")
    }
    placeholders = _placeholders(listeners.values())
    running.callback(placeholders.stop)
    model = decide(settings, _say)
    emulator = _start_emulator(settings, running)
    _say("Deploying the stack, if anything changed …")
    deployment = _deploy(settings)
    outputs = deployment.outputs
    target = machine_target(settings, outputs)
    first.give(settings, target, model, deployed=deployment.changed)
    account = DemoAccount()
    servers = _servers(settings, target, account, listeners)
    placeholders.stop()
    servers.start()
    running.callback(servers.stop)
    running.callback(start_reconciler(target).stop)
    _say("Preparing the demo account and its gallery …")
    if not seed(settings, account):
        _say("The gallery is still being embedded; searches find more of it as the work goes on.")
    words = _model_in_words(settings, SearchClient(target.transport()))
    _announce(settings, account, words, seconds=time.monotonic() - began)
    return emulator


def _servers(
    settings: LocalSettings, target: Target, account: DemoAccount, listeners: Mapping[str, socket]
) -> Servers:
    """Create the servers of the API, the search service and the page, each with its own access rules."""
    known = credentials.ensure(settings.home)
    access = Access(settings.hosts(), settings.page_origins())
    servers = Servers()
    servers.add(
        api_forwarder(
            f"{settings.endpoint}/_aws/execute-api/{target.outputs['ApiId']}/$default",
            gateway_limits=settings.gateway_limits,
            access=access,
            workers=settings.workers,
            secret=known.gateway_secret if settings.external_endpoint is None else None,
        ),
        listeners["API_PORT"],
        access.origins,
    )
    servers.add(
        search_forwarder(
            target.transport(),
            access=Access(settings.hosts(), settings.allowed_origins),
            secret=known.search_secret,
            where=settings.home / credentials.FILE,
            workers=settings.workers,
        ),
        listeners["SEARCH_PORT"],
    )
    config = {
        "apiUrl": f"http://localhost:{settings.api_port}",
        "demo": {"username": account.username, "password": account.password},
    }
    servers.add(website(config, access), listeners["WEB_PORT"])
    return servers


def _deploy(settings: LocalSettings) -> Deployment:
    endpoint = machine_endpoint(settings)
    context = context_of(endpoint, is_embedded=settings.external_endpoint is None)
    # The noted port lets commands find a stack that was started on another port.
    return deploy(endpoint, settings.home, context=context, noted={"emulator_port": settings.emulator_port})


def _start_emulator(settings: LocalSettings, running: ExitStack) -> Emulator | None:
    """Start the embedded emulator; None if the settings name an external one, which must answer."""
    if settings.external_endpoint is not None:
        if not is_ready(settings.endpoint):
            raise UserError(
                f"No emulator answers at {settings.endpoint}; start it, or unset AWS_ENDPOINT_URL."
            )
        return None
    listen(settings.emulator_port, "EMULATOR_PORT").close()
    _say("Starting the AWS emulator …")
    emulator = Emulator(settings)
    running.callback(emulator.stop)
    emulator.start()
    return emulator


def _placeholders(listeners: Iterable[socket]) -> Servers:
    """Start servers that answer 503 until the real ones take over their ports."""
    servers = Servers()
    for listener in listeners:
        servers.add(starting, listener.dup())  # the server closes the duplicate when it stops
    servers.start()
    return servers


def _model_in_words(settings: LocalSettings, search: SearchClient) -> str:
    """Describe the active model, as the search service reports it, and say whether another one is chosen."""
    try:
        name = str(search.health()["model"]["name"])
    except ServiceError as error:
        return f"unknown: the search service did not answer ({error.__cause__ or error})"
    except (KeyError, TypeError) as error:
        return f"unknown: the search service did not name it ({error})"
    words = next((f"{name}. {model.purpose}." for model in CATALOGUE if model.name == name), name)
    choice = chosen(settings.home)
    library = Library.of(settings.home)
    if choice is not None and library.has(choice.name) and library.bundle(choice.name).name != name:
        words += f"\n         {choice.name} is chosen; `glimpse reindex` switches to it."
    return _DEMO_MODEL_IN_WORDS + words.removeprefix(name) if name == _DEMO_MODEL else words


def _announce(settings: LocalSettings, account: DemoAccount, model: str, *, seconds: float) -> None:
    _say(f"""
Glimpse is ready (after {seconds:.0f} s).

Page     http://localhost:{settings.web_port}
API      http://localhost:{settings.api_port}
Search   http://localhost:{settings.search_port}   (the service for other backends)
AWS      {settings.endpoint}{_key_in_words(settings)}
Account  {account.username}, password {account.password}
Model    {model}

Stop     Ctrl-C. Uploads stay in {_shown(settings.home)}; `make reset` deletes them.
""")


def _key_in_words(settings: LocalSettings) -> str:
    if settings.external_endpoint is not None:
        return ""
    return f"   (the access key is in {_shown(settings.home / credentials.FILE)})"


def _watch(emulator: Emulator | None, parent: ProcessRecord | None) -> None:
    """Wait until something ends the run; a signal raises KeyboardInterrupt here."""
    while True:
        time.sleep(0.5)
        if emulator is not None and (end := emulator.ended()):
            raise UserError(end)
        if parent is not None and not parent.is_running():
            raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _say(text: str) -> None:
    print(text, flush=True)
