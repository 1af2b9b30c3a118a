// Prepares a checkout for use as a package: compiles the TypeScript, and finds or builds the library.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { buildLibrary, findLibrary, PACKAGE, recordLibrary, run } from './library.mjs';

const tsc = path.join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
if (!existsSync(tsc)) {
    // npm does not install the development dependencies of a package that is installed from its folder.
    run('npm', ['ci', '--ignore-scripts']);
}
run(process.execPath, [tsc]);
recordLibrary(findLibrary() ?? buildLibrary());
