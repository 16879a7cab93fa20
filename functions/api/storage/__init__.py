"""The API's storage: the only modules of the API that import boto3 or pynamodb."""
