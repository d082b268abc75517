/** All that a line of a log can say. */
export const LOG_FIELDS: Readonly<Record<string, string>> = {
  level: 'debug, info, warn or error',
  time: 'when the line was written',
  event: 'a constant of the program: what happened',
  code: 'a constant of the program or of Postgres: which error',
  count: 'how many',
  bytes: 'how large',
  ms: 'how long',
  state: 'a constant of the program',
  module: 'which part of the program',
  stream: 'random name of one connection, gone with it',
  service: 'xmpp, smtp, keys or api',
  port: 'which of our own listeners',
  kind: 'a constant of the program',
}
