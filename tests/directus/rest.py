"""The REST API of a test server, as far as tests need it."""

import json
import urllib.error
import urllib.request

ADMIN = "admin-static-token"


class RestError(Exception):
    """The server refused a request."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status = status


class Rest:
    """Talks to `url` with a token."""

    def __init__(self, url, token=ADMIN):
        self.url = url
        self.token = token

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")) from None
        try:
            return json.loads(text).get("data") if text else None
        except ValueError:
            return text.decode(errors="replace")

    def create(self, collection, data):
        return self.request("POST", f"/items/{collection}", data)

    def read(self, collection, query="limit=-1"):
        return self.request("GET", f"/items/{collection}?{query}")

    def update(self, collection, key, data):
        return self.request("PATCH", f"/items/{collection}/{key}", data)

    def delete(self, collection, key):
        return self.request("DELETE", f"/items/{collection}/{key}")

    def login(self, email, password):
        who = {"email": email, "password": password}
        return Rest(self.url, None).request("POST", "/auth/login", who)
