// Every way in which the official SDK fails, in the order of the page.
//
// A case has a fault (`title`), what the official SDK does (`official`) and what this library does (`ours`),
// and a test that both do so (`run`), which resolves with the outcomes.
import disconnectInBackoff from './disconnect-in-backoff.mjs';
import halfOpen from './half-open.mjs';
import lostLink from './lost-link.mjs';
import * as outage from './outage.mjs';
import packet from './packet.mjs';
import refusedConnection from './refused-connection.mjs';
import refusedSubscription from './refused-subscription.mjs';
import slowAuthentication from './slow-authentication.mjs';
import subscribeAfterReconnect from './subscribe-after-reconnect.mjs';
import throwingCallback from './throwing-callback.mjs';
import tokenRenewal from './token-renewal.mjs';
import unsubscribeOffline from './unsubscribe-offline.mjs';

export const cases = [
    packet,
    lostLink,
    outage.short,
    outage.long,
    halfOpen,
    refusedConnection,
    disconnectInBackoff,
    refusedSubscription,
    slowAuthentication,
    tokenRenewal,
    throwingCallback,
    unsubscribeOffline,
    subscribeAfterReconnect,
];
