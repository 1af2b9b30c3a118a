// Every way in which the official SDK fails, in the order of the page.
//
// A case is what happens (`title`), what becomes of it in the official SDK (`official`) and in this
// library (`ours`), and a test that both do just that (`run`), which resolves with what it saw.
import authentication from './authentication.mjs';
import backoff from './backoff.mjs';
import burst from './burst.mjs';
import halfOpen from './half-open.mjs';
import moment from './moment.mjs';
import offline from './offline.mjs';
import * as outage from './outage.mjs';
import refusal from './refusal.mjs';
import refused from './refused.mjs';
import renewal from './renewal.mjs';
import throwing from './throwing.mjs';
import uid from './uid.mjs';

export const cases = [
    burst,
    moment,
    outage.short,
    outage.long,
    halfOpen,
    refused,
    backoff,
    refusal,
    authentication,
    renewal,
    throwing,
    offline,
    uid,
];
