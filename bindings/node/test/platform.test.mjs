// Where there is no library for a platform, the error names the platform.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

let folder, library, platform;
before(() => {
    // Outside of the checkout, in which a library would be found.
    folder = mkdtempSync(path.join(tmpdir(), 'directus-realtime-'));
    const modules = path.join(folder, 'node_modules');
    const installed = path.join(modules, 'directus-realtime');
    cpSync(path.join(PACKAGE, 'dist'), path.join(installed, 'dist'), { recursive: true });
    copyFileSync(path.join(PACKAGE, 'package.json'), path.join(installed, 'package.json'));
    for (const name of ['koffi', '@koromix']) {
        cpSync(path.join(PACKAGE, 'node_modules', name), path.join(modules, name), { recursive: true });
    }
    library = require(path.join(installed, 'dist', 'abi', 'library.js'));
    platform = require(path.join(installed, 'dist', 'abi', 'platform.js'));
});
after(() => rmSync(folder, { recursive: true }));

/** Calls `act` as on another platform, and without the library that the environment names. */
function on(values, act) {
    const before = Object.getOwnPropertyDescriptors(process);
    const named = process.env.DIRECTUS_REALTIME_LIBRARY;
    delete process.env.DIRECTUS_REALTIME_LIBRARY;
    for (const [name, value] of Object.entries(values)) {
        Object.defineProperty(process, name, { ...before[name], value });
    }
    try {
        return act();
    } finally {
        for (const name of Object.keys(values)) {
            Object.defineProperty(process, name, before[name]);
        }
        if (named !== undefined) {
            process.env.DIRECTUS_REALTIME_LIBRARY = named;
        }
    }
}

for (const [values, name] of [
    [{ platform: 'win32', arch: 'arm64' }, 'win32-arm64'],
    [{ platform: 'freebsd', arch: 'x64' }, 'freebsd-x64'],
    [{ platform: 'linux', arch: 'riscv64' }, 'linux-riscv64-gnu'],
]) {
    it(`loading on ${name} names it, and the platforms that there are packages for`, () => {
        const message = new RegExp(`there is no package for ${name}, only for linux-x64-gnu, .*arm64-musl`);
        on(values, () => assert.throws(() => library.loadLibrary(), { code: 'ERR_LIBRARY', message }));
    });
}

it('loading without the package for this platform names the package', () => {
    const message = /the package directus-realtime-linux-x64-gnu is not installed/;
    on({ platform: 'linux', arch: 'x64' }, () =>
        assert.throws(() => library.loadLibrary(), { code: 'ERR_LIBRARY', message }),
    );
});

it('the package for each platform is looked for by its own name', () => {
    for (const name of platform.SUPPORTED) {
        const place = path.join(folder, 'node_modules', `directus-realtime-${name}`);
        mkdirSync(place);
        writeFileSync(path.join(place, 'libdirectus_realtime.so'), '');
    }
    for (const arch of ['x64', 'arm64']) {
        on({ platform: 'linux', arch }, () =>
            assert.match(platform.installedLibrary()[0], new RegExp(`directus-realtime-linux-${arch}-gnu/`)),
        );
    }
});

it('the files that tools trace are those that koffi has', () => {
    const source = readFileSync(path.join(PACKAGE, 'src', 'abi', 'platform.ts'), 'utf8');
    const named = [...source.matchAll(/require\.resolve\('(@koromix\/koffi-linux-x64\/[^']+)'\)/g)];
    assert.equal(named.length, 2);
    for (const [, name] of named) {
        assert.ok(require.resolve(name));
    }
});
