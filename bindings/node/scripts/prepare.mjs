// Makes a checkout usable as a package: compiles the TypeScript, finds or builds the library.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { buildLibrary, findLibrary, PACKAGE, recordLibrary, run } from './library.mjs';

const tsc = path.join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
if (!existsSync(tsc)) {
    // A project that depends on the folder installs what the package needs to run, not to build.
    run('npm', ['ci', '--ignore-scripts']);
}
run(process.execPath, [tsc]);
recordLibrary(findLibrary() ?? buildLibrary());
