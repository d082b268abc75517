/** Sets modules up in their listed order and undoes all they registered in reverse (see module.ts). */
import type { Hooks as HookBus } from '@sealpost/hooks'
import { assert } from '@sealpost/errors'
import type { Hooks, IqHandler, IqTarget, Module, ModuleHost, NonzaHandler, Provided } from './module.ts'
import { StanzaError } from '@sealpost/stanza'

/** The parts of the host that do not depend on the module. */
export type HostContext = Pick<
  ModuleHost,
  | 'sessions'
  | 'destinations'
  | 'accounts'
  | 'domains'
  | 'clock'
  | 'random'
  | 'log'
  | 'metrics'
  | 'request'
  | 'requestAway'
  | 'spawn'
>

/** What the modules registered, as the router and the streams look it up. */
export class ModuleTable implements Disposable {
  readonly hooks: HookBus<Hooks>
  readonly #iq = new Map<string, IqHandler>()
  readonly #nonzas = new Map<string, NonzaHandler>()
  readonly #hostFeatures: string[] = []
  readonly #accountFeatures: string[] = []
  readonly #provided = new Map<keyof Provided, unknown>()
  readonly #registrations = new DisposableStack()

  constructor(hooks: HookBus<Hooks>) {
    this.hooks = hooks
  }

  async load(modules: readonly Module[], context: HostContext): Promise<void> {
    const loaded = new Set<string>()
    for (const module of modules) {
      for (const name of module.depends ?? [])
        assert(loaded.has(name), `${module.name} needs ${name} before it`)
      await module.setup(this.#host(module, context))
      loaded.add(module.name)
    }
  }

  iqHandler(type: 'get' | 'set', target: IqTarget, namespace: string, name: string): IqHandler | undefined {
    return this.#iq.get(`${type} ${target} ${namespace} ${name}`)
  }

  nonzaHandler(namespace: string, name: string): NonzaHandler | undefined {
    return this.#nonzas.get(`${namespace} ${name}`)
  }

  #host(module: Module, context: HostContext): ModuleHost {
    const { hooks } = this
    return {
      ...context,
      log: context.log.child({ module: module.name }),
      features: { host: this.#hostFeatures, account: this.#accountFeatures },
      feature: (namespace) => void this.#hostFeatures.push(namespace),
      accountFeature: (namespace) => void this.#accountFeatures.push(namespace),
      onIq: (type, query, handler) => {
        for (const target of query.to) {
          const key = `${type} ${target} ${query.namespace} ${query.name}`
          assert(!this.#iq.has(key), `two handlers for ${key}`)
          this.#iq.set(key, handler)
        }
      },
      onNonza: (namespace, name, handler) => {
        const key = `${namespace} ${name}`
        assert(!this.#nonzas.has(key), `two handlers for ${key}`)
        this.#nonzas.set(key, handler)
      },
      hook: (name, handler, priority) => void this.#registrations.use(hooks.hook(name, handler, priority)),
      fire: (name, event) => hooks.fire(name, event),
      provide: (name, value) => void this.#provided.set(name, value),
      need: (name) => this.#need(module, name),
      use: (resource) => void this.#registrations.use(resource),
      every: (intervalMs, task) => void this.#registrations.use(context.clock.every(intervalMs, task)),
    }
  }

  #need<K extends keyof Provided>(module: Module, name: K): Provided[K] {
    assert(this.#provided.has(name), `${module.name} needs ${name}, which nobody provides`)
    return this.#provided.get(name) as Provided[K]
  }

  [Symbol.dispose](): void {
    this.#registrations.dispose()
  }
}

/** RFC 6120 §8.4: what answers a request that no module takes. */
export function unhandled(): StanzaError {
  return new StanzaError('cancel', 'service-unavailable')
}
