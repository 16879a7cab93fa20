"""Glimpse's shared package: only what two or more functions need."""

__version__ = "0.1.0"
