/** What a prober reads from its environment, in a process of its own: the ports as the server has them, and its own PROBE_ variables. */
import { readFileSync } from 'node:fs'
import { defineConfig, type EnvReader, type Secret } from '@sealpost/config'
import { parseTurnUri } from '@sealpost/turn'
import type { ProbeTargets } from './probes/probe-all.ts'

export interface ProberConfig {
  readonly targets: ProbeTargets
  /** Where results are reported; undefined: on standard output, to the server that started it. */
  readonly report: { readonly url: string; readonly key: Secret } | undefined
}

/**
 * PROBE_HOST (the first of SEALPOST_DOMAIN unless set), XMPP_PORT, SMTP_PORT, SUBMISSION_PORT, HKP_PORT (0: not probed), PROBE_API_URL (https at HTTPS_PORT
 * unless set), TURN_URIS, PROBE_CA_FILE, PROBE_REPORT_URL and PROBE_KEY.
 */
function readProberConfig(env: EnvReader): ProberConfig {
  const [serverName = 'localhost'] = env.list('SEALPOST_DOMAIN', ['localhost'])
  const host = env.str('PROBE_HOST', serverName)
  const port = (name: string, fallback: number): number | undefined => env.port(name, fallback) || undefined
  const httpsPort = port('HTTPS_PORT', 8443)
  const https = httpsPort === undefined ? undefined : `https://${serverName}:${String(httpsPort)}`
  const caFile = env.optional('PROBE_CA_FILE')
  const url = env.optional('PROBE_REPORT_URL')
  return {
    targets: {
      host,
      xmppPort: port('XMPP_PORT', 5222),
      smtpPort: port('SMTP_PORT', 2525),
      submissionPort: port('SUBMISSION_PORT', 2587),
      hkpPort: port('HKP_PORT', 11371),
      apiUrl: env.optional('PROBE_API_URL') ?? https,
      turn: env.list('TURN_URIS', []).flatMap((uri) => parseTurnUri(uri) ?? []),
      trust: { serverName, ca: caFile === undefined ? [] : [readAuthority(env, caFile)] },
    },
    report: url === undefined ? undefined : { url, key: env.secret('PROBE_KEY') },
  }
}

function readAuthority(env: EnvReader, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    env.problem('PROBE_CA_FILE names a file that cannot be read')
    return ''
  }
}

/** Throws ConfigError. */
export function readConfig(): ProberConfig {
  return defineConfig(process.env, readProberConfig)
}
