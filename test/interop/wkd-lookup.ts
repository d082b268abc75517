/** Prints the key of an address as @openpgp/wkd-client finds it, in hexadecimal: a program, since it has to run in a network of its own. */
import { createRequire } from 'node:module'

interface WkdClient {
  lookup(options: { readonly email: string }): Promise<Uint8Array>
}

const Client = createRequire(import.meta.url)('@openpgp/wkd-client') as new () => WkdClient
const [email = ''] = process.argv.slice(2)
process.stdout.write(Buffer.from(await new Client().lookup({ email })).toString('hex'))
