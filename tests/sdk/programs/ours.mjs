// The same application, of this library.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../../bindings/node/dist/index.mjs';
import { obey, settings, tell, wordsOf } from './lead.mjs';

const { url, token, login } = settings;

let refreshToken;

/** A login, and from then on a renewal that takes its time. */
async function getToken() {
    const { email, password, renewalMs } = login;
    const renewal = { refresh_token: refreshToken, mode: 'json' };
    const [where, body] = refreshToken ? ['refresh', renewal] : ['login', { email, password }];
    await sleep(refreshToken ? renewalMs : 0);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/auth/${where}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
    });
    const { data } = await answer.json();
    refreshToken = data.refresh_token;
    return data.access_token;
}

const client = createClient(url, login ? { getToken } : { accessToken: token });

const subscriptions = new Map();

function subscribe(name, collection, options, bad) {
    const subscription = client.subscribe({ collection, ...options }, ({ type, data, ended }) => {
        if (type === 'error') {
            tell({ name, type: ended ? 'ended' : 'error', words: data.code });
            return;
        }
        tell({ name, type, data: type === 'init' ? data : [data] });
        if (bad !== undefined && data.title === bad) {
            throw new Error('the callback has failed');
        }
    });
    subscriptions.set(name, subscription);
}

const orders = {
    connect: () => client.connected(),
    subscribe,
    unsubscribe: (name) => void subscriptions.get(name).unsubscribe(),
    disconnect: () => client.disconnect(),
    isConnected: () => client.isConnected,
    /** Follows an order when the link is lost. */
    whenLost(order, ...args) {
        client.once('disconnected', () => {
            try {
                orders[order](...args);
                tell({ type: 'obeyed' });
            } catch (error) {
                tell({ type: 'obeyed', words: wordsOf(error) });
            }
        });
    },
};
obey(orders);
