"""The AWS CDK application: one stack, one construct per capability."""
