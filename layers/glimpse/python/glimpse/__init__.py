"""Glimpse's shared package: what two or more functions need, and nothing else."""

__version__ = "0.1.0"
