// The README says what is true.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');

/** What the text around a piece of code provides. */
const PREAMBLE = `
import type { Client } from 'directus-realtime';
import type { App } from 'vue';
declare global {
    const app: App;
    const controller: AbortController;
    const client: Client;
    const show: (event: unknown) => void;
    interface Post { id: number; title: string }
}
`;

it('the code of the README compiles', (t) => {
    const parent = path.join(PACKAGE, 'node_modules', '.cache');
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(path.join(parent, 'readme-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const blocks = [...readme.matchAll(/^```(?:ts|vue)\n(.*?)^```/gms)].map(([, code]) => code);
    assert.ok(blocks.length > 5);
    blocks.forEach((code, n) => {
        const script = /<script[^>]*>(.*)<\/script>/s.exec(code)?.[1] ?? code;
        writeFileSync(path.join(folder, `${n}.mts`), `${script}\nexport {};\n`);
    });
    writeFileSync(path.join(folder, 'preamble.mts'), PREAMBLE);
    const options = { skipLibCheck: true, noEmit: true, strict: true, module: 'node20', target: 'es2022' };
    const compilerOptions = { ...options, lib: ['es2023', 'esnext.disposable', 'dom'], types: ['node'] };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }));
    const tsc = path.join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
});

it('the README names every option', () => {
    const files = ['options.ts', path.join('live', 'options.ts')];
    const source = files.map((file) => readFileSync(path.join(PACKAGE, 'src', file), 'utf8')).join('');
    const options = [...source.matchAll(/^ {4}(\w+)\??: .*;$/gm)].map(([, name]) => name);
    assert.ok(options.length > 25, `${options}`);
    for (const name of new Set(options)) {
        assert.match(readme, new RegExp(`^\\| .*\`${name}\``, 'm'), name);
    }
});

it('the README links to files that exist', () => {
    for (const [, target] of readme.matchAll(/(?:src="|\]\()(\.[^")]+)/g)) {
        assert.ok(existsSync(path.join(PACKAGE, target)), target);
    }
});
