"""The list of what was made."""

import hashlib
import unittest

from packages import OUT


class Sums(unittest.TestCase):
    def test_each_file_has_its_checksum(self):
        lines = (OUT / "SHA256SUMS").read_text().splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        files = {path.name: path for path in OUT.iterdir() if path.name != "SHA256SUMS"}
        self.assertEqual(set(sums), set(files))
        for name, path in files.items():
            self.assertEqual(sums[name], hashlib.sha256(path.read_bytes()).hexdigest(), name)


if __name__ == "__main__":
    unittest.main()
