// A Directus server for a test, and its REST API.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The default version of Directus. */
const VERSION = process.env.DIRECTUS_VERSION ?? '12.4.0';

/** Starts a server, which ends with this process at the latest. */
export async function startServer({ version = VERSION, env = {} } = {}) {
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const script = path.join(ROOT, 'tests', 'directus', 'server.py');
    const child = spawn('python3', [script, 'serve', '--version', version, ...settings], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const answer = async () => {
        const { value, done } = await lines.next();
        if (done) {
            throw new Error('the server ended');
        }
        return JSON.parse(value);
    };
    const order = async (verb) => {
        child.stdin.write(`${verb}\n`);
        await answer();
    };
    const { url, admin_token: token } = await answer();
    return {
        url,
        token,
        rest: new Rest(url, token),
        kill: () => order('kill'),
        stop: () => order('stop'),
        start: () => order('start'),
        freeze: () => order('freeze'),
        thaw: () => order('thaw'),
        async close() {
            child.stdin.end('quit\n');
            await ended;
        },
    };
}

/** The part of the REST API that tests need. */
export class Rest {
    constructor(url, token) {
        this.url = url;
        this.token = token;
    }

    async request(method, where, body) {
        const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
        const answer = await fetch(this.url + where, { method, headers, body: body && JSON.stringify(body) });
        const text = await answer.text();
        if (!answer.ok) {
            throw new Error(`${method} ${where}: ${answer.status} ${text}`);
        }
        return text && JSON.parse(text).data;
    }

    create(collection, data) {
        return this.request('POST', `/items/${collection}`, data);
    }

    read(collection, query = 'limit=-1') {
        return this.request('GET', `/items/${collection}?${query}`);
    }

    update(collection, key, data) {
        return this.request('PATCH', `/items/${collection}/${encodeURIComponent(key)}`, data);
    }

    delete(collection, key) {
        return this.request('DELETE', `/items/${collection}/${encodeURIComponent(key)}`);
    }
}
