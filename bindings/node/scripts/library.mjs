// The native library of this checkout.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CHECKOUT = path.join(PACKAGE, '..', '..');
/** For src/abi/library.ts, which cannot ask cargo: where the library is, if it is not in `target`. */
const RECORD = path.join(PACKAGE, '.library');

export const FILE = process.platform === 'darwin' ? 'libdirectus_realtime.dylib' : 'libdirectus_realtime.so';

/** Where cargo builds: CARGO_TARGET_DIR, or `target-dir` in any of its configuration files, may say so. */
export function targetDirectory() {
    const args = ['metadata', '--format-version', '1', '--no-deps', '--offline'];
    const { status, stdout } = spawnSync('cargo', args, { cwd: CHECKOUT, encoding: 'utf8' });
    if (status === 0) {
        return JSON.parse(stdout).target_directory;
    }
    // Without cargo there may still be a library that was built before.
    return path.resolve(CHECKOUT, process.env.CARGO_TARGET_DIR || 'target');
}

/** The file that the user names, or one that was built before. */
export function findLibrary() {
    const named = process.env.DIRECTUS_REALTIME_LIBRARY;
    const built = (profile) => path.join(targetDirectory(), profile, FILE);
    const places = named ? [path.resolve(named)] : [built('release'), built('debug')];
    return places.find((place) => existsSync(place));
}

export function buildLibrary() {
    console.log('building the native library (cargo build --release)');
    const args = ['build', '--release', '--message-format', 'json-render-diagnostics'];
    const messages = run('cargo', args, { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'inherit'] });
    // Cargo says where: there is also a folder for the target triple where the configuration names one.
    const files = messages
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
        .filter(({ reason, target }) => reason === 'compiler-artifact' && target.kind.includes('cdylib'))
        .flatMap(({ filenames }) => filenames);
    const library = files.findLast((file) => path.basename(file) === FILE);
    if (library === undefined) {
        console.error(`cargo has built no ${FILE}`);
        process.exit(1);
    }
    return library;
}

/** Lets the package find the library where it is in this checkout. */
export function recordLibrary(library) {
    const isInTarget = path.resolve(library, '..', '..') === path.join(CHECKOUT, 'target');
    if (process.env.DIRECTUS_REALTIME_LIBRARY || isInTarget) {
        rmSync(RECORD, { force: true });
    } else {
        writeFileSync(RECORD, library);
    }
}

/** Runs a command, and ends with it when it fails. The result is what it writes, where that is piped. */
export function run(command, args, options = {}) {
    const settings = { cwd: PACKAGE, stdio: 'inherit', encoding: 'utf8', maxBuffer: 2 ** 28, ...options };
    const { error, status, stdout } = spawnSync(command, args, settings);
    if (error?.code === 'ENOENT') {
        console.error(
            `${command} is not installed, and is needed to build directus-realtime in its checkout`,
        );
    }
    if (status !== 0) {
        process.exit(status ?? 1);
    }
    return stdout;
}
