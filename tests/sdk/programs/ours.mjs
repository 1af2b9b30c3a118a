// The same application, which uses this library.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../../bindings/node/dist/index.mjs';
import { runCommands, settings, report, messageOf } from './control.mjs';

const { url, token, login } = settings;

let refreshToken;

/** Logs in at first, and then renews the token, with a delay. */
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
            report({ name, type: ended ? 'ended' : 'error', message: data.code });
            return;
        }
        report({ name, type, data: type === 'init' ? data : [data] });
        if (bad !== undefined && data.title === bad) {
            throw new Error('the callback has failed');
        }
    });
    subscriptions.set(name, subscription);
}

const commands = {
    connect: () => client.connected(),
    subscribe,
    unsubscribe: (name) => void subscriptions.get(name).unsubscribe(),
    disconnect: () => client.disconnect(),
    isConnected: () => client.isConnected,
    /** Runs a command when the link is lost. */
    whenLost(command, ...args) {
        client.once('disconnected', () => {
            try {
                commands[command](...args);
                report({ type: 'commandResult' });
            } catch (error) {
                report({ type: 'commandResult', message: messageOf(error) });
            }
        });
    },
};
runCommands(commands);
