import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';
import { overflow } from './outage.mjs';

export default {
    title: 'A refused connection: the application starts before the server',
    official:
        "With Node's own WebSocket the stack overflows, and the process ends; where that is caught, the client can never " +
        'connect again. With `ws` it does not connect when the server has started.',
    ours: 'Retries until the server has started, then subscribes.',

    async run(fixture) {
        const official = await fixture.beforeServer('official');
        const catching = await fixture.beforeServer('official', { catching: true });
        const ws = await fixture.beforeServer('official', { socket: 'ws' });
        const ours = await fixture.beforeServer('ours');
        await ours.app.do('subscribe', 'posts', 'posts', fixture.matching());
        for (const { app } of [official, catching, ws]) {
            await assert.rejects(app.do('connect'));
        }
        await until(() => official.app.exitOutput !== undefined, 'the end of the process');
        await quietPeriod();
        await Promise.all([official, catching, ws, ours].map(({ proxy }) => proxy.listen()));
        await until(() => ours.app.reportsOf('posts', 'init').length > 0, 'the snapshot');
        const title = fixture.name('first');
        await fixture.create('posts', title);
        await ours.app.has('posts', title, 'create');
        await quietPeriod();

        assert.match(official.app.exitOutput, overflow);
        assert.match(catching.app.reports[0].message, overflow);
        await assert.rejects(catching.app.do('connect'), /Cannot connect when state is "error"/);
        assert.equal(ws.app.exitOutput, undefined);
        assert.equal(await ws.app.do('isConnected'), false);
        assert.equal(ws.proxy.accepted, 0);
        return { official: 'not connected', ours: 'connected' };
    },
};
