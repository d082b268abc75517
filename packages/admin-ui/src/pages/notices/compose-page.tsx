/** Writing a notice: seen as a mail and in chat before anybody gets it. */
import { Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useFields } from '../../api/fields.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'
import { EMPTY, NoticeInputs, toBody } from './notice-inputs.tsx'
import classes from './notices.module.css'

export default function ComposePage() {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [fields, change] = useFields(EMPTY)
  const preview = useCommand({ method: 'POST', path: '/v1/notices/preview' })
  const publish = useCommand({
    method: 'POST',
    path: '/v1/notices',
    changes: ['/v1/notices'],
    done: t('notices.published'),
    onDone: () => navigate('/notices'),
  })
  const body = toBody(fields)
  return (
    <>
      <PageHeader
        title={t('notices.write')}
        about={t('notices.write_about')}
        parent={{ href: '/notices', label: t('nav.notices') }}
      />
      <SectionCard title={t('notices.notice')}>
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault()
            preview.run({ body })
          }}
        >
          <NoticeInputs
            fields={fields}
            onChange={(changed) => {
              preview.reset()
              change(changed)
            }}
          />
          <ProblemAlert problem={preview.problem} />
          <div>
            <Button type="submit" variant="default" loading={preview.isRunning}>
              {t('notices.preview')}
            </Button>
          </div>
        </form>
      </SectionCard>
      {preview.result !== undefined && (
        <SectionCard title={t('notices.preview')} about={t('notices.preview_about')}>
          <Shown
            label={t('notices.by.mail')}
            subject={preview.result.mail.subject}
            text={preview.result.mail.text}
          />
          <Shown
            label={t('notices.by.chat')}
            subject={preview.result.chat.subject}
            text={preview.result.chat.body}
          />
          <ProblemAlert problem={publish.problem} />
          <Group justify="flex-end">
            <Button loading={publish.isRunning} onClick={() => publish.run({ body })}>
              {t('notices.publish')}
            </Button>
          </Group>
        </SectionCard>
      )}
    </>
  )
}

interface ShownProps {
  readonly label: string
  readonly subject: string
  readonly text: string
}

function Shown({ label, subject, text }: ShownProps) {
  return (
    <section aria-label={label} className={classes.shown}>
      <h3 className={classes.way}>{label}</h3>
      <p className={classes.subject}>{subject}</p>
      <TextBlock label={subject} text={text} />
    </section>
  )
}
