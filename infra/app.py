"""Entry point of the CDK app, which the CDK command line runs from the repository root."""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.options import StackOptions
from infra.stack import GlimpseStack


def main() -> None:
    """Synthesize the stack; a finding of cdk-nag's AWS Solutions rules that nobody acknowledged fails it."""
    app = App()
    GlimpseStack(app, "Glimpse", options=StackOptions.of(app.node))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
