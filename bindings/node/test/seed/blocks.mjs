// The code blocks of the composable's documentation, compiled as Nuxt compiles them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileScript, compileTemplate, parse } from 'vue/compiler-sfc';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PACKAGE = path.join(HERE, '..', '..');
const DOCUMENT = readFileSync(path.join(HERE, 'directus-realtime-composable.md'), 'utf8');

const NAMES =
    'isConnected, subscribe, unsubscribe, unsubscribeCollection, unsubscribeAll, getActiveSubscriptions, ' +
    'hasSubscription, sendMessage, reconnect';

/** The names that Nuxt imports automatically, and those that the text around a block assumes. */
const GLOBALS = `
import type { Realtime } from 'directus-realtime';
import type { VueRealtime } from 'directus-realtime/vue';
declare global {
    const { ref, computed, watch, nextTick, onMounted, onUnmounted }: typeof import('vue');
    const useDirectusRealtime: () => VueRealtime;
    const useDirectusApi: () => {
        getItems<T = any>(collection: string, query?: object): Promise<T[]>;
        createOne(collection: string, item: object): Promise<any>;
    };
    const useDirectusAuth: () => { user: import('vue').Ref<{ id: string } | null> };
    const useRoute: () => { params: { id: string } };
    const showNotification: (data: any) => void;
    const handler: (event: any) => void;
    const userId: string;
}
export {};
`;

/** Code blocks in their order, with the heading above each. */
function blocksOf(document) {
    const blocks = [];
    let heading = '';
    for (const [, title, language, code] of document.matchAll(/^#+ ([^\n]+)$|^```(\w+)\n(.*?)^```/gms)) {
        if (title === undefined) {
            blocks.push({ heading, language, code });
        } else {
            heading = title.replaceAll('`', '');
        }
    }
    return blocks;
}

/** A block as a single-file component. A block is a script, a script with markup below it, or a component. */
function componentOf({ language, code }) {
    if (language === 'vue') {
        return code;
    }
    const markup = code.search(/^</m);
    const [script, template] = markup < 0 ? [code, ''] : [code.slice(0, markup), code.slice(markup)];
    const names = /useDirectusRealtime|interface/.test(script)
        ? ''
        : `const { ${NAMES} } = useDirectusRealtime();\n`;
    const setup = `<script setup lang="ts">\n${names}${script}</script>\n`;
    return template === '' ? setup : `${setup}<template>\n<div>\n${template}</div>\n</template>\n`;
}

function compile(block, id) {
    const { descriptor, errors } = parse(componentOf(block), { filename: `${id}.vue` });
    if (errors.length > 0) {
        throw errors[0];
    }
    const script = compileScript(descriptor, { id });
    if (descriptor.template === null) {
        return { script: script.content, render: 'export const render = () => null;\n' };
    }
    const template = compileTemplate({
        id,
        filename: `${id}.vue`,
        source: descriptor.template.content,
        compilerOptions: { bindingMetadata: script.bindings, expressionPlugins: ['typescript'] },
    });
    if (template.errors.length > 0) {
        throw template.errors[0];
    }
    return { script: script.content, render: `// @ts-nocheck\n${template.code}` };
}

/** A component of a file. */
export async function compileComponent(file) {
    const block = { heading: file, language: 'vue', code: readFileSync(file, 'utf8') };
    const [{ component }] = await compileBlocks([block]);
    return component;
}

/**
 * Compiles every block, types included, as it stands. The result has for each of them its heading,
 * and the component.
 */
export async function compileBlocks(blocks = blocksOf(DOCUMENT)) {
    // Not in `node_modules`, from where the package could not be imported by its own name.
    const parent = path.join(PACKAGE, 'dist', '.cache');
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(path.join(parent, 'seed-'));
    try {
        writeFileSync(path.join(folder, 'globals.mts'), GLOBALS);
        blocks.forEach((block, n) => {
            const { script, render } = compile(block, `block-${n}`);
            writeFileSync(path.join(folder, `${n}.script.mts`), script + typesCheck(block));
            writeFileSync(path.join(folder, `${n}.render.mts`), render);
        });
        const options = { skipLibCheck: true, strict: true, module: 'node20', target: 'es2022' };
        const compilerOptions = { ...options, lib: ['es2023', 'esnext.disposable', 'dom'], types: ['node'] };
        writeFileSync(
            path.join(folder, 'tsconfig.json'),
            JSON.stringify({ compilerOptions, include: ['.'] }),
        );
        const tsc = path.join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
        const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
        if (status !== 0) {
            throw new Error(`the blocks do not compile:\n${stdout}`);
        }
        const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
        return await Promise.all(
            blocks.map(async ({ heading }, n) => {
                const [script, { render }] = [await load(`${n}.script.mjs`), await load(`${n}.render.mjs`)];
                return { heading, component: { ...script.default, render } };
            }),
        );
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** Code that compiles only if the types in the document are those of this package. */
function typesCheck({ code }) {
    return code.includes('interface SubscriptionHandler')
        ? `
export function check(options: SubscriptionOptions): SubscriptionHandler {
    return useDirectusRealtime().subscribe(options satisfies Ours.SubscriptionOptions, () => {});
}
export const theirs = (handler: Ours.SubscriptionHandler): SubscriptionHandler => handler;
import type * as Ours from 'directus-realtime';
`
        : '';
}
