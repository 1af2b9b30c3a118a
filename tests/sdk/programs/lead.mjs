// How a test leads an application in a process of its own.

/** What the test says about this run. */
export const settings = JSON.parse(process.argv[2]);

/** Tells the test what has happened. */
export function tell(news) {
    if (process.connected) {
        process.send({ news });
    }
}

/** Does what the test orders, until it is gone. */
export function obey(orders) {
    process.on('message', async ({ number, order, args }) => {
        try {
            process.send({ number, answer: await orders[order](...args) });
        } catch (error) {
            process.send({ number, failure: wordsOf(error) });
        }
    });
    process.on('disconnect', () => process.exit());
    if (settings.catching) {
        for (const event of ['uncaughtException', 'unhandledRejection']) {
            process.on(event, (error) => tell({ type: 'uncaught', words: wordsOf(error) }));
        }
    }
}

/** What was thrown, in words: not everybody throws errors. */
export function wordsOf(thrown) {
    return thrown instanceof Error ? String(thrown) : (JSON.stringify(thrown) ?? String(thrown));
}
