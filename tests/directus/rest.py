"""The part of a test server's REST API that tests need."""

import json
import urllib.error
import urllib.parse
import urllib.request

ADMIN = "admin-static-token"
# The servers are on this machine, whatever proxy the environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


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

    def request(self, method, path, body=None, token=None):
        """Sends a request, and returns the response's `data`. `token` replaces the usual one."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        token = self.token if token is None else token
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with DIRECT.open(request, timeout=60) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")) from None
        try:
            return json.loads(text).get("data") if text else None
        except ValueError:
            return text

    def create(self, collection, data):
        return self.request("POST", f"/items/{collection}", data)

    def read(self, collection, query="limit=-1"):
        return self.request("GET", f"/items/{collection}?{query}")

    def update(self, collection, key, data):
        return self.request("PATCH", item_path(collection, key), data)

    def delete(self, collection, key):
        return self.request("DELETE", item_path(collection, key))

    def login(self, email, password):
        """`access_token`, `refresh_token` and `expires` (milliseconds)."""
        who = {"email": email, "password": password}
        return self.request("POST", "/auth/login", who, token="")


def item_path(collection, key):
    """The path of an item; a singleton has no key."""
    if key is None:
        return f"/items/{collection}"
    return f"/items/{collection}/{urllib.parse.quote(str(key), safe='')}"
