"""Prometheus' text format, read line by line: what is no comment and no sample is a mistake."""
import re
import subprocess

import wire

COMMENT = re.compile(r"# (HELP|TYPE) ([a-z_]+) (.+)")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? ([0-9.]+|\+Inf)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def unescape(value):
    """A label's value as it was before it was quoted."""
    return re.sub(r"\\.", lambda found: ESCAPES[found[0]], value)


class Page:
    """One answer of /metrics."""

    def __init__(self, server):
        answer = server.ask("GET", "/metrics", face="private")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4")
        self.text = answer.body.decode()
        self.types, self.helps, self.samples = {}, {}, {}
        for line in self.text.splitlines():
            self._read(line)

    def _read(self, line):
        if comment := COMMENT.fullmatch(line):
            {"TYPE": self.types, "HELP": self.helps}[comment[1]][comment[2]] = comment[3]
            return
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        labels = frozenset((name, unescape(value)) for name, value in LABEL.findall(sample[2] or ""))
        assert (sample[1], labels) not in self.samples, line
        self.samples[sample[1], labels] = float(sample[3])

    def value(self, name, **labels):
        """The one sample with these labels."""
        return self.samples[name, frozenset(labels.items())]

    def of(self, name, label):
        """All samples of a metric, by one of its labels."""
        return {dict(labels)[label]: value for (metric, labels), value in self.samples.items() if metric == name}

    def check(self):
        """What promtool has to say of it, which is nothing."""
        done = subprocess.run(["promtool", "check", "metrics"], input=self.text, capture_output=True, text=True, check=False, timeout=wire.TIMEOUT)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), self.text
