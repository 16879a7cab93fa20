"""Where the API keeps what it knows: the only modules here that import boto3 or pynamodb."""
