// Finds or builds the native library of this checkout.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CHECKOUT = path.join(PACKAGE, '..', '..');
/** Tells src/abi/library.ts, which does not run cargo, where the library is, if not in `target`. */
const RECORD = path.join(PACKAGE, '.library');

export const FILE = process.platform === 'darwin' ? 'libdirectus_realtime.dylib' : 'libdirectus_realtime.so';

/** Cargo's target directory, which CARGO_TARGET_DIR or `target-dir` in its configuration may change. */
export function targetDirectory() {
    const args = ['metadata', '--format-version', '1', '--no-deps', '--offline'];
    const { status, stdout } = spawnSync('cargo', args, { cwd: CHECKOUT, encoding: 'utf8' });
    if (status === 0) {
        return JSON.parse(stdout).target_directory;
    }
    // Cargo is not installed: there may still be a library that was built earlier.
    return path.resolve(CHECKOUT, process.env.CARGO_TARGET_DIR || 'target');
}

/** The file that DIRECTUS_REALTIME_LIBRARY names, or one that was built earlier. */
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
    // Cargo reports the path, which contains the target triple where the configuration has one.
    const files = messages
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
        .filter(({ reason, target }) => reason === 'compiler-artifact' && target.kind.includes('cdylib'))
        .flatMap(({ filenames }) => filenames);
    const library = files.findLast((file) => path.basename(file) === FILE);
    if (library === undefined) {
        console.error(`cargo did not build ${FILE}`);
        process.exit(1);
    }
    return library;
}

/** Records where the library is, if the package would not find it. */
export function recordLibrary(library) {
    const isInTarget = path.resolve(library, '..', '..') === path.join(CHECKOUT, 'target');
    if (process.env.DIRECTUS_REALTIME_LIBRARY || isInTarget) {
        rmSync(RECORD, { force: true });
    } else {
        writeFileSync(RECORD, library);
    }
}

/** Runs a command, and exits when it fails. Returns its output, where that is piped. */
export function run(command, args, options = {}) {
    const settings = { cwd: PACKAGE, stdio: 'inherit', encoding: 'utf8', maxBuffer: 2 ** 28, ...options };
    const { error, status, stdout } = spawnSync(command, args, settings);
    if (error?.code === 'ENOENT') {
        console.error(
            `${command} is not installed: it is needed to build directus-realtime from its checkout`,
        );
    }
    if (status !== 0) {
        process.exit(status ?? 1);
    }
    return stdout;
}
