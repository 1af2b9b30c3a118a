"""The copy that a program keeps is what a server on MariaDB has stored, whatever is done."""

import unittest

from checks import cases

Cases = cases("mariadb")

if __name__ == "__main__":
    unittest.main()
