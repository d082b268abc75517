/** Looks through what a server has logged for somebody: an address of a person, of a machine, or a name from the domains that tests use. */

/** Lines of the log are JSON; what a start shows its operator (addresses, the link of the first administrator) is not. */
const LOG_LINE = /^\{.*\}$/
/** Has colons, as addresses have. */
const TIME = /"time":"[^"]*"/

const SOMEBODY = [
  /@/,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b/, // IPv4
  /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/i, // IPv6
  /\.(?:example|test|invalid)\b/i, // RFC 2606 §2
]

/** The lines that name somebody. */
export function namedInLog(output: string): readonly string[] {
  return output
    .split('\n')
    .filter((line) => LOG_LINE.test(line))
    .filter((line) => SOMEBODY.some((pattern) => pattern.test(line.replace(TIME, ''))))
}
