// The same from CommonJS.
import { expectTypeOf } from 'expect-type';
import vue = require('directus-realtime/vue');

expectTypeOf(vue.useDirectusRealtime()).toEqualTypeOf<vue.VueRealtime>();
