"""Users of a Directus server, over REST."""


def add_user(rest, name, token, permissions):
    """A user without access to the app, with a role and a policy of its own: its id."""
    policy = rest.request(
        "POST", "/policies", {"name": name, "admin_access": False, "app_access": False}
    )
    for permission in permissions:
        rest.request("POST", "/permissions", {"policy": policy["id"], **permission})
    role = rest.request("POST", "/roles", {"name": name})
    access = {"role": role["id"], "policy": policy["id"], "sort": 1}
    rest.request("POST", "/access", access)
    user = {
        "first_name": name.capitalize(),
        "email": f"{name}@example.com",
        "password": f"{name}-password",
        "token": token,
        "role": role["id"],
        "status": "active",
    }
    return rest.request("POST", "/users", user)["id"]
