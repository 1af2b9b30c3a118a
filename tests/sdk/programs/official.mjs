// An application of the official SDK.
import { setTimeout as sleep } from 'node:timers/promises';
import { authentication, createDirectus, realtime, staticToken } from '@directus/sdk';
import { WebSocket as Ws } from 'ws';
import { obey, settings, tell, wordsOf } from './lead.mjs';

const { url, token, login, socket } = settings;

/** The usual `fetch`, but that a renewal takes its time. */
async function fetchSlowly(target, options) {
    if (String(target).endsWith('/auth/refresh')) {
        await sleep(login.renewalMs);
    }
    return fetch(target, options);
}

const client = createDirectus(url, {
    globals: { ...(socket === 'ws' && { WebSocket: Ws }), ...(login && { fetch: fetchSlowly }) },
})
    .with(login ? authentication('json') : staticToken(token))
    .with(realtime());

const subscriptions = new Map();

async function follow(name, messages) {
    try {
        for await (const { event, data } of messages) {
            tell({ name, type: event, data });
        }
        tell({ name, type: 'ended' });
    } catch (error) {
        tell({ name, type: 'ended', words: wordsOf(error) });
    }
}

const orders = {
    async connect() {
        if (login) {
            await client.login({ email: login.email, password: login.password });
        }
        await client.connect();
    },
    async subscribe(name, collection, options) {
        const { subscription, unsubscribe } = await client.subscribe(collection, options);
        subscriptions.set(name, unsubscribe);
        void follow(name, subscription);
    },
    unsubscribe: (name) => subscriptions.get(name)(),
    disconnect: () => client.disconnect(),
    isConnected: () => client.isConnected(),
    /** Hands everything that comes to a callback, which throws at a title that it does not like. */
    hear(name, bad) {
        client.onWebSocket('message', ({ type, event, data }) => {
            if (type === 'subscription') {
                tell({ name, type: event, data });
                if (bad !== undefined && data?.some?.(({ title }) => title === bad)) {
                    throw new Error('the callback has failed');
                }
            }
        });
    },
    /** Follows an order when the link is lost: a moment later, when the SDK knows that itself. */
    whenLost(order, ...args) {
        const stop = client.onWebSocket('close', () => {
            stop();
            setTimeout(() => {
                try {
                    orders[order](...args);
                    tell({ type: 'obeyed' });
                } catch (error) {
                    tell({ type: 'obeyed', words: wordsOf(error) });
                }
            }, 100);
        });
    },
};
obey(orders);
