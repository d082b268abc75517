/** A phone number that one confirms with a code that goes there; the number itself is not kept. */
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Answer } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import classes from './account.module.css'

const PATH = '/v1/me/phone'

type State = Answer<'GET', typeof PATH>

export function OwnPhone() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  return (
    <SectionCard title={t('own.phone.title')} about={t('own.phone.about')}>
      <QueryView query={query}>
        {(state) => (
          <Stack>
            <Confirmed state={state} />
            {state.pending_until === undefined ? <AskForm /> : <CodeForm until={state.pending_until} />}
          </Stack>
        )}
      </QueryView>
    </SectionCard>
  )
}

function Confirmed({ state: { confirmed_on: day } }: { readonly state: State }) {
  const { t } = useTranslation()
  const format = useFormat()
  const remove = useCommand({ method: 'DELETE', path: PATH, changes: [PATH], done: t('own.phone.removed') })
  if (day === undefined) return <div>{t('own.phone.none')}</div>
  return (
    <>
      <Group>
        <span>{t('own.phone.confirmed', { day: format.day(day) })}</span>
        <Button variant="default" loading={remove.isRunning} onClick={() => remove.run({})}>
          {t('own.phone.remove')}
        </Button>
      </Group>
      <ProblemAlert problem={remove.problem} />
    </>
  )
}

function AskForm() {
  const { t } = useTranslation()
  const [number, setNumber] = useState('')
  const ask = useCommand({ method: 'POST', path: PATH, changes: [PATH], done: t('own.phone.sent') })
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault()
        ask.run({ body: { number } })
      }}
    >
      <Stack>
        <TextInput
          type="tel"
          label={t('own.phone.number')}
          description={t('own.phone.number_hint')}
          value={number}
          onChange={(event) => setNumber(event.currentTarget.value)}
          autoComplete="tel"
          maxLength={40}
          required
        />
        <ProblemAlert problem={ask.problem} />
        <div>
          <Button type="submit" loading={ask.isRunning}>
            {t('own.phone.send')}
          </Button>
        </div>
      </Stack>
    </form>
  )
}

function CodeForm({ until }: { readonly until: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const [code, setCode] = useState('')
  const confirm = useCommand({
    method: 'POST',
    path: `${PATH}/confirmation`,
    changes: [PATH],
    done: t('own.phone.done'),
  })
  const remove = useCommand({ method: 'DELETE', path: PATH, changes: [PATH] })
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault()
        confirm.run({ body: { code } })
      }}
    >
      <Stack>
        <TextInput
          label={t('own.phone.code')}
          description={t('own.phone.code_hint', { when: format.moment(until) })}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={20}
          required
        />
        <ProblemAlert problem={confirm.problem ?? remove.problem} />
        <Group>
          <Button type="submit" loading={confirm.isRunning}>
            {t('own.phone.confirm')}
          </Button>
          <Button variant="default" loading={remove.isRunning} onClick={() => remove.run({})}>
            {t('own.phone.other')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
