/** How other mail servers take to this one, by what the mail relay has counted since its start. */
import { parseExposition, type Sample } from '../statistics/exposition.ts'
import type { MetricsSource } from '../statistics/sources.ts'
import type { Diagnosis } from './diagnosis.ts'

const DEFERRED_SHARE_MAX = 0.5
/** Fewer say nothing. */
const ATTEMPTS_MIN = 50

/** `sources`: one of them is that of the mail relay. */
export async function examineReputation(sources: readonly MetricsSource[]): Promise<readonly Diagnosis[]> {
  const texts = await Promise.all(sources.map((source) => source.read().catch(() => '')))
  const samples = texts.flatMap(parseExposition)
  const listings = samples.find(({ name }) => name === 'smtp_own_addresses_listed')?.value
  if (listings === undefined)
    return [
      {
        area: 'reputation',
        verdict: 'unknown',
        found: 'the mail relay does not tell its figures',
        advice: 'With four processes, give the API MAIL_URL, and see that the mail relay runs.',
      },
    ]
  return [judgeListings(listings), ...judgeAttempts(samples)]
}

function judgeListings(listings: number): Diagnosis {
  if (listings === 0)
    return {
      area: 'reputation',
      verdict: 'ok',
      found: 'no blocklist that is asked (SMTP_DNSBL) has an address of ours',
    }
  return {
    area: 'reputation',
    verdict: 'wrong',
    found: `blocklists have addresses of ours (${String(listings)} listings)`,
    advice:
      'Find out which account sent what (ctl account mail-reviews, ctl abuse list), stop it, then ask to be taken off.',
  }
}

function judgeAttempts(samples: readonly Sample[]): readonly Diagnosis[] {
  const of = (outcome: string): number =>
    samples.find(({ name, labels }) => name === 'smtp_attempts_total' && labels['outcome'] === outcome)
      ?.value ?? 0
  const deferred = of('deferred')
  const all = deferred + of('delivered') + of('failed')
  if (all < ATTEMPTS_MIN) return []
  const share = deferred / all
  const found = `${String(Math.round(share * 100))} % of attempts to deliver were put off`
  if (share <= DEFERRED_SHARE_MAX) return [{ area: 'reputation', verdict: 'ok', found }]
  const advice =
    'ctl mail queue shows what other servers say. Often port 25 outwards is closed, or PTR and SPF are wrong.'
  return [{ area: 'reputation', verdict: 'advice', found, advice }]
}
