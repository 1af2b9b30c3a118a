/** The platform of this process, and the package that carries the library for it. */

import { readFileSync } from 'node:fs';

/** The platforms that have a package `directus-realtime-…` with the library. */
export const SUPPORTED = ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl'];

/** What this process runs on, as packages are named: `linux-x64-gnu`, `win32-arm64`. */
export function platformName(): string {
    const name = `${process.platform}-${process.arch}`;
    return process.platform === 'linux' ? `${name}-${isMusl() ? 'musl' : 'gnu'}` : name;
}

/** Whether the C library that this process has loaded is musl. Files on the disk don't tell: systems may have both. */
function isMusl(): boolean {
    try {
        return /\/(ld-musl-|libc\.musl-)/.test(readFileSync('/proc/self/maps', 'latin1'));
    } catch {
        return false;
    }
}

/** The library in the package for this platform, which npm installs beside this one. */
export function installedLibrary(): string[] {
    const name = platformName();
    try {
        // Written out, so that bundlers which trace files find them.
        if (name === 'linux-x64-gnu') {
            return [require.resolve('directus-realtime-linux-x64-gnu/libdirectus_realtime.so')];
        }
        if (name === 'linux-x64-musl') {
            return [require.resolve('directus-realtime-linux-x64-musl/libdirectus_realtime.so')];
        }
        if (name === 'linux-arm64-gnu') {
            return [require.resolve('directus-realtime-linux-arm64-gnu/libdirectus_realtime.so')];
        }
        if (name === 'linux-arm64-musl') {
            return [require.resolve('directus-realtime-linux-arm64-musl/libdirectus_realtime.so')];
        }
    } catch {
        // It is not installed.
    }
    return [];
}

/** What koffi loads by names that it computes. Tools that trace files find them here; nothing calls this. */
export function tracedFiles(): string[] {
    return [
        require.resolve('@koromix/koffi-linux-x64/linux_x64/koffi.node'),
        require.resolve('@koromix/koffi-linux-x64/musl_x64/koffi.node'),
        require.resolve('@koromix/koffi-linux-arm64/linux_arm64/koffi.node'),
        require.resolve('@koromix/koffi-linux-arm64/musl_arm64/koffi.node'),
    ];
}
