"""The shipped suite and policy: what is tested here is held against them."""

import pytest

from governance.documents.suite import Suite
from governance.policy.files import find_policy, load_policy
from governance.policy.model import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy(find_policy("default"))


@pytest.fixture(scope="session")
def suite(policy: Policy) -> Suite:
    return policy.suite
