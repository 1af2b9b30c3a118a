"""Creates the collections, users and items of the examples on a Directus server, over REST.

    python3 examples/seed.py http://localhost:8055 ADMIN_TOKEN

The collections of schema.json, two users, Ann and Bob, who may use them, and a few items. What
is there already stays as it is.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "directus"))

from rest import Rest, RestError  # noqa: E402
from users import add_user  # noqa: E402

SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
#: The users' names and tokens.
USERS = {"ann": "ann-token", "bob": "bob-token"}
POSTS = [
    {"title": "Welcome", "status": "published", "content": "Change me, and see."},
    {"title": "Nothing yet", "status": "draft"},
]


def seed(rest):
    known = {each["collection"] for each in rest.request("GET", "/collections")}
    for collection in SCHEMA["collections"]:
        if collection["collection"] not in known:
            rest.request("POST", "/collections", collection)
    emails = {each["email"] for each in rest.request("GET", "/users?fields=email&limit=-1")}
    permissions = [
        {"collection": collection, "action": action, "fields": ["*"]}
        for collection, actions in SCHEMA["permissions"].items()
        for action in actions
    ]
    if not rest.read("posts", "limit=1"):
        rest.create("posts", POSTS)
    for name, token in USERS.items():
        if f"{name}@example.com" not in emails:
            user = add_user(rest, name, token, permissions)
            text = f"Welcome, {name.capitalize()}"
            rest.create("notifications", {"message": text, "user_id": user})
            greeting = {"channel_id": "lobby", "user_name": name.capitalize(), "text": "Hello!"}
            rest.create("messages", greeting)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: seed.py URL ADMIN_TOKEN")
    url, token = sys.argv[1].rstrip("/"), sys.argv[2]
    try:
        seed(Rest(url, token))
    except (OSError, RestError) as error:
        sys.exit(f"{url}: {error}")
    print(f"{url} has the examples' collections, and the tokens {', '.join(USERS.values())}")


if __name__ == "__main__":
    main()
