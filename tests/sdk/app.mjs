// An application in a process of its own, as the test sees it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../bindings/node/test/server.mjs';
import { until } from './waiting.mjs';

/** The SDK wants a newer Node than machines have: the one that the servers run on. */
const NODE = path.join(ROOT, `target/directus/node/node_modules/node-linux-${process.arch}/bin/node`);

/** How often an application may fail to begin. */
const ATTEMPTS = 10;

export class App {
    #child;
    #waiting = new Map();
    #number = 0;
    #errors = '';
    /** What it has told, in order. */
    news = [];
    /** Its last words, once it is over. */
    lastWords;

    constructor(program, settings) {
        const script = fileURLToPath(new URL(`programs/${program}.mjs`, import.meta.url));
        const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
        const env = { ...process.env, NODE_OPTIONS: '' };
        const how = { execPath: NODE, execArgv: [], stdio, env };
        this.#child = fork(script, [JSON.stringify(settings)], how);
        this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#errors += text));
        this.#child.on('message', (message) => this.#take(message));
        this.#child.on('close', () => {
            this.lastWords = this.#errors;
            for (const { reject } of this.#waiting.values()) {
                reject(new Error(`the application has ended: ${this.#errors}`));
            }
        });
    }

    #take({ news, number, answer, failure }) {
        if (news) {
            this.news.push(news);
            return;
        }
        const { resolve, reject } = this.#waiting.get(number);
        this.#waiting.delete(number);
        if (failure === undefined) {
            resolve(answer);
        } else {
            reject(new Error(failure));
        }
    }

    /** Has it do something; resolves or rejects as that does. */
    do(order, ...args) {
        return new Promise((resolve, reject) => {
            this.#number += 1;
            this.#waiting.set(this.#number, { resolve, reject });
            this.#child.send({ number: this.#number, order, args }, (error) => error && reject(error));
        });
    }

    /** What it has told of a subscription, or of one kind. */
    told(name, type) {
        return this.news.filter((news) => news.name === name && (type === undefined || news.type === type));
    }

    /** The titles, or names, of the items that came to a subscription, each as often as it came. */
    titles(name, type) {
        const items = this.told(name, type).flatMap(({ data }) => data ?? []);
        return items.map(({ title, name }) => title ?? name);
    }

    /** What it has told once it had followed an order: see `whenLost`. */
    get obeyed() {
        return this.news.find(({ type }) => type === 'obeyed');
    }

    /** The words of an exception that nobody has caught. */
    get uncaught() {
        return this.news.find(({ type }) => type === 'uncaught')?.words;
    }

    /** Resolves once an item has come. */
    has(name, title, type) {
        return until(() => this.titles(name, type).includes(title), `${title} in ${name}`);
    }

    async end() {
        if (this.lastWords === undefined) {
            const closed = once(this.#child, 'close');
            this.#child.kill('SIGKILL');
            await closed;
        }
    }
}

/**
 * An application, connected, with subscriptions, each `[name, collection, options]`, that have had
 * their snapshots. The official SDK waits for one second only, which a busy machine may need: then it
 * begins anew.
 */
export async function start(t, program, settings, subscriptions = []) {
    for (let attempt = 1; ; attempt++) {
        const app = new App(program, settings);
        t.after(() => app.end());
        try {
            await app.do('connect');
            for (const [name, ...rest] of subscriptions) {
                await app.do('subscribe', name, ...rest);
                await until(() => app.told(name, 'init').length > 0, `the snapshot of ${name}`, 10_000);
            }
            return app;
        } catch (error) {
            await app.end();
            if (attempt === ATTEMPTS) {
                throw error;
            }
        }
    }
}
