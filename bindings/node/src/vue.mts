export * from './vue.js';
