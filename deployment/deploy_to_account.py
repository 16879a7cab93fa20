"""``make deploy``: deploy the stack to an AWS account, with a real model."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from deployment import cdk
from deployment.account import Account
from deployment.errors import UserError
from deployment.home import prepare_home
from deployment.models import first
from deployment.models.catalogue import DEFAULT, DEMO
from deployment.models.choice import chosen, different
from deployment.models.library import Library
from deployment.models.publish import generations
from deployment.settings import ROOT, DeploymentSettings
from deployment.target import Target
from infra.packaging import BUNDLES


def deploy(settings: DeploymentSettings) -> None:
    """Deploy the stack to the account of the environment's credentials, and give it its first model.

    Raises
    ------
    UserError
        If AWS can't be reached, no real model can be installed, or the CDK fails.
    """
    prepare_home(settings.home)
    account = Account.of_environment()
    target = account.target()
    name = model_for(settings, account.key, target)
    bundle = Library.of(settings.home).path(name)
    print(f"Deploying to {account.name} with the model {name} …", flush=True)
    _cdk(["bootstrap"], {})
    _cdk(["deploy"], {BUNDLES: str(bundle)} if (bundle / "config.json").is_file() else {})
    target = account.target()
    if target is None:
        raise UserError(f"The stack was deployed, but can't be found in {account.name}; run it again.")
    first.give(settings, target, name, deployed=True)
    print(f"\nDeployed to {account.name}.\n\nAPI      {target.outputs['ApiUrl']}\nModel    {name}")


def model_for(settings: DeploymentSettings, key: str, target: Target | None) -> str:
    """Choose the model of a deployment in AWS: the one it has, else ``GLIMPSE_MODEL``, else the default.

    Parameters
    ----------
    settings
        The home folder, and ``GLIMPSE_MODEL``.
    key
        The key under which the deployment's choice is recorded.
    target
        The deployment, if there is one.

    Raises
    ------
    UserError
        If the model can't be installed, or ``GLIMPSE_MODEL`` names a different one from the deployment's.
    """
    library = Library.of(settings.home)
    wanted = library.name_of(settings.model) if settings.model else None
    current = _current(library, target)
    if current is not None:
        choice = chosen(settings.home, key)
        if wanted not in {None, current, *([choice.name, choice.began_with] if choice else [])}:
            raise UserError(different(wanted or "", current, "unset GLIMPSE_MODEL to deploy", " --aws"))
        return current
    name = wanted or DEFAULT
    if not library.has(name):
        try:
            first.install(settings, name, print)
        except UserError as error:
            raise UserError(
                f"{error} A deployment needs a real model; `GLIMPSE_MODEL={DEMO} make deploy` uses the demo"
                " model, which understands only drawn scenes."
            ) from error
    return name


def _current(library: Library, target: Target | None) -> str | None:
    """Return the name of a deployment's model, as it is installed here if it is; None if it has none."""
    if target is None or "DeploymentTable" not in target.outputs:
        return None
    found = generations(target)
    if found is None:
        return None
    for name in library.names():
        if library.bundle(name).digest == found.active.bundle_digest:
            return name
    return found.active.name


def _cdk(arguments: Sequence[str], variables: dict[str, str]) -> None:
    """Run the CDK at this process's terminal, so that it can ask questions."""
    node = cdk.find_node()
    environment = {**cdk.environment(node), **variables}
    result = subprocess.run(  # noqa: S603 - fixed arguments
        [*cdk.command(node), *arguments], env=environment, cwd=ROOT, check=False
    )
    if result.returncode != 0:
        raise UserError(f"`cdk {arguments[0]}` failed; see its last lines above for the reason.")
