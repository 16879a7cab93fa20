"""Where an import writes: the only modules here that import boto3 or pynamodb."""
