// The tarball of the package, installed without Rust.
import assert from 'node:assert/strict';
import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { after, before, it } from 'node:test';
import { startScriptedServer } from '../../../../tests/scripted_server/scripted_server.mjs';
import { startServer } from '../server.mjs';
import { environment, pack, project, run, temporary } from './apps.mjs';

const FOLLOW = `
const client = createClient(process.argv[2], { accessToken: process.argv[3] });
client.subscribe({ collection: 'posts' }, (event) => {
    console.log(event.type);
    client.close();
});`;
const PROGRAMS = {
    'esm.mjs': `import { createClient } from 'directus-realtime';${FOLLOW}`,
    'cjs.cjs': `const { createClient } = require('directus-realtime');${FOLLOW}`,
};

let folder, scripted, tarball;
before(async () => {
    folder = await temporary();
    scripted = await startScriptedServer();
    tarball = await pack(folder);
});
after(async () => {
    await scripted.close();
    await rm(folder, { recursive: true });
});

it('the tarball installs without Rust, and works by import and require', async (t) => {
    const server = await startServer();
    t.after(() => server.close());
    const tools = path.join(folder, 'tools');
    await mkdir(tools);
    // Node and a shell, but no compiler.
    await symlink(process.execPath, path.join(tools, 'node'));
    const env = environment({ PATH: `${tools}:/bin` });
    const app = await project(path.join(folder, 'app'), PROGRAMS);
    const { stdout: npm } = await run('which', ['npm']);
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball];
    await run(process.execPath, [await realpath(npm.trim()), ...install], { cwd: app, env });
    for (const program of Object.keys(PROGRAMS)) {
        const { stdout } = await run('node', [program, server.url, server.token], { cwd: app, env });
        assert.equal(stdout, 'init\n');
    }
});

it("the package works under Yarn's Plug'n'Play", async () => {
    const tools = await project(path.join(folder, 'yarn'), {}, ['@yarnpkg/cli-dist@4.18.1']);
    const yarn = path.join(tools, 'node_modules', '@yarnpkg', 'cli-dist', 'bin', 'yarn.js');
    const dependencies = { 'directus-realtime': `file:${tarball}` };
    const app = await project(path.join(folder, 'pnp'), {
        ...PROGRAMS,
        'package.json': JSON.stringify({ name: 'app', private: true, dependencies }),
        'yarn.lock': '',
        // Where a variable like CI is set, Yarn would not fill the empty lock file.
        '.yarnrc.yml':
            'nodeLinker: pnp\nenableTelemetry: false\nenableGlobalCache: false\n' +
            'enableImmutableInstalls: false\n',
    });
    const options = { cwd: app, env: environment() };
    await run(process.execPath, [yarn, 'install'], options);
    for (const program of Object.keys(PROGRAMS)) {
        const command = [yarn, 'node', program, scripted.url, 'x'];
        const { stdout } = await run(process.execPath, command, options);
        assert.equal(stdout, 'init\n');
    }
});

/** A test file for a test runner with `it` and `expect`. */
const test = (n, load) => `
${load}
it('follows the posts, ${n}', async () => {
    const client = createClient(process.env.SERVER, { accessToken: 'x' });
    const [one, two] = await Promise.all([new Promise((resolve) =>
        client.subscribe({ collection: 'posts' }, ({ type }) => resolve(type))),
        client.request({ type: 'ping' })]);
    expect([one, two.type]).toEqual(['init', 'pong']);
    await client.close();
    expect(client.state).toBe('closed');
});
it('refuses wrong options, ${n}', () => {
    expect(() => createClient('http://x', { headers: 5 })).toThrow(DirectusRealtimeError);
});`;
const NUMBERS = [1, 2, 3, 4];

/** The number of passed tests in the summary of a test runner. */
const passed = (text) => /^ *Tests:? +(?:.*, )?(\d+) passed/m.exec(text)?.[1];
const EXPECTED = String(2 * NUMBERS.length);

it('Jest loads the package anew for each test file', async () => {
    const load = "const { createClient, DirectusRealtimeError } = require('directus-realtime');";
    const again = `
it('is loaded again within a file', () => {
    jest.resetModules();
    expect(require('directus-realtime').createClient).not.toBe(createClient);
});`;
    const files = Object.fromEntries(NUMBERS.map((n) => [`${n}.test.js`, test(n, load)]));
    const app = await project(path.join(folder, 'jest'), files, [tarball, 'jest@30.5.2']);
    await writeFile(path.join(app, 'again.test.js'), load + again);
    const env = environment({ SERVER: scripted.url, CI: 'true' });
    const jest = path.join(app, 'node_modules', 'jest', 'bin', 'jest.js');
    for (const how of [['--runInBand'], ['--maxWorkers=2'], ['--maxWorkers=2', '--workerThreads']]) {
        const { stderr } = await run(process.execPath, [jest, ...how], { cwd: app, env });
        assert.equal(passed(stderr), String(Number(EXPECTED) + 1), `${how}: ${stderr}`);
        assert.doesNotMatch(stderr, /Jest did not exit/, `${how}`);
    }
});

it('Vitest loads the package anew for each test file', async () => {
    const load =
        "import { expect, it } from 'vitest';\n" +
        "import { createClient, DirectusRealtimeError } from 'directus-realtime';";
    const files = Object.fromEntries(NUMBERS.map((n) => [`${n}.test.mjs`, test(n, load)]));
    const app = await project(path.join(folder, 'vitest'), files, [tarball, 'vitest@5.1.2']);
    const env = environment({ SERVER: scripted.url, CI: 'true', NO_COLOR: '1' });
    const vitest = path.join(app, 'node_modules', 'vitest', 'vitest.mjs');
    for (const pool of ['forks', 'threads']) {
        const command = [vitest, 'run', '--pool', pool];
        const { stdout } = await run(process.execPath, command, { cwd: app, env });
        assert.equal(passed(stdout), EXPECTED, `${pool}: ${stdout}`);
    }
});
