/** Prints "PASSED FAILED" of a vitest JSON report. A run that failed without a failed test (a file that does not load) counts as one failure. */
import { readFileSync } from 'node:fs'

const [path = '', exitCode = '1'] = process.argv.slice(2)

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
}

function readReport(): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 }
  }
}

const { numPassedTests, numFailedTests } = readReport()
const failed = exitCode !== '0' && numFailedTests === 0 ? 1 : numFailedTests
process.stdout.write(`${String(numPassedTests)} ${String(failed)}\n`)
