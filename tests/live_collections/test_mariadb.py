"""Live collections are the answers of a server on MariaDB, whatever is done."""

import unittest

from checks import cases

Cases = cases("mariadb")

if __name__ == "__main__":
    unittest.main()
