// One implementation for both kinds of modules: a program that uses both has one library, and one
// class for each kind of error.
export * from './index.js';
