"""The bill of materials: which crates are in the library, in which versions, under which
licences, as CycloneDX."""

import json
import re
from uuid import NAMESPACE_URL, uuid5

from common import OUT, ROOT, VERSION, output
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def make_sbom(targets):
    filters = [f"--filter-platform={target.triple}" for target in targets]
    command = ["cargo", "metadata", "--locked", "--format-version=1", *filters]
    metadata = json.loads(output(*command, f"--manifest-path={ROOT / 'Cargo.toml'}"))
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {node["id"]: linked(node, packages) for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    sums = checksums()
    components = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in components:
            components[name] = component(packages[name], sums, is_root=name == root)
            waiting += needs[name]
    # The same bytes for the same sources.
    sources = f"{VERSION} {(ROOT / 'Cargo.lock').read_text()}"
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, sources))
    bom.metadata.timestamp = None
    bom.metadata.component = components[root]
    bom.components.update(c for name, c in components.items() if name != root)
    for name, known in components.items():
        bom.register_dependency(known, [components[need] for need in needs[name]])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"make dist: the bill of materials is not valid: {error}")
    (OUT / f"directus-realtime-{VERSION}.cdx.json").write_text(text + "\n")


def linked(node, packages):
    """What a crate links: no macros, and nothing for its tests or its build script alone."""
    return [
        dependency["pkg"]
        for dependency in node["deps"]
        if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        and not any(
            "proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"]
        )
    ]


def checksums():
    lock = (ROOT / "Cargo.lock").read_text()
    pattern = r'name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"'
    return {(name, version): digest for name, version, digest in re.findall(pattern, lock)}


def component(package, sums, is_root):
    name, version = package["name"], package["version"]
    made = Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        description=package["description"],
        purl=PackageURL("cargo", None, name, version),
    )
    if package["license"]:
        # "MIT/Apache-2.0" is an older way to write the same.
        expression = package["license"].replace("/", " OR ")
        made.licenses.add(LicenseFactory().make_from_string(expression))
    if not is_root:
        made.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=sums[name, version]))
    return made
