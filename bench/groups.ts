/**
 * Benchmark `groups`: messages to one large group. How servers and load are run: bench/rounds.ts.
 *
 * What is sent: 200 accounts sign in with three devices each, twice, so that Sealpost knows these, with XEP-0198 on. The first makes a group (members only, not anonymous), puts the others on its list, and
 * all devices enter it with one nickname for each account. Ten of the accounts write to it from one device each, OMEMO messages as in bench/chat.ts, and ask for an acknowledgement after each.
 * What is measured, after a quarter as many messages that are not: a fixed number of messages, one after the other (`--under-way`), from each sender in turn. A message is through when all 600 devices
 * have it, its sender's included: rate, and processor seconds of the server's process tree. Every device must get every message exactly once, and those of one sender in order, or the run fails. With more
 * messages under way than the load can acknowledge within 45 ms, Sealpost seals copies, which is no part of a conversation among people who are there.
 * Entering is not measured; its time is shown.
 */
import type { GroupOrders, GroupReport } from './load/groups.ts'
import {
  Bench,
  describeShares,
  interleave,
  printTable,
  readSettings,
  runLoad,
  type Figure,
} from './rounds.ts'

const DEFAULTS = { members: 200, devices: 3, senders: 10, 'under-way': 1, messages: 400, rounds: 5 }
/** One server at a time; entering is slow on some. */
const ROUND_MS_MAX = 900_000

const rate = ({ messages, cost }: GroupReport): number => messages / cost.seconds
const perCpuSecond = ({ messages, cost }: GroupReport): number => messages / cost.serverCpuSeconds

const FIGURES: readonly Figure<GroupReport>[] = [
  ['messages per second', 1, rate],
  ['messages per processor second', 1, perCpuSecond],
  ['copies per second', 0, (report) => rate(report) * report.devices],
  ['copies per processor second', 0, (report) => perCpuSecond(report) * report.devices],
  [
    'written to storage, bytes a copy',
    1,
    ({ messages, devices, cost }) => cost.writtenBytes / messages / devices,
  ],
  ['seconds until all have entered', 1, ({ enterSeconds }) => enterSeconds],
]

export async function groups(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { members, devices, senders, messages, rounds } = numbers
  const underWay = numbers['under-way']
  await using bench = await Bench.create(members)
  const load = { devices, senders, underWay, messages, warmUp: Math.ceil(messages / 4) }
  const reports = await interleave(
    bench,
    servers,
    rounds,
    (place) => runLoad<GroupReport>('groups.ts', { ...load, ...place } satisfies GroupOrders, ROUND_MS_MAX),
    printRound,
  )
  const [[, [first] = []] = []] = reports
  console.log(
    `\nmedians of ${rounds} rounds; ${members} members with ${devices} devices each, ${senders} of them write in turn, ${underWay} messages under way, ` +
      `${first?.messageBytes} bytes a message, ${messages} messages a round\n`,
  )
  printTable(reports, FIGURES, ['messages per second', 'messages per processor second'])
}

function printRound(round: number, name: string, report: GroupReport): void {
  console.log(
    `round ${round}  ${name.padEnd(9)} ${rate(report).toFixed(1).padStart(7)} msg/s  ${describeShares(report.cost)}  entering ${report.enterSeconds.toFixed(1)} s`,
  )
}
