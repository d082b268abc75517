import { runMain } from '@sealpost/service'
import { readConfig } from './config.ts'
import { createSmtpService } from './service.ts'

await runMain(readConfig, createSmtpService)
