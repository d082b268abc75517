/** Keys for those who like them: `?` lists them, `/` goes to the search of the page, `g` and a letter to a place. None works while something is written. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import type { Place } from './navigation.ts'

const AFTER_G_MS = 1_500
const WRITING = 'input, textarea, select, [contenteditable], [role=dialog] *'

export function Shortcuts({ places }: { readonly places: readonly Place[] }) {
  const [isOpen, list] = useDisclosure(false)
  const [, navigate] = useLocation()
  const lastG = useRef(-Infinity)

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isWriting = event.target instanceof Element && event.target.matches(WRITING)
      if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return
      const isAfterG = event.timeStamp - lastG.current < AFTER_G_MS
      const place = isAfterG ? places.find(({ shortcut }) => shortcut === event.key) : undefined
      lastG.current = event.key === 'g' ? event.timeStamp : -Infinity
      if (place !== undefined) navigate(place.href)
      else if (event.key === '?') list.open()
      else if (event.key === '/') {
        event.preventDefault()
        document.querySelector<HTMLInputElement>('main input[type=search]')?.focus()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [places, navigate, list])

  return <ShortcutList places={places} isOpen={isOpen} onClose={list.close} />
}

interface ShortcutListProps {
  readonly places: readonly Place[]
  readonly isOpen: boolean
  readonly onClose: () => void
}

function ShortcutList({ places, isOpen, onClose }: ShortcutListProps) {
  const { t } = useTranslation()
  const rows: readonly (readonly [keys: readonly string[], does: string])[] = [
    [['?'], t('shortcuts.list')],
    [['/'], t('shortcuts.search')],
    ...places.flatMap(({ shortcut, name }) =>
      shortcut === undefined ? [] : [[['g', shortcut], t(`nav.${name}`)] as const],
    ),
  ]
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t('shortcuts.title')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Table aria-label={t('shortcuts.title')}>
        <Table.Tbody>
          {rows.map(([keys, does]) => (
            <Table.Tr key={keys.join(' ')}>
              <Table.Td>
                {keys.map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Th scope="row" fw={400}>
                {does}
              </Table.Th>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
