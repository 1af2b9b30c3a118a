/** What the parts of a client need of it. */

import type { Abi, Handle } from './abi/index.js';
import type { Connection } from './connection.js';
import type { WaitingEvents } from './consumer.js';

export interface ClientParts {
    readonly abi: Abi;
    readonly handle: Handle;
    readonly connection: Connection;
    /** The events that wait for consumers. */
    readonly waiting: WaitingEvents;
    /** A number for a subscription or a request. */
    nextId(): number;
    /** Throws when the client is closed. */
    checkOpen(): void;
}
