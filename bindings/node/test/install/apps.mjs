// Projects that have this package installed, from its tarball or its folder.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const execute = promisify(execFile);

/** Runs a command. When it fails, the error contains its output. */
export async function run(command, args, options = {}) {
    try {
        return await execute(command, args, { maxBuffer: 2 ** 28, ...options });
    } catch (error) {
        error.message += `\n${error.stdout}`;
        throw error;
    }
}

/** A temporary folder. Its path has no symbolic links, which some tools resolve. */
export async function temporary() {
    return realpath(await mkdtemp(path.join(tmpdir(), 'directus-realtime-')));
}

/** Packs the package with npm and the library of this checkout. */
export async function pack(folder) {
    const { candidates } = createRequire(import.meta.url)('../../dist/abi/library.js');
    const library = candidates().find((place) => existsSync(place));
    const env = { ...process.env, DIRECTUS_REALTIME_LIBRARY: library };
    await run('npm', ['pack', '--pack-destination', folder], { cwd: PACKAGE, env });
    const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    return path.join(folder, tarball);
}

/** The environment of programs, which find the library without DIRECTUS_REALTIME_LIBRARY. */
export function environment(more = {}) {
    return { ...process.env, ...more, DIRECTUS_REALTIME_LIBRARY: undefined };
}

/** Makes a project with these files and dependencies. */
export async function project(folder, files, dependencies = [], options = {}) {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries({ 'package.json': '{"private": true}', ...files })) {
        await writeFile(path.join(folder, name), text);
    }
    if (dependencies.length > 0) {
        const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
        await run('npm', ['install', ...quiet, ...dependencies], { cwd: folder, ...options });
    }
    return folder;
}
