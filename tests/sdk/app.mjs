// An application in a process of its own, which the test controls.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../bindings/node/test/server.mjs';
import { until } from './waiting.mjs';

/** The Node that the servers run on: the SDK needs a newer one than the machine may have. */
const NODE = path.join(ROOT, `target/directus/node/node_modules/node-linux-${process.arch}/bin/node`);

/** How often an application is started until it is connected and subscribed. */
const ATTEMPTS = 10;

export class App {
    #child;
    #waiting = new Map();
    #number = 0;
    #errors = '';
    /** What the application has reported, in order. */
    reports = [];
    /** What it has written to standard error, once its process has ended. */
    exitOutput;

    constructor(program, settings) {
        const script = fileURLToPath(new URL(`programs/${program}.mjs`, import.meta.url));
        const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
        const env = { ...process.env, NODE_OPTIONS: '' };
        const how = { execPath: NODE, execArgv: [], stdio, env };
        this.#child = fork(script, [JSON.stringify(settings)], how);
        this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#errors += text));
        this.#child.on('message', (message) => this.#take(message));
        this.#child.on('close', () => {
            this.exitOutput = this.#errors;
            for (const { reject } of this.#waiting.values()) {
                reject(new Error(`the application has ended: ${this.#errors}`));
            }
        });
    }

    #take({ report, number, answer, failure }) {
        if (report) {
            this.reports.push(report);
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

    /** Runs a command in the application; resolves or rejects as the command does. */
    do(command, ...args) {
        return new Promise((resolve, reject) => {
            this.#number += 1;
            this.#waiting.set(this.#number, { resolve, reject });
            this.#child.send({ number: this.#number, command, args }, (error) => error && reject(error));
        });
    }

    /** The reports about a subscription, of one type if that is given. */
    reportsOf(name, type) {
        return this.reports.filter(
            (each) => each.name === name && (type === undefined || each.type === type),
        );
    }

    /** The titles, or names, of the items that a subscription has delivered, each as often as it was delivered. */
    titles(name, type) {
        const items = this.reportsOf(name, type).flatMap(({ data }) => data ?? []);
        return items.map(({ title, name }) => title ?? name);
    }

    /** The report of a command that `whenLost` has run. */
    get commandResult() {
        return this.reports.find(({ type }) => type === 'commandResult');
    }

    /** The message of an exception that was not caught. */
    get uncaught() {
        return this.reports.find(({ type }) => type === 'uncaught')?.message;
    }

    /** Waits until a subscription has delivered an item. */
    has(name, title, type) {
        return until(() => this.titles(name, type).includes(title), `${title} in ${name}`);
    }

    async end() {
        if (this.exitOutput === undefined) {
            const closed = once(this.#child, 'close');
            this.#child.kill('SIGKILL');
            await closed;
        }
    }
}

/**
 * An application that is connected, with subscriptions, each `[name, collection, options]`, that have
 * delivered their snapshots. The official SDK waits for one second only, which may be too short on a busy
 * machine: then the application is started again.
 */
export async function start(t, program, settings, subscriptions = []) {
    for (let attempt = 1; ; attempt++) {
        const app = new App(program, settings);
        t.after(() => app.end());
        try {
            await app.do('connect');
            for (const [name, ...rest] of subscriptions) {
                await app.do('subscribe', name, ...rest);
                await until(() => app.reportsOf(name, 'init').length > 0, `the snapshot of ${name}`, 10_000);
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
