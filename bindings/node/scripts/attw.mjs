// Checks the package's types for every way in which it can be imported.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { PACKAGE } from './library.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'directus-realtime-'));
try {
    // Without scripts, because the native library has no types.
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
    const packed = spawnSync('npm', pack, {
        cwd: PACKAGE,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const tarball = path.join(folder, packed.stdout.trim());
    const attw = path.join(PACKAGE, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    process.exitCode = spawnSync(process.execPath, [attw, tarball], { stdio: 'inherit' }).status ?? 1;
} finally {
    rmSync(folder, { recursive: true, force: true });
}
