// What a browser has not taken when the next event comes, in bytes, before it is given up.
const MOST_WAITING = 1 << 20;
// The least that is sent, so that no proxy takes a quiet feed for a dead one.
const PING_MS = 15_000;
const RETRY_MS = 1000;

const HEADERS = {
    'Content-Type': 'text/event-stream',
    // nginx would collect events before it passes them on.
    'X-Accel-Buffering': 'no',
};

// JSON has no line breaks outside its strings, and escapes those inside them.
const written = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** The browsers that listen to server-sent events. */
export class Browsers {
    #responses = new Set();

    constructor() {
        setInterval(() => this.#write(': still here\n\n'), PING_MS).unref();
    }

    /** Sends a browser some events at once, and from then on those that all get. */
    add(response, events) {
        response.writeHead(200, HEADERS);
        response.write(`retry: ${RETRY_MS}\n\n${events.map((event) => written(...event)).join('')}`);
        response.on('close', () => this.#responses.delete(response));
        this.#responses.add(response);
    }

    send(name, data) {
        this.#write(written(name, data));
    }

    #write(text) {
        for (const response of this.#responses) {
            if (response.writableLength > MOST_WAITING) {
                // Too slow. It comes back by itself, and begins with the posts as they are then.
                this.#responses.delete(response);
                response.destroy();
            } else {
                response.write(text);
            }
        }
    }
}
