/** Whether an engine for containers answers here: Docker, or one that speaks its API (https://docs.docker.com/reference/api/engine/#tag/System/operation/SystemPing). */
import { request, type RequestOptions } from 'node:http'
import { join } from 'node:path'

/** What is there answers at once; what is not must hold up nobody. */
const PATIENCE_MS = 500

/** By DOCKER_HOST where it says a socket or an address without TLS; by the usual sockets where it says nothing. */
export async function hasEngine(env: NodeJS.ProcessEnv, patienceMs = PATIENCE_MS): Promise<boolean> {
  const answers = await Promise.all(placesOf(env).map((place) => answersPing(place, patienceMs)))
  return answers.includes(true)
}

function placesOf(env: NodeJS.ProcessEnv): readonly RequestOptions[] {
  const told = env['DOCKER_HOST']
  if (told !== undefined) {
    const { protocol, pathname, hostname, port } = new URL(told)
    if (protocol === 'unix:') return [{ socketPath: pathname }]
    return protocol === 'tcp:' ? [{ host: hostname, port }] : []
  }
  const own = env['XDG_RUNTIME_DIR']
  const sockets = own === undefined ? [] : [join(own, 'docker.sock')]
  return ['/var/run/docker.sock', ...sockets].map((socketPath) => ({ socketPath }))
}

function answersPing(place: RequestOptions, patienceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...place, path: '/_ping', timeout: patienceMs })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.on('close', () => resolve(false))
    asked.end()
  })
}
