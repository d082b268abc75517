/** How much mail an account may send in a day, where that was restricted. */
import { Button, Group, NumberInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'

const PATH = '/v1/accounts/{jid}/mail-limit'

export function AccountMailLimit({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi(PATH, { params: { jid } })
  return (
    <SectionCard title={t('mail_limit.title')} about={t('mail_limit.about')}>
      <QueryView query={query}>
        {({ messages_per_day: limit }) =>
          may('accounts:suspend') ? (
            <SetLimit key={limit} jid={jid} limit={limit} />
          ) : (
            <span>
              {limit === undefined ? t('mail_limit.none') : t('mail_limit.per_day', { count: limit })}
            </span>
          )
        }
      </QueryView>
    </SectionCard>
  )
}

function SetLimit({ jid, limit }: { readonly jid: string; readonly limit: number | undefined }) {
  const { t } = useTranslation()
  const [value, setValue] = useState<string | number>(limit ?? '')
  const set = useCommand({ method: 'PUT', path: PATH, changes: [PATH], done: t('mail_limit.set') })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        set.run({ params: { jid }, body: value === '' ? {} : { messages_per_day: Number(value) } })
      }}
    >
      <Group align="end">
        <NumberInput
          label={t('mail_limit.messages')}
          placeholder={t('mail_limit.none')}
          value={value}
          onChange={setValue}
          min={0}
          allowDecimal={false}
          hideControls
        />
        <Button type="submit" variant="default" loading={set.isRunning}>
          {t('common.save')}
        </Button>
      </Group>
      <ProblemAlert problem={set.problem} />
    </form>
  )
}
