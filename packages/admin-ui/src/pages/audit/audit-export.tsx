/** All of the log as JSON lines, in the order of the chain, as `ctl audit export` writes it. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../api/operations.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { saveLines } from '../../parts/save-file.ts'

type Entries = Answer<'GET', '/v1/audit/export'>['items']

export function AuditExport() {
  const { t } = useTranslation()
  const run = useMutation<Entries, Problem>({
    mutationFn: wholeLog,
    onSuccess: (entries) => saveLines('audit.jsonl', entries),
  })
  return (
    <>
      <ProblemAlert problem={run.error} />
      <Button variant="default" loading={run.isPending} onClick={() => run.mutate()}>
        {t('audit.export')}
      </Button>
    </>
  )
}

/** By pieces, until there is no more. */
async function wholeLog(): Promise<Entries> {
  const entries: Entries = []
  for (let after = 0; ;) {
    const { items } = await request('GET', '/v1/audit/export', { query: { after } })
    entries.push(...items)
    const last = items.at(-1)
    if (last === undefined) return entries
    after = last.seq
  }
}
