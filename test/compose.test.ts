/** docker-compose.yml and the Dockerfiles against what the services read, and against the rules of docs/compose.md. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig as readApi } from '@sealpost/api-service/config'
import { listVariables, type EnvReader } from '@sealpost/config'
import { readBackupServiceConfig } from '@sealpost/dev-env'
import { readConfig as readKeys } from '@sealpost/keys-service/config'
import { readPlatformConfig } from '@sealpost/service'
import { readConfig as readSmtp } from '@sealpost/smtp-service/config'
import { readConfig as readXmpp } from '@sealpost/xmpp-service/config'
import { describe, expect, test } from 'vitest'
import { readComposeFile, ROOT, type ComposeService } from './stack/compose-file.ts'

const { services, volumes, networks } = readComposeFile({ SEALPOST_DOMAIN: 'example.org' })
const all = Object.entries(services)
const READERS: Readonly<Record<string, (env: EnvReader) => unknown>> = {
  api: readApi,
  backup: readBackupServiceConfig,
  keys: readKeys,
  smtp: readSmtp,
  xmpp: readXmpp,
}

/** Who is root, and why the file says. */
const ROOTS = ['prepare', 'dovecot']
/** Images whose own user is not root. */
const OWN_USER = ['unbound', 'rspamd', 'clamav', 'freshclam', 'prometheus', 'alertmanager', 'grafana']
const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  prepare: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
  caddy: ['NET_BIND_SERVICE'],
  dovecot: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID', 'SYS_CHROOT'],
}
/** Paths, and a name. */
const NO_SECRETS = ['TURN_KEY', 'TLS_KEY', 'BACKUP_S3_KEY_ID']
/** Who mounts what only one may have. */
const mounts = ({ volumes: mounted = [] }: ComposeService) => mounted.map((each) => each.split(':'))
const mounters = (volume: string) =>
  all.filter(([, service]) => mounts(service).some(([source]) => source === volume)).map(([name]) => name)

test.each(all)('%s is confined', (name, service) => {
  expect(service.cap_drop).toEqual(['ALL'])
  expect(service.cap_add ?? []).toEqual(CAPABILITIES[name] ?? [])
  expect(service.security_opt).toEqual(['no-new-privileges:true'])
  expect(service.read_only).toBe(true)
  expect(service.ulimits?.['core']).toBe(0)
  expect(service.memswap_limit).toBe(service.mem_limit)
  if (!ROOTS.includes(name) && !OWN_USER.includes(name))
    expect(service.user).toMatch(/^(10001:10001|postgres)$/)
})

test.each(all)('%s names only what there is', (_name, service) => {
  for (const [source = '', target = ''] of mounts(service)) {
    if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), source).toBe(true)
    else expect(volumes).toHaveProperty(source)
    expect(target).toMatch(/^\//)
  }
  const named: readonly string[] = Array.isArray(service.networks)
    ? (service.networks as readonly string[])
    : Object.keys(service.networks ?? {})
  for (const network of named) expect(networks).toHaveProperty(network)
  for (const other of Object.keys(service.depends_on ?? {})) {
    expect(services).toHaveProperty(other)
    expect(services[other]?.profiles ?? service.profiles).toEqual(service.profiles)
  }
  for (const file of service.command?.filter((each) => each.startsWith('/app/')) ?? [])
    expect(existsSync(join(ROOT, file.slice('/app/'.length))), file).toBe(true)
})

test.each(Object.entries(READERS))('%s reads every variable that it is given', (name, read) => {
  const known = new Set([
    'HTTP_PORT',
    ...listVariables((env) => readPlatformConfig(env, { alone: true })),
    ...listVariables(read),
  ])
  // What all four are given is read by one of them at least.
  const others = Object.values(READERS).flatMap((each) => listVariables(each))
  const shared = Object.keys(services['keys']?.environment ?? {})
  for (const variable of Object.keys(services[name]?.environment ?? {})) {
    const plain = variable.replace(/_FILE$/, '')
    const isKnown = known.has(plain) || (shared.includes(variable) && others.includes(plain))
    expect(isKnown, variable).toBe(true)
  }
})

test.each(all.filter(([, { restart = '' }]) => restart === 'unless-stopped'))(
  '%s, which stays, is asked how it is',
  (_name, { healthcheck }) => expect(healthcheck?.test.length).toBeGreaterThan(1),
)

test('what is not always needed is in a profile', () => {
  const profiles = all.flatMap(([name, service]) => service.profiles?.map((profile) => [name, profile]) ?? [])
  expect(Object.fromEntries(profiles)).toEqual({
    backup: 'backup',
    rspamd: 'spam',
    clamav: 'virus',
    freshclam: 'virus',
    prometheus: 'observability',
    alertmanager: 'observability',
    grafana: 'observability',
    nats: 'cluster',
  })
})

describe('secrets', () => {
  test('each has one reader, and is in no environment and no command', () => {
    const kept = Object.keys(volumes).filter((name) => name.startsWith('secrets'))
    for (const name of kept) {
      const reader = name.replace(/^secrets-?/, '')
      expect(mounters(name).sort()).toEqual(['prepare', ...(reader === '' ? [] : [reader])].sort())
    }
    for (const [, { environment = {} }] of all)
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|SECRET|TOKEN|_KEY|DATABASE_URL/.test(name) && !NO_SECRETS.includes(name))
          expect(`${name}=${value}`).toMatch(/_FILE=|__FILE=/)
  })

  test('keyrings are where their keys are used, and data of the database where it is', () => {
    expect(mounters('keyring-xmpp').sort()).toEqual(['prepare', 'xmpp'])
    expect(mounters('keyring-smtp').sort()).toEqual(['prepare', 'smtp'])
    expect(mounters('postgres')).toEqual(['postgres'])
  })

  test('certificates are read by those who show them, and written by Caddy', () => {
    const writers = all.filter(([, service]) =>
      mounts(service).some(([source, , mode]) => source === 'certificates' && mode !== 'ro'),
    )
    expect(writers.map(([name]) => name).sort()).toEqual(['caddy', 'prepare'])
  })
})

test('the database and what scans mail are reached by no port of the host', () => {
  const published = all.filter(([, { ports = [] }]) => ports.length > 0).map(([name]) => name)
  expect(published.sort()).toEqual(['caddy', 'dovecot', 'grafana', 'smtp', 'xmpp'])
  expect(services['grafana']?.ports).toEqual(['127.0.0.1:3000:3000'])
  expect(services['postgres']?.networks).toEqual(['inside'])
})

test('the image runs the Node of package.json, by the flags of npm start', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
    dependencies: { node: string }
  }
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  expect(dockerfile).toContain(`ARG NODE=${manifest.dependencies.node}\n`)
  const flags = (text: string) => text.replaceAll('=/app/', '=').match(/--[\w-]+(?:=[\w./]+)?/g) ?? []
  const [entrypoint = ''] = /^ENTRYPOINT .*$/m.exec(dockerfile) ?? []
  expect(flags(entrypoint)).toEqual(flags(manifest.scripts.start))
  expect(flags(/ node (--max[^]*?) services/.exec(dockerfile)?.[1] ?? '')).toEqual(flags(entrypoint))
})
