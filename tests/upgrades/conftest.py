"""What tests on in-process AWS share."""

from tests.integration.conftest import descriptions_of_services

__all__ = ["descriptions_of_services"]
