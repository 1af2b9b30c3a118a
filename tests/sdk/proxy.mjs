// What lies between a client and the server, and can go wrong.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * An address of its own on loopback: while nobody listens there, nobody else will, whatever ports the
 * system hands out meanwhile.
 */
function ownAddress() {
    const byte = () => 1 + Math.floor(Math.random() * 254);
    return `127.${byte()}.${byte()}.${byte()}`;
}

/** A proxy before the server at `url`, for one client. */
export class Proxy {
    #server;
    #host = ownAddress();
    #port = 0;
    #listener;
    #links = new Set();
    /** Connections that were accepted so far. */
    accepted = 0;
    /** On new links: what the client says first after the upgrade waits so long, and with it what follows. */
    stallMs = 0;

    constructor(url) {
        const { hostname, port } = new URL(url);
        this.#server = { host: hostname, port: Number(port) };
    }

    /** One that listens until the test is over. */
    static async start(t, url) {
        const proxy = new Proxy(url);
        t.after(() => proxy.leave());
        await proxy.listen();
        return proxy;
    }

    get url() {
        return `http://${this.#host}:${this.#port}`;
    }

    /** The links that are up. */
    get links() {
        return this.#links.size;
    }

    /** Is there. The first time it finds itself a port, and then keeps to it. */
    async listen() {
        this.#listener = createServer((client) => this.#accept(client));
        this.#listener.listen(this.#port, this.#host);
        await once(this.#listener, 'listening');
        this.#port = this.#listener.address().port;
    }

    /** Is not there any more: links are reset, connections refused. */
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

    /** The links of now lose whatever is sent, and nobody is told. New ones are sound. */
    halfOpen() {
        for (const link of this.#links) {
            link.deaf = true;
        }
    }

    /**
     * Keeps what the server says until `text` was in it so many times, and hands it over in one piece.
     * Resolves with what that was.
     */
    gather(text, times) {
        const [link] = this.#links;
        return new Promise((resolve) => {
            link.gathering = (whole) => {
                const words = whole.toString();
                const enough = words.split(text).length > times;
                if (enough) {
                    resolve(words);
                }
                return enough;
            };
        });
    }

    #accept(client) {
        this.accepted += 1;
        const server = connect(this.#server);
        const link = { client, server, deaf: false, said: 0, stalled: undefined, gathered: Buffer.alloc(0) };
        this.#links.add(link);
        for (const socket of [client, server]) {
            socket.setNoDelay(true);
            socket.on('error', () => {});
            socket.on('close', () => this.#closed(link));
        }
        client.on('data', (bytes) => link.deaf || this.#fromClient(link, bytes));
        server.on('data', (bytes) => link.deaf || this.#fromServer(link, bytes));
    }

    /** Neither side of a half-open link learns that the other is gone. */
    #closed(link) {
        if (!link.deaf) {
            link.client.destroy();
            link.server.destroy();
            this.#links.delete(link);
        }
    }

    #fromClient(link, bytes) {
        link.said += 1;
        if (link.stalled) {
            link.stalled.push(bytes);
        } else if (this.stallMs > 0 && link.said === 2) {
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
