"""The copy that a program keeps is what a server on PostgreSQL has stored, whatever is done."""

import unittest

from checks import cases

Cases = cases("postgres")

if __name__ == "__main__":
    unittest.main()
