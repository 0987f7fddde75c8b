"""What /metrics says is Prometheus' text format, and counts what became of each webhook."""
import re

import harness
import ledger
import oracle

COMMENT = re.compile(r"# (HELP|TYPE) pickupd_[a-z_]+ .+")
SAMPLE = re.compile(r'(pickupd_[a-z_]+)\{([a-z_]+="[a-z0-9_-]+"(?:,[a-z_]+="[a-z0-9_-]+")*)\} (\d+(?:\.\d+)?)')


def test_format_and_counts():
    """Every line is a comment or a sample with quoted labels; the samples name every source and count rightly."""
    with harness.Server() as server:
        good = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        for body in (good, good, b"{"):
            server.post("dentrix", body)
        server.post("eaglesoft", good, [])
        answer = server.ask("GET", "/metrics", face="private")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
        lines = answer.body.decode().splitlines()
        samples = [SAMPLE.fullmatch(line) for line in lines if not COMMENT.fullmatch(line)]
        assert all(samples), lines
        values = {(found[1], found[2]): float(found[3]) for found in samples}
        counted = {labels: value for (name, labels), value in values.items() if name == "pickupd_webhooks_total" and value}
        assert counted == {'source="dentrix",outcome="accepted"': 1, 'source="dentrix",outcome="duplicate"': 1,
                           'source="dentrix",outcome="quarantined"': 1, 'source="eaglesoft",outcome="refused"': 1}
        matches = {labels for name, labels in values if name == "pickupd_secret_last_match_timestamp_seconds"}
        assert matches == {f'source="{name}",secret="{name}"' for name in oracle.VENDORS}
