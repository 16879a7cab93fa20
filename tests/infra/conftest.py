import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from local.cdk import find_node
from tests.infra.templates import Template

os.environ.setdefault("JSII_NODE", str(find_node()))
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")

Synthesize = Callable[..., Template]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Gives the CloudFormation template for context values; the same one again for the same values."""
    from aws_cdk import App

    from infra.options import Options
    from infra.stack import GlimpseStack

    @cache
    def template(**context: str) -> Template:
        output = tmp_path_factory.mktemp("cdk")
        app = App(context=context, outdir=str(output))
        GlimpseStack(app, "Glimpse", options=Options.of(app.node))
        app.synth()
        return json.loads(Path(output / "Glimpse.template.json").read_text())

    return template


@pytest.fixture(scope="session")
def template(synthesize: Synthesize) -> Template:
    """What AWS gets: no context value set."""
    return synthesize()


@pytest.fixture(scope="session")
def local_template(synthesize: Synthesize) -> Template:
    """What the embedded emulator gets."""
    return synthesize(embedZip="true", unbundled="true", plainHttp="true")
