"""Servers of any line, each with the schema of the other tests and some collections more."""

import shutil
import sys

import installation
from installation import HERE, LINES

sys.path.insert(0, str(HERE.parent / "directus"))

import schema
from paths import EXAMPLES_SCHEMA, digest, locked
from server import Server

DIRECTUS = HERE.parent / "directus"
MADE_OF = (HERE / "serving.py", DIRECTUS / "schema.py", DIRECTUS / "users.py", EXAMPLES_SCHEMA)

# Beside those that all tests have.
MORE = {
    "numbers": [schema.INTEGER_KEY, schema.field("big", "bigInteger")],
    "drafts": [schema.INTEGER_KEY, schema.field("title", "string")],
}


class LineServer(Server):
    """A server of any line that is installed."""

    def _home(self):
        return installation.home_of(self.version)

    def _template(self):
        return template_of(self.version)


def template_of(version):
    return LINES / f"template-{version}-{digest(*MADE_OF)}" / "data.db"


def make_template(version):
    """Creates the database that the servers of a line begin with."""
    template = template_of(version)
    with locked(f"lines/{version}"):
        if template.exists():
            return
        with LineServer(version, template=False) as server:
            # An unlicensed 12.x cannot store rules on rows and fields.
            schema.apply(server.rest, rules=not version.startswith("12."))
            for name, fields in MORE.items():
                meta = {"versioning": name == "drafts"}
                body = {"collection": name, "schema": {}, "meta": meta, "fields": fields}
                server.rest.request("POST", "/collections", body)
            server.stop()
            template.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all.
            part = template.with_suffix(".part")
            shutil.copy(server.folder / "data.db", part)
            part.replace(template)
