"""Live collections are the answers of a server on SQLite, whatever is done."""

import unittest

from checks import cases

Cases = cases("sqlite")

if __name__ == "__main__":
    unittest.main()
