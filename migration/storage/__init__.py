"""The storage that an import writes to: the only modules here that import boto3 or pynamodb."""
