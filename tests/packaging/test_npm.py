"""npm's packages, installed without Rust and without a compiler."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from following import assert_follows, server
from packages import BARE, CACHE, NATIVE, PLATFORMS, VERSION, made, needs, readme_program, succeeds
from registry import Registry
from roots import needs_qemu, needs_roots, root

NODE_VERSION = "22.23.5"
NFT = "@vercel/nft@1.11.5"


def node_for(cpu):
    """Node for a processor, as npm has it."""
    folder = CACHE / f"node-{NODE_VERSION}-{cpu}"
    program = folder / "node_modules" / f"node-linux-{cpu}" / "bin" / "node"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--prefix", folder, "--no-save", "--force", "--no-audit", "--no-fund"]
        package = f"node-linux-{cpu}@{NODE_VERSION}"
        succeeds(["npm", "install", *options, package], env=os.environ)
    return program


class Npm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry().__enter__()
        cls.addClassCleanup(cls.registry.__exit__)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-npm-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def project(self, name=NATIVE):
        """An empty project in which the package was installed by its name, for a platform."""
        project = self.folder / name
        project.mkdir()
        (project / "package.json").write_text('{"private": true}')
        # Node and a shell, but no compiler.
        tools = project / "tools"
        tools.mkdir()
        (tools / "node").symlink_to(shutil.which("node"))
        (tools / "sh").symlink_to(shutil.which("sh"))
        npm = Path(shutil.which("npm")).resolve()
        options = []
        if name != NATIVE:
            conditions = PLATFORMS[name].npm_conditions
            options = [f"--{key}={value}" for key, (value,) in conditions.items()]
            # koffi's would try its library here.
            options.append("--ignore-scripts")
        quiet = ["--no-audit", "--no-fund", "--cache", self.folder / "cache"]
        where = ["--registry", self.registry.url, "directus-realtime"]
        environment = {**BARE, "PATH": str(tools), "HOME": str(self.folder)}
        succeeds(
            [tools / "node", npm, "install", *quiet, *options, *where],
            env=environment,
            cwd=project,
        )
        return project

    @needs(NATIVE)
    def test_the_package_works_in_an_empty_project(self):
        project = self.project()
        with server() as followed:
            (project / "program.mjs").write_text(readme_program("js", followed.url))
            assert_follows([shutil.which("node"), "program.mjs"], BARE, project)

    @needs("linux-x64-gnu")
    @needs_roots
    def test_the_package_works_on_an_empty_debian(self):
        project = self.project()
        with root("debian-11") as system, server() as followed:
            shutil.copytree(project, system.folder / "project")
            node = system.copy(node_for("x64"), "/usr/local/bin")
            program = system.folder / "project" / "program.mjs"
            program.write_text(readme_program("js", followed.url))
            assert_follows(system.command(node, "/project/program.mjs"))

    @needs("linux-arm64-gnu")
    @needs_roots
    @needs_qemu
    def test_the_package_works_on_arm64(self):
        project = self.project("linux-arm64-gnu")
        with root("debian-12-arm64") as system, server() as followed:
            shutil.copytree(project, system.folder / "project")
            node = system.copy(node_for("arm64"), "/usr/local/bin")
            qemu = system.copy(shutil.which("qemu-aarch64-static"), "/emulator")
            program = system.folder / "project" / "program.mjs"
            program.write_text(readme_program("js", followed.url))
            assert_follows(system.command(qemu, node, "/project/program.mjs"))

    def test_npm_installs_the_library_of_the_platform_alone(self):
        for name in made():
            with self.subTest(name):
                modules = self.project(name) / "node_modules"
                found = [path.name for path in modules.glob("directus-realtime-*")]
                self.assertEqual(found, [f"directus-realtime-{name}"])

    @needs(NATIVE)
    def test_tools_that_trace_files_find_the_libraries(self):
        tracer = CACHE / "nft"
        if not (tracer / "node_modules").exists():
            options = ["--prefix", tracer, "--no-save", "--no-audit", "--no-fund"]
            succeeds(["npm", "install", *options, NFT], env=os.environ)
        project = self.project()
        (project / "program.cjs").write_text('require("directus-realtime");')
        script = (
            f'require("{tracer}/node_modules/@vercel/nft").nodeFileTrace(["program.cjs"])'
            ".then(({ fileList }) => console.log(JSON.stringify([...fileList])))"
        )
        traced = json.loads(succeeds(["node", "-e", script], cwd=project).splitlines()[-1])
        # The traced files alone are enough.
        alone = self.folder / "alone"
        for file in traced:
            (alone / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / file, alone / file)
        with server() as followed:
            text = readme_program("js", followed.url)
            text = text.replace('import { createClient } from "directus-realtime"', "")
            (alone / "program.cjs").write_text(
                f'const {{ createClient }} = require("directus-realtime");{text}'
            )
            assert_follows([shutil.which("node"), "program.cjs"], BARE, alone)

    @needs(NATIVE)
    def test_a_missing_library_is_reported_with_the_name_of_its_package(self):
        project = self.project()
        shutil.rmtree(project / "node_modules" / f"directus-realtime-{NATIVE}")
        program = 'require("directus-realtime").createClient("http://localhost")'
        done = subprocess.run(
            ["node", "-e", program], cwd=project, env=BARE, capture_output=True, text=True
        )
        self.assertIn(f"the package directus-realtime-{NATIVE} is not installed", done.stderr)

    def test_the_packages_have_one_version(self):
        described = self.registry.answer("directus-realtime")[1]
        (version,) = json.loads(described)["versions"].values()
        ours = {n: v for n, v in version["optionalDependencies"].items() if "koffi" not in n}
        self.assertEqual(ours, {f"directus-realtime-{name}": VERSION for name in PLATFORMS})
        self.assertNotIn("scripts", version, "nothing may be built when it is installed")


if __name__ == "__main__":
    unittest.main()
