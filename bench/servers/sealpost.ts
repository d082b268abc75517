import type { RunningServer, ServerOptions } from './server.ts'
export function startSealpost(_options: ServerOptions): Promise<RunningServer> {
  return Promise.reject(new Error('not yet'))
}
