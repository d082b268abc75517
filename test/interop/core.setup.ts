/** Global setup of the interop tests that CI runs. */
export { needCore as default } from './programs.ts'
