/** Debian's Prometheus, scraping one server by the second, and promtool. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

const READY_MS_MAX = 30_000

export class Prometheus implements AsyncDisposable {
  readonly #origin: string
  readonly #directory: string
  readonly #process: ChildProcess

  private constructor(port: number, directory: string) {
    this.#origin = `http://127.0.0.1:${String(port)}`
    this.#directory = directory
    const options = [
      `--config.file=${join(directory, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=error',
    ]
    this.#process = spawn('prometheus', options, { stdio: 'ignore' })
  }

  /** `rules`: a file. */
  static async start(target: string, rules: string): Promise<Prometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-prometheus-'))
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      scrape_configs: [{ job_name: 'sealpost', static_configs: [{ targets: [target] }] }],
      rule_files: [rules],
    }
    await writeFile(join(directory, 'prometheus.json'), JSON.stringify(config)) // YAML, too
    const prometheus = new Prometheus(await freePort(), directory)
    const deadline = performance.now() + READY_MS_MAX
    while (!(await prometheus.#isReady())) {
      if (performance.now() < deadline) continue
      await prometheus[Symbol.asyncDispose]()
      throw new Error('Prometheus does not become ready')
    }
    return prometheus
  }

  /** An instant query that gives a vector. */
  async query(expression: string): Promise<readonly Sample[]> {
    const answer = (await this.#get(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
      status: string
      error?: string
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] }
    }
    if (answer.data === undefined) throw new Error(`${expression}: ${String(answer.error)}`)
    return answer.data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
  }

  /** Names of alerts that are on their way or firing. */
  async alerts(): Promise<readonly string[]> {
    const { data } = (await this.#get('/api/v1/alerts')) as {
      data: { alerts: { labels: { alertname: string } }[] }
    }
    return data.alerts.map(({ labels }) => labels.alertname)
  }

  /** All series that there are, by their labels. */
  async series(): Promise<readonly Readonly<Record<string, string>>[]> {
    const all = encodeURIComponent('{job="sealpost"}')
    return ((await this.#get(`/api/v1/series?match[]=${all}`)) as { data: Record<string, string>[] }).data
  }

  async #get(path: string): Promise<unknown> {
    return await (await fetch(this.#origin + path)).json()
  }

  async #isReady(): Promise<boolean> {
    return await fetch(`${this.#origin}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await ended
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Rejects with what promtool says when it is not content. */
export async function promtool(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)('promtool', args)).stdout
}
