import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

export default {
    title: 'A disconnect during the backoff',
    official: 'Connects nevertheless.',
    ours: 'Stays disconnected.',

    async run(fixture) {
        const { official, ours } = await fixture.both();
        for (const { app, proxy } of [official, ours]) {
            await app.do('whenLost', 'disconnect');
            proxy.reset();
            await until(() => app.commandResult, 'the disconnect');
        }
        await until(() => official.app.do('isConnected'), 'the unwanted link');
        await quietPeriod();

        assert.equal(await official.app.do('isConnected'), true);
        assert.equal(official.proxy.links, 1);
        assert.equal(await ours.app.do('isConnected'), false);
        assert.equal(ours.proxy.links, 0);
        return { official: 'connected', ours: 'disconnected' };
    },
};
