import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';
import { overflow } from './outage.mjs';

export default {
    title: 'A refused connection: the application is there before the server',
    official:
        "With Node's own WebSocket the stack overflows, and the process ends; where that is caught, the client can never " +
        'be connected again. With `ws` it does not connect once the server is there.',
    ours: 'Waits for the server; the subscription begins with it.',

    async run(world) {
        const official = await world.beforeServer('official');
        const catching = await world.beforeServer('official', { catching: true });
        const ws = await world.beforeServer('official', { socket: 'ws' });
        const ours = await world.beforeServer('ours');
        await ours.app.do('subscribe', 'posts', 'posts', world.matching());
        for (const { app } of [official, catching, ws]) {
            await assert.rejects(app.do('connect'));
        }
        await until(() => official.app.lastWords !== undefined, 'the end of the process');
        await patience();
        await Promise.all([official, catching, ws, ours].map(({ proxy }) => proxy.listen()));
        await until(() => ours.app.told('posts', 'init').length > 0, 'the snapshot');
        const title = world.name('first');
        await world.create('posts', title);
        await ours.app.has('posts', title, 'create');
        await patience();

        assert.match(official.app.lastWords, overflow);
        assert.match(catching.app.news[0].words, overflow);
        await assert.rejects(catching.app.do('connect'), /Cannot connect when state is "error"/);
        assert.equal(ws.app.lastWords, undefined);
        assert.equal(await ws.app.do('isConnected'), false);
        assert.equal(ws.proxy.accepted, 0);
        return { official: 'not connected', ours: 'connected' };
    },
};
