"""Where the client finds the authorities that it trusts, beside `ca_file`."""

import os
import subprocess
import sys
import unittest

from proxy import Nginx
from test_proxies import PYTHON_PACKAGE, certificates, server

PROGRAM = """
import logging, sys
from directus_realtime import Client, DirectusRealtimeError
logging.disable()
with Client(sys.argv[1], access_token="admin-static-token") as client:
    try:
        client.wait(timeout=60)
        print("connected")
    except DirectusRealtimeError as error:
        print(error)
"""
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")


class Authorities(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if missing := Nginx.missing():
            raise unittest.SkipTest(f"this machine has no {missing}")
        cls.proxy = Nginx(server().port, certificates())
        cls.addClassCleanup(cls.proxy.close)

    def connect_with(self, name, value):
        environment = {key: kept for key, kept in os.environ.items() if key not in VARIABLES}
        path = f"{PYTHON_PACKAGE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        environment.update({name: str(value), "PYTHONPATH": path})
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, self.proxy.url],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def test_ssl_cert_file_and_ssl_cert_dir_are_honoured(self):
        folder = certificates() / "authorities"
        folder.mkdir(exist_ok=True)
        authority = certificates() / "authority.pem"
        hashing = ["openssl", "x509", "-hash", "-noout", "-in", str(authority)]
        name = subprocess.run(hashing, check=True, stdout=subprocess.PIPE, text=True).stdout
        link = folder / f"{name.strip()}.0"
        if not link.exists():
            link.symlink_to(authority)
        self.assertEqual(self.connect_with("SSL_CERT_FILE", authority), "connected")
        self.assertEqual(self.connect_with("SSL_CERT_DIR", folder), "connected")

    def test_the_variables_of_other_programs_are_not_read(self):
        for name in VARIABLES[2:]:
            with self.subTest(name):
                said = self.connect_with(name, certificates() / "authority.pem")
                self.assertIn("not of an authority that is trusted here", said)


if __name__ == "__main__":
    unittest.main()
