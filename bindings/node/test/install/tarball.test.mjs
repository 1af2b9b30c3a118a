// The package as npm makes it, installed where there is no Rust.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../server.mjs';

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const FOLLOW = `
const client = createClient(process.argv[2], { accessToken: process.argv[3] });
client.subscribe({ collection: 'posts' }, (event) => {
    console.log(event.type);
    client.close();
});`;

let folder, server;
before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'directus-realtime-'));
    server = await startServer();
});
after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
});

it('installs from its tarball without Rust and works, for import and require', async () => {
    await run('npm', ['pack', '--pack-destination', folder], { cwd: PACKAGE });
    const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    const app = path.join(folder, 'app');
    const tools = path.join(folder, 'tools');
    await mkdir(app);
    await mkdir(tools);
    // Node and a shell, and nothing that compiles.
    await symlink(process.execPath, path.join(tools, 'node'));
    const env = { ...process.env, PATH: `${tools}:/bin` };
    delete env.DIRECTUS_REALTIME_LIBRARY;
    await writeFile(path.join(app, 'package.json'), '{"private": true}');
    const { stdout: npm } = await run('which', ['npm']);
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', path.join(folder, tarball)];
    await run(process.execPath, [await realpath(npm.trim()), ...install], { cwd: app, env });
    await writeFile(path.join(app, 'esm.mjs'), `import { createClient } from 'directus-realtime';${FOLLOW}`);
    await writeFile(
        path.join(app, 'cjs.cjs'),
        `const { createClient } = require('directus-realtime');${FOLLOW}`,
    );
    for (const program of ['esm.mjs', 'cjs.cjs']) {
        const { stdout } = await run('node', [program, server.url, server.token], { cwd: app, env });
        assert.equal(stdout, 'init\n');
    }
});
