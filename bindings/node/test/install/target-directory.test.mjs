// Checkouts in which cargo does not build in `target`. A crate that compiles in a second replaces the
// library; the package's scripts are the real ones.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { environment, PACKAGE, project, run, temporary } from './apps.mjs';

const CRATE = {
    'Cargo.toml':
        '[package]\nname = "directus-realtime"\nversion = "0.1.0"\nedition = "2024"\n' +
        '[lib]\nname = "directus_realtime"\ncrate-type = ["cdylib"]\n',
    'lib.rs': '#[unsafe(no_mangle)]\npub extern "C" fn drt_abi_version() -> u32 { 1 }\n',
};
const PARTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'src', 'vue'];
const SETTINGS = { CARGO_TARGET_DIR: undefined, CARGO_BUILD_TARGET_DIR: undefined };

let folder;
before(async () => {
    folder = await temporary();
});
after(() => rm(folder, { recursive: true }));

/** A checkout with the crate and a copy of the package; `config` is cargo's. */
async function checkout(name, config) {
    const root = path.join(folder, name);
    const node = path.join(root, 'bindings', 'node');
    await mkdir(path.join(root, 'src'), { recursive: true });
    await mkdir(path.join(root, '.cargo'));
    await writeFile(path.join(root, 'Cargo.toml'), CRATE['Cargo.toml']);
    await writeFile(path.join(root, 'src', 'lib.rs'), CRATE['lib.rs']);
    await writeFile(path.join(root, 'LICENSE'), 'MIT');
    await writeFile(path.join(root, '.cargo', 'config.toml'), config);
    for (const part of PARTS) {
        await cp(path.join(PACKAGE, part), path.join(node, part), { recursive: true });
    }
    return { root, node };
}

/** Runs `npm pack`, and returns the names of the files in the tarball. */
async function packed({ node }, settings) {
    await symlink(path.join(PACKAGE, 'node_modules'), path.join(node, 'node_modules'));
    await run('npm', ['pack'], { cwd: node, env: environment({ ...SETTINGS, ...settings }) });
    const [tarball] = (await readdir(node)).filter((name) => name.endsWith('.tgz'));
    return (await run('tar', ['tzf', tarball], { cwd: node })).stdout;
}

const CARRIED = /^package\/native\/\w+-\w+\/libdirectus_realtime\.(so|dylib)$/m;

it('npm pack takes the library from CARGO_TARGET_DIR', async () => {
    const place = await checkout('variable', '');
    const target = path.join(folder, 'elsewhere');
    assert.match(await packed(place, { CARGO_TARGET_DIR: target }), CARRIED);
    assert.ok(existsSync(path.join(target, 'release')));
    assert.ok(!existsSync(path.join(place.root, 'target')));
});

it("npm pack takes the library from the target-dir and target of cargo's configuration", async () => {
    const { stdout } = await run('rustc', ['-vV']);
    const [, host] = /^host: (.*)$/m.exec(stdout);
    const place = await checkout('packed', `[build]\ntarget-dir = "out/of/here"\ntarget = "${host}"\n`);
    const names = await packed(place);
    assert.match(names, CARRIED);
    assert.doesNotMatch(names, /\.library/);
    assert.ok(!existsSync(path.join(place.root, 'target')));
});

it('a package installed from its folder finds the library where cargo has put it', async () => {
    const place = await checkout('installed', '[build]\ntarget-dir = "out"\n');
    const app = path.join(folder, 'app');
    await project(app, {}, [place.node], { env: environment(SETTINGS) });
    const installed = path.join(app, 'node_modules', 'directus-realtime', 'dist', 'abi', 'library.js');
    const { candidates } = createRequire(import.meta.url)(installed);
    const named = process.env.DIRECTUS_REALTIME_LIBRARY;
    delete process.env.DIRECTUS_REALTIME_LIBRARY;
    const found = candidates().find((candidate) => existsSync(candidate));
    if (named !== undefined) {
        process.env.DIRECTUS_REALTIME_LIBRARY = named;
    }
    assert.match(path.relative(place.root, found), /^out\/release\/libdirectus_realtime\.(so|dylib)$/);
    assert.equal(await readFile(path.join(place.node, '.library'), 'utf8'), found);
});
