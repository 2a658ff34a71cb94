"""The audits release numbers, so they need the noise and the ledger."""

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")
