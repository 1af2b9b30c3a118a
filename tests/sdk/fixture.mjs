// What each case works with: a server that all cases share, and applications with a proxy each.
import { randomUUID } from 'node:crypto';
import { App, start } from './app.mjs';
import { Proxy } from './proxy.mjs';
import { until } from './waiting.mjs';

/** How often an application loses its link until it has subscribed again. */
const ATTEMPTS = 10;

/** The lifetime of an access token. */
export const TOKEN_SECONDS = 20;

export class Fixture {
    #t;
    #server;
    #marker = randomUUID().slice(0, 8);

    constructor(t, server) {
        this.#t = t;
        this.#server = server;
    }

    /** A title that no other case uses. */
    name(of) {
        return `${this.#marker} ${of}`;
    }

    /** The options of a subscription to the items of this case only. */
    matching(field = 'title') {
        return {
            query: {
                fields: ['id', field],
                filter: { [field]: { _starts_with: this.#marker } },
                sort: ['id'],
            },
        };
    }

    /** Creates items in one request, not through a proxy. */
    create(collection, ...names) {
        const field = collection === 'authors' ? 'name' : 'title';
        return this.#server.rest.create(
            collection,
            names.map((name) => ({ [field]: name })),
        );
    }

    /** An application with a proxy of its own, connected and subscribed. Default: to posts. */
    async one(program, settings, subscriptions = [['posts', 'posts', this.matching()]]) {
        const proxy = await Proxy.start(this.#t, this.#server.url);
        const app = await start(this.#t, program, this.#settings(proxy, settings), subscriptions);
        return { program, proxy, app };
    }

    /** An application of the official SDK, and one of this library. */
    async both(settings, subscriptions) {
        return {
            official: await this.one('official', settings, subscriptions),
            ours: await this.one('ours', settings, subscriptions),
        };
    }

    /**
     * An application that has lost its link and subscribed again; `before` is run with it before the loss.
     * Where authentication takes longer than a second, as on a busy machine, the official SDK never subscribes
     * again (`slow-authentication.mjs`): then another one is started.
     */
    async afterLoss(program, before = async () => {}) {
        for (let attempt = 1; ; attempt++) {
            const it = await this.one(program);
            await before(it);
            it.proxy.reset();
            const again = () => it.app.reportsOf('posts', 'init').length > 1;
            try {
                await until(
                    again,
                    `the next snapshot (${program})`,
                    program === 'official' ? 15_000 : undefined,
                );
                return it;
            } catch (error) {
                if (program !== 'official' || attempt === ATTEMPTS) {
                    throw error;
                }
                await it.app.end();
            }
        }
    }

    /** An application that has not connected yet, and a proxy that does not listen yet. */
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
