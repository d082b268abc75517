/** The steps of a request: reviewed, approved by two, produced; or refused, with the reasons. */
import { Button, Checkbox, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { LegalRequest } from '../../api/types.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { REFUSALS } from './words.ts'

const CHANGES = ['/v1/legal-requests', '/v1/approvals']

export function LegalActions({ request: { id, state } }: { readonly request: LegalRequest }) {
  return (
    <>
      {state === 'received' && <Review id={id} />}
      {state === 'reviewed' && <Step id={id} verb="approve" />}
      {state === 'approved' && <Step id={id} verb="produce" />}
      {state !== 'produced' && state !== 'refused' && <Refuse id={id} />}
    </>
  )
}

function Review({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const review = useCommand({
    method: 'POST',
    path: '/v1/legal-requests/{request}/review',
    changes: CHANGES,
    done: t('legal.reviewed'),
  })
  return (
    <>
      <Button
        variant="default"
        loading={review.isRunning}
        onClick={() => review.run({ params: { request: id } })}
      >
        {t('legal.review')}
      </Button>
      <ProblemAlert problem={review.problem} />
    </>
  )
}

function Step({ id, verb }: { readonly id: string; readonly verb: 'approve' | 'produce' }) {
  const { t } = useTranslation()
  const step = useCommand({
    method: 'POST',
    path: `/v1/legal-requests/{request}/${verb}`,
    changes: CHANGES,
    done: t(`legal.${verb}_done`),
  })
  return (
    <ConfirmedAction
      label={t(`legal.${verb}`)}
      consequence={t(`legal.${verb}_consequence`)}
      command={step}
      asksWhy
      onConfirm={(reason, onDone) => step.run({ params: { request: id }, reason, onDone })}
    />
  )
}

function Refuse({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const [because, setBecause] = useState<LegalRequest['refused_because']>([])
  const refuse = useCommand({
    method: 'POST',
    path: '/v1/legal-requests/{request}/refuse',
    changes: CHANGES,
    done: t('legal.refused'),
  })
  return (
    <ConfirmedAction
      label={t('legal.refuse')}
      consequence={t('legal.refuse_consequence')}
      command={refuse}
      isDangerous
      onConfirm={(_reason, onDone) => refuse.run({ params: { request: id }, body: { because }, onDone })}
    >
      <Checkbox.Group label={t('legal.because')} value={because} onChange={setBecause}>
        <Stack gap="xs" mt="xs">
          {REFUSALS.map((word) => (
            <Checkbox key={word} value={word} label={t(`legal.refusals.${word}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
    </ConfirmedAction>
  )
}
