/** Whose something is: an account or an organisation, with the way to its page. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'

export interface SubjectLinkProps {
  readonly kind: 'account' | 'organisation'
  readonly id: string
  /** Undefined: it is gone. */
  readonly name: string | undefined
}

export function SubjectLink({ kind, id, name }: SubjectLinkProps) {
  const { t } = useTranslation()
  if (name === undefined) return t('common.erased')
  const href = kind === 'organisation' ? `/organisations/${id}` : `/accounts/${encodeURIComponent(name)}`
  return <Link href={href}>{name}</Link>
}
