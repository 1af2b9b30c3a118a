// The native library of this checkout.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CHECKOUT = path.join(PACKAGE, '..', '..');

export const FILE = process.platform === 'darwin' ? 'libdirectus_realtime.dylib' : 'libdirectus_realtime.so';
export const RELEASE = path.join(CHECKOUT, 'target', 'release', FILE);

/** The file that the user names, or one that was built before. */
export function findLibrary() {
    const named = process.env.DIRECTUS_REALTIME_LIBRARY;
    const places = named ? [path.resolve(named)] : [RELEASE, path.join(CHECKOUT, 'target', 'debug', FILE)];
    return places.find((place) => existsSync(place));
}

export function buildLibrary() {
    console.log('building the native library (cargo build --release)');
    run('cargo', ['build', '--release'], CHECKOUT);
    return RELEASE;
}

/** Runs a command, and ends with it when it fails. */
export function run(command, args, cwd = PACKAGE) {
    const { error, status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
    if (error?.code === 'ENOENT') {
        console.error(
            `${command} is not installed, and is needed to build directus-realtime in its checkout`,
        );
    }
    if (status !== 0) {
        process.exit(status ?? 1);
    }
}
