"""Live collections are the answers of a server on PostgreSQL, whatever is done."""

import unittest

from checks import cases

Cases = cases("postgres")

if __name__ == "__main__":
    unittest.main()
