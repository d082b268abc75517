/**
 * nginx of Debian with static files, for the benchmarks `lookup` and, with TLS and PUT, `files`: one worker, sendfile, no access log, connections kept alive. Its cache of open files is off, as it is
 * by default.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { freePort } from '../../test/interop/free-port.ts'
import { type Certificate, spawnPinned, stop, untilListening } from './server.ts'

export interface StaticServer extends AsyncDisposable {
  readonly port: number
  readonly roots: readonly number[]
}

export interface StaticFile {
  /** Beginning with a slash. */
  readonly path: string
  readonly bytes: Buffer
}

/** Files that are written at once. */
const BATCH = 500

export async function startNginx(
  directory: string,
  core: number,
  files: Iterable<StaticFile>,
  certificate?: Certificate,
): Promise<StaticServer> {
  const port = await freePort()
  await mkdir(directory, { recursive: true })
  await chmod(directory, 0o755)
  const root = join(directory, 'files')
  await mkdir(root)
  if (certificate !== undefined) await chmod(root, 0o777) // PUT writes there as nginx's own user
  await writeFiles(root, files)
  const config = join(directory, 'nginx.conf')
  await writeFile(config, configuration(directory, root, port, certificate))
  const child = spawnPinned(core, 'nginx', ['-c', config, '-p', directory], {})
  await using stack = new AsyncDisposableStack()
  stack.defer(() => stop(child))
  await untilListening(port, child)
  const held = stack.move()
  return { port, roots: [child.pid ?? 0], [Symbol.asyncDispose]: () => held.disposeAsync() }
}

async function writeFiles(root: string, files: Iterable<StaticFile>): Promise<void> {
  const directories = new Set<string>()
  const batch: Promise<void>[] = []
  for (const { path, bytes } of files) {
    const file = join(root, path)
    if (!directories.has(dirname(file))) await mkdir(dirname(file), { recursive: true })
    directories.add(dirname(file))
    batch.push(writeFile(file, bytes))
    if (batch.length === BATCH) await Promise.all(batch.splice(0))
  }
  await Promise.all(batch)
}

function configuration(
  directory: string,
  root: string,
  port: number,
  certificate: Certificate | undefined,
): string {
  const tls =
    certificate === undefined
      ? ''
      : `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`
  const put = certificate === undefined ? '' : 'location / { dav_methods PUT; client_max_body_size 0; }'
  return `daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 60;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server { listen 127.0.0.1:${String(port)}${tls === '' ? '' : ' ssl'}; ${tls} root ${root}; ${put} }
}
`
}
