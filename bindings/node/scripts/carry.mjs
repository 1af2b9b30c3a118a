// Copies the native library and the license into the package, for `npm pack`.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildLibrary, FILE, findLibrary, PACKAGE } from './library.mjs';

const native = path.join(PACKAGE, 'native');
const license = path.join(PACKAGE, 'LICENSE');
rmSync(native, { recursive: true, force: true });
rmSync(license, { force: true });
if (!process.argv.includes('--undo')) {
    const library = process.env.DIRECTUS_REALTIME_LIBRARY ? findLibrary() : buildLibrary();
    if (library === undefined) {
        console.error('DIRECTUS_REALTIME_LIBRARY is not the path of a file');
        process.exit(1);
    }
    const place = path.join(native, `${process.platform}-${process.arch}`);
    mkdirSync(place, { recursive: true });
    copyFileSync(library, path.join(place, FILE));
    copyFileSync(path.join(PACKAGE, '..', '..', 'LICENSE'), license);
}
