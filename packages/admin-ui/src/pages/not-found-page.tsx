import { useTranslation } from 'react-i18next'
import { PageHeader } from '../parts/page-header.tsx'

export function NotFoundPage() {
  const { t } = useTranslation()
  return <PageHeader title={t('not_found.title')} about={t('not_found.about')} />
}
