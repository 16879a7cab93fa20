"""A Dockerfile carried out in folders: what Docker would refuse, or is not understood, fails."""

from pathlib import Path

import pytest

from benchmarks.artefacts.dockerfile_replay import BASE, DockerfileError, Image, replay
from infra import packaging

CONTEXT = ("*", "!functions", "!infra/strip.py")
PIP = "pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: --no-compile"


def _replay(tmp_path: Path, text: str, **arguments: str) -> Image:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(text)
    folder = tmp_path / "stages"
    folder.mkdir()

    def install(requirements: Path, site: Path) -> None:
        site.mkdir()
        (site / "installed").write_text(requirements.name)

    return replay(dockerfile, folder, install, context=CONTEXT, arguments=arguments)


def test_what_an_earlier_stage_made_is_copied_and_the_rest_stays_behind(tmp_path: Path) -> None:
    text = f"""
        FROM {BASE} AS packages
        COPY functions/embed/requirements.txt infra/strip.py /build/
        RUN {PIP} --target /packages --requirement /build/requirements.txt
        FROM packages AS more
        COPY functions/__init__.py /packages/more.py
        FROM {BASE}
        COPY --from=more /packages ${{LAMBDA_TASK_ROOT}}
        CMD ["functions.embed.handler.handler"]
    """
    image = _replay(tmp_path, "\n".join(line.strip() for line in text.splitlines()))
    assert {path.name for path in image.task_root.rglob("*")} == {"installed", "more.py"}
    assert (image.task_root / "installed").read_text() == "requirements.txt"
    assert image.command == ["functions.embed.handler.handler"]
    assert not (tmp_path / "stages/packages/packages/more.py").exists()


def test_a_program_runs_with_the_stages_paths(tmp_path: Path) -> None:
    script = (
        f"FROM {BASE}\nCOPY infra/strip.py /build/\nCOPY functions /packages\nCOPY functions /packages/bin\n"
        "RUN PYTHONPATH=/build:/packages python /build/strip.py /packages\n"
        "COPY functions/__init__.py ${LAMBDA_TASK_ROOT}/\n"
    )
    image = _replay(tmp_path, script)
    packages = image.task_root.parents[1] / "packages"
    assert (packages / "embed").is_dir()
    assert not (packages / "bin").exists()
    assert (image.task_root / "__init__.py").is_file()


@pytest.mark.parametrize(("given", "expected"), [({}, "functions"), ({"PLACE": "functions/embed"}, "embed")])
def test_an_argument_is_seen_by_the_stage_that_declares_it(
    tmp_path: Path, given: dict[str, str], expected: str
) -> None:
    script = f"ARG PLACE=functions\nFROM {BASE}\nARG PLACE\nCOPY ${{PLACE}} ${{LAMBDA_TASK_ROOT}}\n"
    image = _replay(tmp_path, script, **given)
    source = packaging.ROOT / ("functions" if expected == "functions" else "functions/embed")
    copied = {path.name for path in image.task_root.iterdir()}
    assert copied == {path.name for path in source.iterdir()} - {"__pycache__"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("FROM debian", "FROM debian: neither"),
        (f"ARG A=x\nFROM {BASE}\nCOPY ${{A}} /a", "'A' is not declared in this stage"),
        (f"FROM {BASE}\nCOPY layers /a", "COPY layers: the build context leaves it out"),
        (f"FROM {BASE}\nCOPY functionsx /a", "COPY functionsx: the build context leaves it out"),
        (f"FROM {BASE}\nCOPY functions/gone /a", "functions/gone: there is no such file"),
        (f"FROM {BASE}\nCOPY --from=other /a /b", "COPY --from=other: no such stage"),
        (f"FROM {BASE}\nCOPY functions a", "a: only absolute paths"),
        (f"FROM {BASE}\nRUN pip install --no-deps boto3", "RUN pip install lacks"),
        (f"FROM {BASE}\nRUN rm -rf /", "RUN rm -rf / can't be replayed"),
        (f"FROM {BASE}\nRUN python /gone.py", "can't open file"),
        (f"FROM {BASE}\nADD functions /a", "ADD can't be replayed"),
    ],
)
def test_what_would_fail_fails(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(DockerfileError, match=message):
        _replay(tmp_path, lines)
