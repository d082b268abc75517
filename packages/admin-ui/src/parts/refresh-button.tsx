/** Asks again. */
import { Button } from '@mantine/core'
import { Icon } from './icon.tsx'

export interface RefreshButtonProps {
  readonly label: string
  readonly query: { readonly isFetching: boolean; readonly refetch: () => Promise<unknown> }
}

export function RefreshButton({ label, query }: RefreshButtonProps) {
  return (
    <Button
      variant="default"
      loading={query.isFetching}
      leftSection={<Icon name="refresh" size={16} />}
      onClick={() => void query.refetch()}
    >
      {label}
    </Button>
  )
}
