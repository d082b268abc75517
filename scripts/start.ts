/** `npm start`: all of Sealpost in one process. `npm run dev` is the same with --dev. */
import { parseArgs } from 'node:util'
import { Network, readConfig, readNetworkConfig } from '@sealpost/dev-env'
import type { Address } from '@sealpost/dev-env'
import { runService } from '@sealpost/runtime'
import { explainStart } from '@sealpost/service'

const HELP = `Usage: npm start [-- --check-config] | npm run dev

Runs everything in one process until SIGTERM or Ctrl-C. Configured by the environment; README.md has the table.

  --check-config   say whether the configuration is valid, and exit
  --dev            make the accounts alice, bob and carla, and print their passwords
  --help           this text
`

const SEEDED = ['alice', 'bob', 'carla']

const options = readArguments()
if (options.help) process.stdout.write(HELP)
else await runService(readConfig, start)

function readArguments(): { help: boolean; dev: boolean } {
  try {
    const { values } = parseArgs({
      options: { help: { type: 'boolean' }, dev: { type: 'boolean' }, 'check-config': { type: 'boolean' } },
    })
    return { help: values.help ?? false, dev: values.dev ?? false }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : ''}\n\n${HELP}`)
    return process.exit(2)
  }
}

async function start(config: ReturnType<typeof readConfig>): Promise<Network> {
  await using stack = new AsyncDisposableStack()
  const network = stack.use(await explainStart(readNetworkConfig, () => Network.create(config)))
  console.log(table(network.addresses))
  if (network.firstInvite !== undefined)
    console.log(`First administrator (this link works once): ${network.firstInvite}\n`)
  if (options.dev)
    for (const { jid, password } of await network.seed(SEEDED))
      console.log(`Account ${jid} password ${password}`)
  console.log('Sealpost is ready')
  stack.move()
  return network
}

function table(addresses: readonly Address[]): string {
  const width = Math.max(...addresses.map(({ name }) => name.length))
  return ['', ...addresses.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`), ''].join('\n')
}
