"""The lists of what was made, and of what is in it."""

import hashlib
import json
import re
import tarfile
import unittest
from pathlib import Path

from packages import OUT, ROOT, VERSION, archive, made


class Sums(unittest.TestCase):
    def test_each_file_has_its_checksum(self):
        lines = (OUT / "SHA256SUMS").read_text().splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        files = {path.name: path for path in OUT.iterdir() if path.name != "SHA256SUMS"}
        self.assertEqual(set(sums), set(files))
        for name, path in files.items():
            self.assertEqual(sums[name], hashlib.sha256(path.read_bytes()).hexdigest(), name)


class Materials(unittest.TestCase):
    def setUp(self):
        self.bom = json.loads((OUT / f"directus-realtime-{VERSION}.cdx.json").read_text())
        self.crates = {(c["name"], c["version"]) for c in self.bom["components"]}

    def test_each_crate_in_a_library_is_listed(self):
        # Panics name the file of a crate in which they happen.
        path = rb"/registry/src/[^/]+/([a-z0-9_-]+?)-(\d+\.\d+\.\d+[^/\0]*)/src/"
        for name in made():
            with self.subTest(name), tarfile.open(archive(name)) as packed:
                file = f"{archive(name).name[:-7]}/lib/libdirectus_realtime.so.{VERSION}"
                library = packed.extractfile(file).read()
                found = {(n.decode(), v.decode()) for n, v in re.findall(path, library)}
                self.assertGreater(len(found), 5)
                self.assertLessEqual(found, self.crates)

    def test_a_library_names_no_path_of_the_machine_that_made_it(self):
        for name in made():
            with self.subTest(name), tarfile.open(archive(name)) as packed:
                file = f"{archive(name).name[:-7]}/lib/libdirectus_realtime.so.{VERSION}"
                library = packed.extractfile(file).read()
                for path in (Path.home(), ROOT):
                    self.assertNotIn(f"{path}/".encode(), library)

    def test_the_list_is_what_the_lock_file_pins_and_the_library_links(self):
        lock = (ROOT / "Cargo.lock").read_text()
        pinned = set(re.findall(r'name = "(.*)"\nversion = "(.*)"', lock))
        self.assertLessEqual(self.crates, pinned)
        names = {name for name, _ in self.crates}
        self.assertLessEqual({"rustls", "ring", "tokio", "tungstenite"}, names)
        self.assertFalse({"syn", "proptest", "cbindgen", "cc", "windows-sys"} & names)

    def test_each_crate_has_its_licence_and_checksum(self):
        for crate in self.bom["components"]:
            with self.subTest(crate["name"]):
                self.assertTrue(crate["licenses"])
                self.assertRegex(crate["hashes"][0]["content"], "^[0-9a-f]{64}$")


if __name__ == "__main__":
    unittest.main()
