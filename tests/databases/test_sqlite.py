"""The copy that a program keeps is what a server on SQLite has stored, whatever is done."""

import unittest

from checks import cases

Cases = cases("sqlite")

if __name__ == "__main__":
    unittest.main()
