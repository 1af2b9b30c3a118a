import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';

export default {
    title: 'A disconnect while it waits to connect again',
    official: 'Connects all the same.',
    ours: 'Stays disconnected.',

    async run(world) {
        const { official, ours } = await world.both();
        for (const { app, proxy } of [official, ours]) {
            await app.do('whenLost', 'disconnect');
            proxy.reset();
            await until(() => app.obeyed, 'the disconnect');
        }
        await until(() => official.app.do('isConnected'), 'the link that nobody wants');
        await patience();

        assert.equal(await official.app.do('isConnected'), true);
        assert.equal(official.proxy.links, 1);
        assert.equal(await ours.app.do('isConnected'), false);
        assert.equal(ours.proxy.links, 0);
        return { official: 'connected', ours: 'disconnected' };
    },
};
