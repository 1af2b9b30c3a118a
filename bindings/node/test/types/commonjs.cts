// The same from CommonJS.
import { expectTypeOf } from 'expect-type';
import realtime = require('directus-realtime');

expectTypeOf(realtime.createClient('http://localhost:8055')).toEqualTypeOf<realtime.Client>();
