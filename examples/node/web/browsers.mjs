// How many bytes a browser may leave unread before it is dropped.
const MOST_WAITING = 1 << 20;
// How often a comment is sent, so that no proxy closes a quiet stream.
const PING_MS = 15_000;
const RETRY_MS = 1000;

const HEADERS = {
    'Content-Type': 'text/event-stream',
    // Otherwise nginx buffers events.
    'X-Accel-Buffering': 'no',
};

// JSON.stringify writes no line breaks, so the data is one line.
const written = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** The browsers with an open event stream. */
export class Browsers {
    #responses = new Set();

    constructor() {
        setInterval(() => this.#write(': still here\n\n'), PING_MS).unref();
    }

    /** Sends a browser these events at once, and all later ones from then on. */
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
                // Too slow. It reconnects by itself, and gets the current posts.
                this.#responses.delete(response);
                response.destroy();
            } else {
                response.write(text);
            }
        }
    }
}
