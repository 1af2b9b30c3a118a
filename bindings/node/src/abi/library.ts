/** Finds the shared library and loads it. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load, type LibraryHandle } from 'koffi';
import { DirectusRealtimeError } from '../errors.js';

/** The ABI that this package is written against: the same major, at least this minor. */
const ABI = { major: 0, minor: 1 };
const RTLD_NOW = 2;
const RTLD_NODELETE: Partial<Record<NodeJS.Platform, number>> = { linux: 0x1000, darwin: 0x80 };
const PACKAGE = path.join(__dirname, '..', '..');
const CHECKOUT = path.join(PACKAGE, '..', '..');

function fileName(): string {
    return process.platform === 'darwin' ? 'libdirectus_realtime.dylib' : 'libdirectus_realtime.so';
}

/** Where the library may be, the best place first. */
export function candidates(): string[] {
    const named = process.env['DIRECTUS_REALTIME_LIBRARY'];
    if (named) {
        return [path.resolve(named)];
    }
    const kind = `${process.platform}-${process.arch}`;
    const places = [path.join(PACKAGE, 'native', kind, fileName())];
    if (existsSync(path.join(CHECKOUT, 'Cargo.toml'))) {
        places.push(...recorded());
        const target = path.resolve(CHECKOUT, process.env['CARGO_TARGET_DIR'] || 'target');
        for (const profile of ['release', 'debug']) {
            places.push(path.join(target, profile, fileName()));
        }
    }
    return places;
}

/** Where `scripts/prepare.mjs` has found or built the library, if that is not cargo's usual place. */
function recorded(): string[] {
    const record = path.join(PACKAGE, '.library');
    return existsSync(record) ? [readFileSync(record, 'utf8')] : [];
}

/** The library of the first place that has one. */
export function loadLibrary(): LibraryHandle {
    const places = candidates();
    const file = places.find((place) => existsSync(place));
    if (file === undefined) {
        throw unusable(`there is no such file as ${places.join(', nor ')}`);
    }
    let library: LibraryHandle;
    try {
        library = load(file);
    } catch (error) {
        throw unusable(`${file}: ${error instanceof Error ? error.message : String(error)}`, error);
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
        throw unusable(`${file} is some other library: it has no drt_abi_version`, error);
    }
    const [major, minor] = [version >>> 16, version & 0xffff];
    if (major !== ABI.major || minor < ABI.minor) {
        throw unusable(
            `${file} has ABI ${major}.${minor}, and this package needs ${ABI.major}.${ABI.minor} or a later one of the same major`,
        );
    }
}

/**
 * Keeps the library in the process: its threads may still run when the last thread of JavaScript
 * that knew it has ended.
 */
function pin(file: string): void {
    const noDelete = RTLD_NODELETE[process.platform];
    if (noDelete !== undefined) {
        const dlopen = load(null).func('dlopen', 'void *', ['str', 'int']);
        dlopen(file, RTLD_NOW | noDelete);
    }
}

function unusable(what: string, cause?: unknown): DirectusRealtimeError {
    const advice =
        'Install directus-realtime for this platform, build the library with `cargo build --release` in its repository, ' +
        'or name it in DIRECTUS_REALTIME_LIBRARY.';
    return new DirectusRealtimeError(
        'ERR_LIBRARY',
        `The native library of directus-realtime cannot be loaded: ${what}. ${advice}`,
        { cause },
    );
}
