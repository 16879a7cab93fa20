import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deployment.cdk import find_node
from tests.infra.templates import Template

os.environ.setdefault("JSII_NODE", str(find_node()))
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")

Synthesize = Callable[..., Path]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Gives the folder of the synthesis for context values; the same one again for the same values.

    The layers of packages are empty: pip needs a minute for them, which `make artefacts` spends.
    """
    from aws_cdk import App

    from infra import packaging
    from infra.options import StackOptions
    from infra.stack import GlimpseStack

    empty = tmp_path_factory.mktemp("layer")
    (empty / "python").mkdir()

    @cache
    def assembly(**context: str) -> Path:
        output = tmp_path_factory.mktemp("cdk")
        app = App(context=context, outdir=str(output))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packaging, "build_dependency_layer", lambda _: empty)
            GlimpseStack(app, "Glimpse", options=StackOptions.of(app.node))
            app.synth()
        return output

    return assembly


@pytest.fixture(scope="session")
def assembly(synthesize: Synthesize) -> Path:
    """What AWS gets, templates and assets: no context value set."""
    return synthesize()


@pytest.fixture(scope="session")
def template(assembly: Path) -> Template:
    """The template that AWS gets."""
    return _template(assembly)


@pytest.fixture(scope="session")
def local_template(synthesize: Synthesize) -> Template:
    """What the embedded emulator gets."""
    return _template(synthesize(embedZip="true", unbundled="true", plainHttp="true"))


def _template(assembly: Path) -> Template:
    return json.loads((assembly / "Glimpse.template.json").read_text())
