/** How much of each pool is in use. */
import { Progress } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { OrganisationDetails } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import classes from './organisations.module.css'
import { POOLS, type PoolName } from './pools.ts'

type Pool = OrganisationDetails['pools'][PoolName]

export function Pools({ pools }: Pick<OrganisationDetails, 'pools'>) {
  return (
    <dl className={classes.pools}>
      {POOLS.map((name) => (
        <PoolMeter key={name} name={name} pool={pools[name]} />
      ))}
    </dl>
  )
}

function PoolMeter({
  name,
  pool: { size, used, given, warning },
}: {
  readonly name: PoolName
  readonly pool: Pool
}) {
  const { t } = useTranslation()
  const format = useFormat()
  const taken = used + given
  const label = t(`organisations.pools.${name}`)
  return (
    <div>
      <dt className={classes.label}>{label}</dt>
      <dd className={classes.value}>
        {size === undefined
          ? format.number(taken)
          : t('organisations.of', { used: format.number(taken), size: format.number(size) })}
        {size !== undefined && (
          <Progress
            value={size === 0 ? 100 : (taken / size) * 100}
            aria-label={label}
            color={warning === undefined ? 'var(--accent)' : warning === 95 ? 'var(--bad)' : 'var(--warn)'}
          />
        )}
      </dd>
    </div>
  )
}
