/** What test files have of their runner: the one import of uvu, so that another runner could take its place. */
export { suite } from 'uvu';
export * as assert from 'uvu/assert';
