// What clients, scopes and subscriptions have in common as objects.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { inspect } from 'node:util';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';

let server, client;
before(async () => {
    server = await startScriptedServer();
    client = createClient(server.url, { accessToken: 'secret' });
    await client.connected();
});
after(async () => {
    await client.close();
    await server.close();
});

it('methods of clients, scopes, subscriptions and items work when destructured', async () => {
    const { subscribe, unsubscribe, hasSubscription, getActiveSubscriptions, request, items } = client;
    const { connected, stats, scope, useRealtime, setToken, sendMessage, unsubscribeAll } = client;
    await connected();
    const { ready, unsubscribe: end } = subscribe({ collection: 'posts', uid: 'a' }, () => {});
    await ready();
    assert.equal(hasSubscription('a'), true);
    end();
    assert.equal(unsubscribe('a'), false);
    assert.deepEqual(getActiveSubscriptions(), []);
    assert.equal((await request({ type: 'ping' })).type, 'pong');
    const { read } = items('posts');
    assert.deepEqual(await read(), []);
    sendMessage({ type: 'ping' });
    setToken('another');
    assert.equal(stats().subscriptions, 0);
    const { subscribe: inScope, close } = scope();
    inScope({ collection: 'posts', uid: 'b' }, () => {});
    close();
    assert.equal(hasSubscription('b'), false);
    useRealtime().subscribe({ collection: 'posts', uid: 'c' }, () => {});
    assert.equal(unsubscribeAll(), 1);
    const { close: closeOther, connect, disconnect, reconnect, ref, unref } = createClient(server.url);
    for (const call of [connect, disconnect, reconnect, unref, ref]) {
        call();
    }
    await closeOther();
});

it('console.log of clients, scopes and subscriptions shows their state and no secrets', async () => {
    assert.equal(inspect(client), "Client { state: 'connected', subscriptions: 0 }");
    const scope = client.scope();
    assert.equal(inspect(scope), 'Scope { closed: false }');
    const subscription = scope.subscribe({ collection: 'posts', uid: 'a' }, () => {});
    const shown = "Subscription { uid: 'a', collection: 'posts', persistent: false, ended: false }";
    assert.equal(inspect(subscription, { breakLength: Infinity }), shown);
    assert.match(inspect({ deep: { client } }), /state: 'connected'/);
    scope.close();
    assert.match(inspect(subscription), /ended: true/);
    assert.equal(JSON.stringify(client).includes('secret'), false);
});
