"""The test cases of one database: a test for each trap."""

import unittest

import runs


def cases(kind):
    """A class of tests. The traps are carried out together, before the first."""

    class Database(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.outcomes = runs.run(kind)

    def add(name):
        def test(self):
            outcome = self.outcomes[name]
            if isinstance(outcome, Exception):
                raise outcome
            self.assertEqual(outcome, [])

        setattr(Database, f"test_{name}", test)

    for name in runs.names():
        add(name)
    Database.__name__ = Database.__qualname__ = kind.capitalize()
    return Database
