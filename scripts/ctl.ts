/** Administration of a server: `npm run ctl -- NOUN VERB …`; `--help` lists everything. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Before anything else is loaded: types are taken off once, not at each call. Where nothing may be written it goes as before.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compiled'))
await import('./ctl/run.ts')
