/** The picture beside the name of an organisation; without one it is that of the organisation above. */
import { Button, FileInput, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const BYTES_MAX = 64 * 1024

export interface LogoProps {
  /** Of the organisation. */
  readonly id: string
  readonly isThere: boolean
}

export function Logo({ id, isThere }: LogoProps) {
  const { t } = useTranslation()
  const save = useCommand({
    method: 'PUT',
    path: '/v1/organisations/{id}/logo',
    changes: ['/v1/organisations', '/v1/branding'],
    done: t('branding.saved'),
  })
  const send = async (file: File | null): Promise<void> => {
    if (file === null) return
    const bytes = new Uint8Array(await file.slice(0, BYTES_MAX + 1).arrayBuffer())
    save.run({ params: { id }, body: { image: btoa(String.fromCharCode(...bytes)) } })
  }
  return (
    <>
      <Group align="end" mt="md">
        <FileInput
          label={t('branding.logo')}
          description={t('branding.logo_hint')}
          placeholder={t('import.choose')}
          accept="image/png,image/jpeg,image/webp"
          value={null}
          onChange={(file) => void send(file)}
        />
        <StateBadge tone={isThere ? 'good' : 'quiet'}>
          {t(isThere ? 'branding.logo_own' : 'branding.as_above')}
        </StateBadge>
        {isThere && (
          <Button variant="default" onClick={() => save.run({ params: { id }, body: {} })}>
            {t('branding.logo_remove')}
          </Button>
        )}
      </Group>
      <ProblemAlert problem={save.problem} />
    </>
  )
}
