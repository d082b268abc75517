import { freePorts } from '../../packages/dev-env/src/deployment/ports.ts'

/** A TCP port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}
