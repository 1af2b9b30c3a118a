"""npm's packages: one without a library, and one for each platform, of which npm installs the
one that fits."""

import json
import shutil

from common import OUT, ROOT, VERSION, fresh, run, write_json
from platforms import PLATFORMS

SOURCE = ROOT / "bindings" / "node"


def make_platform_package(target, library):
    folder = fresh(target.name, "npm")
    shutil.copyfile(library, folder / library.name)
    described = {
        "name": target.npm_name,
        "version": VERSION,
        "description": f"The native library of directus-realtime for {target.name}",
        "license": "MIT",
        **target.npm_conditions,
        "files": [library.name],
        "preferUnplugged": True,
    }
    write_json(folder / "package.json", described)
    pack(folder)


def make_main_package():
    folder = fresh("npm")
    for name in ("dist", "vue"):
        shutil.copytree(SOURCE / name, folder / name)
    shutil.copyfile(SOURCE / "README.md", folder / "README.md")
    described = json.loads((SOURCE / "package.json").read_text())
    for name in ("scripts", "devDependencies"):
        del described[name]
    names = [target.npm_name for target in PLATFORMS.values()]
    # Koffi's own packages, too: where each package sees its own dependencies only, tools that
    # trace files could not find them.
    koffi = {
        f"@koromix/koffi-linux-{target.cpu}": described["dependencies"]["koffi"]
        for target in PLATFORMS.values()
    }
    described["optionalDependencies"] = {**dict.fromkeys(names, VERSION), **koffi}
    write_json(folder / "package.json", described)
    pack(folder)


def pack(folder):
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    run("npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", OUT, cwd=folder)
