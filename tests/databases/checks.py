"""The test cases of one database: a test for each trap."""

import sys
import unittest

import runs


def cases(kind):
    """A class of tests. The traps are carried out together, before the first."""

    class Database(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            if not runs.tables.has_geometry(kind):
                print(f"skipped: {kind}: this machine has no geometry for it", file=sys.stderr)
            cls.outcomes = runs.run(kind)
            print(runs.report(kind, cls.outcomes), flush=True)

        def outcome(self, name):
            outcome = self.outcomes[name]
            if isinstance(outcome, Exception):
                raise outcome
            self.assertEqual(outcome.errors, [])
            self.assertEqual(outcome.resyncs, 0, "a new snapshot has come")
            return outcome

    def add(job):
        untold = getattr(job, "untold", {}).get(kind)
        always = kind in getattr(job, "never_told", ())

        def test(self):
            outcome = self.outcome(job.name)
            if always:
                self.assertEqual(outcome.wrong, outcome.rounds, f"it is right, although {untold}")
            elif not untold:
                self.assertEqual(outcome.wrong, 0, outcome.differences)

        setattr(Database, f"test_{job.name}", test)

    for job in runs.jobs():
        add(job)
    Database.__name__ = Database.__qualname__ = kind.capitalize()
    return Database
