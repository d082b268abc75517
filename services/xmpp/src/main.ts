import { runMain } from '@sealpost/service'
import { readConfig } from './config.ts'
import { createXmppService } from './service.ts'

await runMain(readConfig, createXmppService)
