// Compiled, not run: the types of the composable in Vue.
import { watch, type App, type ComputedRef } from 'vue';
import { expectTypeOf } from 'expect-type';
import { createClient, type RealtimeEvent, type Subscription } from 'directus-realtime';
import { directusRealtime, useDirectusRealtime, type VueRealtime } from 'directus-realtime/vue';

interface Post {
    id: string;
    title: string;
}

const client = createClient('http://localhost:8055');
declare const app: App;
app.use(directusRealtime(client));

const realtime = useDirectusRealtime();
expectTypeOf(realtime).toEqualTypeOf<VueRealtime>();
expectTypeOf(useDirectusRealtime(client)).toEqualTypeOf<VueRealtime>();
// @ts-expect-error: a URL is not a client
useDirectusRealtime('http://localhost:8055');

const {
    isConnected,
    subscribe,
    unsubscribe,
    unsubscribeCollection,
    unsubscribeAll,
    getActiveSubscriptions,
    hasSubscription,
    sendMessage,
    reconnect,
} = realtime;
expectTypeOf(isConnected).toEqualTypeOf<ComputedRef<boolean>>();
watch(isConnected, (connected, wasConnected) => {
    expectTypeOf(connected).toEqualTypeOf<boolean>();
    expectTypeOf(wasConnected).toEqualTypeOf<boolean>();
});
// @ts-expect-error: it is read-only
isConnected.value = true;
const handler = subscribe<Post>({ collection: 'posts' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
});
expectTypeOf(handler).toEqualTypeOf<Subscription<Post, Post[]>>();
expectTypeOf(unsubscribe('x')).toEqualTypeOf<boolean>();
expectTypeOf(unsubscribeCollection('posts')).toEqualTypeOf<number>();
expectTypeOf(unsubscribeAll()).toEqualTypeOf<number>();
expectTypeOf(getActiveSubscriptions()[0]!.collection).toEqualTypeOf<string>();
expectTypeOf(hasSubscription('x')).toEqualTypeOf<boolean>();
expectTypeOf(sendMessage({ type: 'ping' })).toEqualTypeOf<void>();
setTimeout(reconnect, 5000);
