// An application that uses the official SDK.
import { setTimeout as sleep } from 'node:timers/promises';
import { authentication, createDirectus, realtime, staticToken } from '@directus/sdk';
import { WebSocket as Ws } from 'ws';
import { runCommands, settings, report, messageOf } from './control.mjs';

const { url, token, login, socket } = settings;

/** `fetch`, with a delay for the renewal of a token. */
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
            report({ name, type: event, data });
        }
        report({ name, type: 'ended' });
    } catch (error) {
        report({ name, type: 'ended', message: messageOf(error) });
    }
}

const commands = {
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
    /** Passes every message to a callback, which throws at the title `bad`. */
    listen(name, bad) {
        client.onWebSocket('message', ({ type, event, data }) => {
            if (type === 'subscription') {
                report({ name, type: event, data });
                if (bad !== undefined && data?.some?.(({ title }) => title === bad)) {
                    throw new Error('the callback has failed');
                }
            }
        });
    },
    /** Runs a command when the link is lost, after a short delay, in which the SDK notices the loss itself. */
    whenLost(command, ...args) {
        const stop = client.onWebSocket('close', () => {
            stop();
            setTimeout(() => {
                try {
                    commands[command](...args);
                    report({ type: 'commandResult' });
                } catch (error) {
                    report({ type: 'commandResult', message: messageOf(error) });
                }
            }, 100);
        });
    },
};
runCommands(commands);
