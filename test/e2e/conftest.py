"""What all end-to-end tests share: a running server for each file, and the order in which the last test is last."""
import os
import shutil
import sys

sys.dont_write_bytecode = True

import hypothesis  # noqa: E402
import hypothesis.configuration  # noqa: E402
import pytest  # noqa: E402

import harness  # noqa: E402
import ledger  # noqa: E402
import oracle  # noqa: E402

os.umask(0o077)  # A secret's file that everybody may read is refused.

hypothesis.configuration.set_hypothesis_home_dir(ledger.SUITE / "hypothesis")
# What CI finds must be there in the next run, too; elsewhere each run looks further.
hypothesis.settings.register_profile("e2e", database=None, deadline=None, max_examples=300, print_blob=True, derandomize="CI" in os.environ,
                                     suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("e2e")


def pytest_collection_modifyitems(items):
    """Run the test that reads the whole log after all those that write it."""
    items.sort(key=lambda item: item.path.name == "test_zz_privacy.py")


def pytest_sessionstart():
    """Say at once what is missing, rather than in every test."""
    if not os.access(harness.BINARY, os.X_OK):
        pytest.exit(f"{harness.BINARY} is missing: build it, or name another in PICKUPD", 4)


def pytest_sessionfinish(exitstatus):
    """Leave the servers' directories behind only if something failed."""
    if exitstatus == 0:
        shutil.rmtree(ledger.SUITE, ignore_errors=True)


def pytest_terminal_summary(terminalreporter, exitstatus):
    """Say where the directories are."""
    if exitstatus != 0:
        terminalreporter.write_line(f"configs, databases and the log of all servers: {ledger.SUITE}")


@pytest.fixture(scope="module")
def server():
    """A running server with the three built-in vendors, for tests that need nothing else; every test uses ids of its own."""
    with harness.Server() as running:
        yield running


@pytest.fixture(params=oracle.VENDORS)
def vendor(request):
    """Each of the three vendors' names."""
    return request.param
