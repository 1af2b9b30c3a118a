// What a case has to work with: the server that all share, and applications beside each other.
import { randomUUID } from 'node:crypto';
import { App, start } from './app.mjs';
import { Proxy } from './proxy.mjs';

/** How long a token lives. */
export const TOKEN_SECONDS = 20;

export class World {
    #t;
    #server;
    #marker = randomUUID().slice(0, 8);

    constructor(t, server) {
        this.#t = t;
        this.#server = server;
    }

    /** A title that is this case's alone. */
    name(of) {
        return `${this.#marker} ${of}`;
    }

    /** The options of a subscription that sees this case's items only. */
    matching(field = 'title') {
        return {
            query: {
                fields: ['id', field],
                filter: { [field]: { _starts_with: this.#marker } },
                sort: ['id'],
            },
        };
    }

    /** Makes items, in one request, past every proxy. */
    create(collection, ...names) {
        const field = collection === 'authors' ? 'name' : 'title';
        return this.#server.rest.create(
            collection,
            names.map((name) => ({ [field]: name })),
        );
    }

    /** An application with a proxy of its own, connected and subscribed; to posts, if nothing else is said. */
    async one(program, settings, subscriptions = [['posts', 'posts', this.matching()]]) {
        const proxy = await Proxy.start(this.#t, this.#server.url);
        const app = await start(this.#t, program, this.#settings(proxy, settings), subscriptions);
        return { program, proxy, app };
    }

    /** The official SDK's application and ours. */
    async both(settings, subscriptions) {
        return {
            official: await this.one('official', settings, subscriptions),
            ours: await this.one('ours', settings, subscriptions),
        };
    }

    /** An application that has not connected yet, and a proxy that is not there yet. */
    async beforeServer(program, settings) {
        const proxy = await Proxy.start(this.#t, this.#server.url);
        await proxy.leave();
        const app = new App(program, this.#settings(proxy, settings));
        this.#t.after(() => app.end());
        return { program, proxy, app };
    }

    #settings({ url }, more) {
        return { url, token: this.#server.token, ...more };
    }
}
