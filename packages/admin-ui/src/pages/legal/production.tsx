/** What was produced, to be taken along: signed, and as a text for a lawyer. */
import { Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { address } from '../../api/request.ts'
import { Icon } from '../../parts/icon.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { saveFile } from '../../parts/save-file.ts'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'

const PATH = '/v1/legal-requests/{request}/production'

export function Production({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const params = { request: id }
  const query = useApi(PATH, { params })
  return (
    <SectionCard title={t('legal.production')} about={t('legal.production_about')}>
      <QueryView query={query}>
        {(signed) => (
          <>
            <TextBlock label={t('legal.production')} text={JSON.stringify(signed.document, undefined, 2)} />
            <Group mt="md">
              <Button
                variant="default"
                leftSection={<Icon name="download" size={16} />}
                onClick={() => saveFile(`production-${id}.json`, signed)}
              >
                {t('legal.save_signed')}
              </Button>
              <Button
                component="a"
                variant="default"
                leftSection={<Icon name="download" size={16} />}
                href={address(PATH, { params, query: { format: 'text' } })}
                download
              >
                {t('legal.save_text')}
              </Button>
            </Group>
          </>
        )}
      </QueryView>
    </SectionCard>
  )
}
