"""Users of a Directus server, over REST."""

from rest import RestError


def add_user(rest, name, token, permissions):
    """A user without access to the app, with a role and a policy of its own: its id."""
    role = rest.request("POST", "/roles", {"name": name})
    owner = policy_of(rest, name, role)
    for permission in permissions:
        rest.request("POST", "/permissions", {**owner, **permission})
    user = {
        "first_name": name.capitalize(),
        "email": f"{name}@example.com",
        "password": f"{name}-password",
        "token": token,
        "role": role["id"],
        "status": "active",
    }
    return rest.request("POST", "/users", user)["id"]


def policy_of(rest, name, role):
    """What the permissions of a new role belong to."""
    policy = {"name": name, "admin_access": False, "app_access": False}
    try:
        policy = rest.request("POST", "/policies", policy)
    except RestError as error:
        if error.status != 404:
            raise
        # Before 11.0 there are no policies.
        return {"role": role["id"]}
    access = {"role": role["id"], "policy": policy["id"], "sort": 1}
    rest.request("POST", "/access", access)
    return {"policy": policy["id"]}
