// A proxy between a client and the server, which causes faults.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A random loopback address, so that no other program takes the port while the proxy does not listen.
 */
function ownAddress() {
    const byte = () => 1 + Math.floor(Math.random() * 254);
    return `127.${byte()}.${byte()}.${byte()}`;
}

/** A proxy in front of the server at `url`, for one client. */
export class Proxy {
    #server;
    #host = ownAddress();
    #port = 0;
    #listener;
    #links = new Set();
    /** The number of connections that have been accepted. */
    accepted = 0;
    /** On new links, the first message after the upgrade, and all after it, are delayed by this. */
    stallMs = 0;

    constructor(url) {
        const { hostname, port } = new URL(url);
        this.#server = { host: hostname, port: Number(port) };
    }

    /** A proxy that listens until the test has ended. */
    static async start(t, url) {
        const proxy = new Proxy(url);
        t.after(() => proxy.leave());
        await proxy.listen();
        return proxy;
    }

    get url() {
        return `http://${this.#host}:${this.#port}`;
    }

    /** The number of open links. */
    get links() {
        return this.#links.size;
    }

    /** Listens, the first time on any free port, later on the same one. */
    async listen() {
        this.#listener = createServer((client) => this.#accept(client));
        this.#listener.listen(this.#port, this.#host);
        await once(this.#listener, 'listening');
        this.#port = this.#listener.address().port;
    }

    /** Stops listening: links are reset, and connections are refused. */
    async leave() {
        const listener = this.#listener;
        this.#listener = undefined;
        const closed = listener && once(listener, 'close');
        listener?.close();
        this.reset();
        await closed;
    }

    /** Resets every link. */
    reset() {
        for (const { client, server } of this.#links) {
            client.resetAndDestroy();
            server.destroy();
        }
        this.#links.clear();
    }

    /** The present links lose all data from now on, and neither side learns of it. New links work. */
    halfOpen() {
        for (const link of this.#links) {
            link.isBlackholed = true;
        }
    }

    /**
     * Holds back the server's data until it contains `text` so many times, then forwards it in one piece.
     * Resolves with that data.
     */
    gather(text, times) {
        const [link] = this.#links;
        return new Promise((resolve) => {
            link.gathering = (whole) => {
                const data = whole.toString();
                const isComplete = data.split(text).length > times;
                if (isComplete) {
                    resolve(data);
                }
                return isComplete;
            };
        });
    }

    #accept(client) {
        this.accepted += 1;
        const server = connect(this.#server);
        const link = {
            client,
            server,
            isBlackholed: false,
            chunks: 0,
            stalled: undefined,
            gathered: Buffer.alloc(0),
        };
        this.#links.add(link);
        for (const socket of [client, server]) {
            socket.setNoDelay(true);
            socket.on('error', () => {});
            socket.on('close', () => this.#closed(link));
        }
        client.on('data', (bytes) => link.isBlackholed || this.#fromClient(link, bytes));
        server.on('data', (bytes) => link.isBlackholed || this.#fromServer(link, bytes));
    }

    /** Closes both sides. On a half-open link, neither side learns that the other has closed. */
    #closed(link) {
        if (!link.isBlackholed) {
            link.client.destroy();
            link.server.destroy();
            this.#links.delete(link);
        }
    }

    #fromClient(link, bytes) {
        link.chunks += 1;
        if (link.stalled) {
            link.stalled.push(bytes);
        } else if (this.stallMs > 0 && link.chunks === 2) {
            link.stalled = [bytes];
            setTimeout(() => {
                link.server.write(Buffer.concat(link.stalled));
                link.stalled = undefined;
            }, this.stallMs);
        } else {
            link.server.write(bytes);
        }
    }

    #fromServer(link, bytes) {
        link.gathered = Buffer.concat([link.gathered, bytes]);
        if (!link.gathering || link.gathering(link.gathered)) {
            link.client.write(link.gathered);
            link.gathered = Buffer.alloc(0);
            link.gathering = undefined;
        }
    }
}
