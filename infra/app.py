"""Entry point of the CDK app; the CDK command line runs it from the repository root."""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.options import StackOptions
from infra.stack import GlimpseStack


def main() -> None:
    """Synthesize the stack; an unacknowledged finding of cdk-nag's AWS Solutions rules is an error."""
    app = App()
    GlimpseStack(app, "Glimpse", options=StackOptions.of(app.node))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
