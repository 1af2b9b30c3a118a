// How a test controls an application in a process of its own.

/** The settings that the test has passed. */
export const settings = JSON.parse(process.argv[2]);

/** Reports to the test what has happened. */
export function report(what) {
    if (process.connected) {
        process.send({ report: what });
    }
}

/** Runs the commands of the test, until the test ends. */
export function runCommands(commands) {
    process.on('message', async ({ number, command, args }) => {
        try {
            process.send({ number, answer: await commands[command](...args) });
        } catch (error) {
            process.send({ number, failure: messageOf(error) });
        }
    });
    process.on('disconnect', () => process.exit());
    if (settings.catching) {
        for (const event of ['uncaughtException', 'unhandledRejection']) {
            process.on(event, (error) => report({ type: 'uncaught', message: messageOf(error) }));
        }
    }
}

/** The message of what was thrown: the SDK also throws objects that are no errors. */
export function messageOf(thrown) {
    return thrown instanceof Error ? String(thrown) : (JSON.stringify(thrown) ?? String(thrown));
}
