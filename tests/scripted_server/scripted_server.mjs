// Drives the scripted server (`server.rs`) in a process of its own.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BUILT = new URL('../../target/debug/examples/scripted_server', import.meta.url);
const PROGRAM = process.env.DRT_SCRIPTED_SERVER || fileURLToPath(BUILT);

/**
 * Starts a server on loopback that answers as a Directus with empty collections does.
 *
 * `withhold` names the types of messages that get no answer (`close` is the client's close frame),
 * `tokens` the access tokens that are let in, and `refuse` is the whole HTTP answer that every client
 * gets in place of the upgrade. `onMessage(message, link)` is called for each message, after that was
 * answered.
 */
export async function startScriptedServer({ onMessage = () => {}, ...script } = {}) {
    const server = new ScriptedServer(script, onMessage);
    await server.listening;
    return server;
}

class ScriptedServer {
    #process;
    #onMessage;
    #links = new Map();
    #commands = 0;
    #pending = new Map();
    #ended;
    #listens;

    /** What clients have sent, in order. */
    messages = [];

    constructor(script, onMessage) {
        this.#onMessage = onMessage;
        this.#process = spawn(PROGRAM, [JSON.stringify(script)], { stdio: ['pipe', 'pipe', 'inherit'] });
        // A command may come too late.
        this.#process.stdin.on('error', () => {});
        this.#ended = new Promise((resolve) => this.#process.once('close', resolve));
        this.listening = new Promise((resolve, reject) => {
            this.#listens = resolve;
            this.#process.once('error', ({ message }) =>
                reject(new Error(`${message}: cargo build --example scripted_server`)),
            );
        });
        createInterface({ input: this.#process.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
    }

    /** The newest connection, whichever that is when something is asked of it. */
    newest = new Link((command) => this.#command(command));

    /** How many connections are open. */
    get links() {
        return this.#links.size;
    }

    /** Ends it, and each connection without a close frame. */
    async close() {
        this.#process.kill();
        await this.#ended;
    }

    #hear({ port, link: number, event, text, done }) {
        const link = this.#links.get(number);
        if (port !== undefined) {
            this.port = port;
            this.url = `http://127.0.0.1:${port}`;
            this.#listens();
        } else if (event === 'opened') {
            this.#links.set(number, new Link((command) => this.#command({ link: number, ...command })));
        } else if (event === 'closed') {
            this.#links.delete(number);
        } else if (event === 'message') {
            const message = JSON.parse(text);
            this.messages.push(message);
            this.#onMessage(message, link);
        } else {
            this.#pending.get(done)();
            this.#pending.delete(done);
        }
    }

    #command(command) {
        const id = ++this.#commands;
        this.#process.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
        const done = new Promise((resolve) => this.#pending.set(id, resolve));
        return Promise.race([done, this.#ended]);
    }
}

/** A connection. Promises resolve when the client has taken what was sent, or has gone. */
class Link {
    #command;

    constructor(command) {
        this.#command = command;
    }

    /** Sends a message. */
    send(message) {
        return this.#command({ do: 'send', text: JSON.stringify(message) });
    }

    /**
     * Sends creates of items with the ids from `first` on to the newest subscription to a collection,
     * as fast as the client takes them.
     */
    load(collection, { count, first = 0, item = {} }) {
        return this.#command({ do: 'load', collection, first, count, item });
    }

    /** Ends it with a close frame, behind what was sent before. */
    close() {
        return this.#command({ do: 'close' });
    }

    /** Ends it at once, without a close frame. */
    drop() {
        return this.#command({ do: 'drop' });
    }
}
