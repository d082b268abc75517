/** Global setup of all other interop tests. */
export { needPeers as default } from './programs.ts'
