/** Finds the shared library and loads it. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load, type LibraryHandle } from 'koffi';
import { DirectusRealtimeError } from '../errors.js';
import { installedLibrary, platformName, SUPPORTED } from './platform.js';

/** The ABI version that this package needs: the same major version, and at least this minor version. */
const ABI = { major: 0, minor: 2 };
const RTLD_NOW = 2;
const RTLD_NODELETE: Partial<Record<NodeJS.Platform, number>> = { linux: 0x1000, darwin: 0x80 };
const PACKAGE = path.join(__dirname, '..', '..');
const CHECKOUT = path.join(PACKAGE, '..', '..');

function fileName(): string {
    const names: Partial<Record<NodeJS.Platform, string>> = {
        darwin: 'libdirectus_realtime.dylib',
        win32: 'directus_realtime.dll',
    };
    return names[process.platform] ?? 'libdirectus_realtime.so';
}

/** The files that may be the library, in the order in which they are tried. */
export function candidates(): string[] {
    const named = process.env['DIRECTUS_REALTIME_LIBRARY'];
    if (named) {
        return [path.resolve(named)];
    }
    const kind = `${process.platform}-${process.arch}`;
    const places = [path.join(PACKAGE, 'native', kind, fileName()), ...installedLibrary()];
    if (existsSync(path.join(CHECKOUT, 'Cargo.toml'))) {
        places.push(...recorded());
        const target = path.resolve(CHECKOUT, process.env['CARGO_TARGET_DIR'] || 'target');
        for (const profile of ['release', 'debug']) {
            places.push(path.join(target, profile, fileName()));
        }
    }
    return places;
}

/** Where `scripts/prepare.mjs` has found or built the library, if that is not cargo's default directory. */
function recorded(): string[] {
    const record = path.join(PACKAGE, '.library');
    return existsSync(record) ? [readFileSync(record, 'utf8')] : [];
}

/** Loads the first library that exists. */
export function loadLibrary(): LibraryHandle {
    const places = candidates();
    const file = places.find((place) => existsSync(place));
    if (file === undefined) {
        throw unusable(`${missing()}; none of these files exists: ${places.join(', ')}`);
    }
    let library: LibraryHandle;
    try {
        library = load(file);
    } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw unusable(`${file}, on ${platformName()}: ${message}`, error);
    }
    checkVersion(library, file);
    pin(file);
    return library;
}

function checkVersion(library: LibraryHandle, file: string): void {
    let version: number;
    try {
        version = library.func('drt_abi_version', 'uint32_t', [])();
    } catch (error) {
        throw unusable(`${file} is not the library of directus-realtime`, error);
    }
    const [major, minor] = [version >>> 16, version & 0xffff];
    if (major !== ABI.major || minor < ABI.minor) {
        throw unusable(
            `${file} has ABI version ${major}.${minor}, but this package needs ${ABI.major}.${ABI.minor}, or a later ` +
                'minor version',
        );
    }
}

/**
 * Keeps the library loaded until the process ends: its own threads may still run when the last JavaScript
 * thread that loaded it has ended.
 */
function pin(file: string): void {
    const noDelete = RTLD_NODELETE[process.platform];
    if (noDelete !== undefined) {
        const dlopen = load(null).func('dlopen', 'void *', ['str', 'int']);
        dlopen(file, RTLD_NOW | noDelete);
    }
}

/** Why no package has brought the library along. */
function missing(): string {
    const name = platformName();
    return SUPPORTED.includes(name)
        ? `the package directus-realtime-${name} is not installed (optional dependencies may have been left out)`
        : `there is no package for ${name}, only for ${SUPPORTED.join(', ')}`;
}

function unusable(what: string, cause?: unknown): DirectusRealtimeError {
    const advice =
        'Install directus-realtime for this platform, build the library with `cargo build --release` in its repository, ' +
        'or set DIRECTUS_REALTIME_LIBRARY to its path.';
    return new DirectusRealtimeError(
        'ERR_LIBRARY',
        `The native library of directus-realtime cannot be loaded: ${what}. ${advice}`,
        { cause },
    );
}
