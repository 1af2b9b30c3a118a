// Waiting for what a test expects, on a machine of any speed.
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;

/** Resolves with the first truthy value of `condition`. */
export async function until(condition, what) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value;
        }
        if (Date.now() > deadline) {
            throw new Error(`waited in vain for ${what}`);
        }
        await sleep(10);
    }
}

/** A callback that keeps what it gets. */
export function collector() {
    const events = [];
    const collect = (event) => void events.push(event);
    collect.events = events;
    /** The first event of a type that a test accepts. */
    collect.find = (type, accept = () => true) =>
        until(
            () => events.find((event) => event.type === type && accept(event)),
            `${type} in ${JSON.stringify(events.map((event) => event.type))}`,
        );
    return collect;
}
