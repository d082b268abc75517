/** The sending of reports over the store of mails: what was counted before the start is taken up, or destroyed where its kind is not wanted any more. */
import { errorCode } from '@sealpost/errors'
import type { MailStore } from '../queue/mail-store.ts'
import { ReportSender, type ReportSenderOptions } from './report-sender.ts'
import { SealedDays } from './sealed-days.ts'

export async function openReportSending({
  store,
  ...options
}: Omit<ReportSenderOptions, 'sealed'> & { readonly store: MailStore }): Promise<ReportSender> {
  const { collector, clock, events } = options
  const sealed = new SealedDays(store, clock)
  for (const day of await sealed.open((error) => events.queueTroubled(errorCode(error)))) {
    if (collector.kinds.includes(day.kind)) collector.restore(day)
    else sealed.destroy(day)
  }
  return new ReportSender({ ...options, sealed })
}
