/** Makes many accounts from a file. Repeating it makes what is missing. */
import { Button, FileInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { ImportReport } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { saveFile } from '../../parts/save-file.ts'

export interface ImportDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

const PROBLEMS_SHOWN = 20

export function ImportDialog({ isOpen, onClose }: ImportDialogProps) {
  const { t } = useTranslation()
  const [file, setFile] = useState<File | null>(null)
  const run = useCommand({
    method: 'POST',
    path: '/v1/accounts/import',
    changes: ['/v1/accounts'],
    done: t('import.done'),
  })
  const submit = (): void => {
    if (file !== null) run.run({ body: new Blob([file], { type: typeOf(file) }) })
  }
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('import.title')}
      submitLabel={t('import.submit')}
      command={run}
      onSubmit={submit}
    >
      <Text>{t('import.about')}</Text>
      <FileInput
        label={t('import.file')}
        placeholder={t('import.choose')}
        accept="text/csv,.csv,.jsonl,.ndjson"
        value={file}
        onChange={setFile}
        clearable={false}
        required
      />
      {run.result !== undefined && <Report report={run.result} />}
    </CommandDialog>
  )
}

/** By its name, since browsers know no type for JSON lines. */
function typeOf({ name }: File): string {
  return /\.(?:jsonl|ndjson)$/i.test(name) ? 'application/x-ndjson' : 'text/csv'
}

function Report({ report }: { readonly report: ImportReport }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <div role="status">
      <FactList
        facts={[
          [t('import.created'), format.number(report.created)],
          [t('import.exists'), format.number(report.exists)],
          [t('import.invalid'), format.number(report.invalid)],
        ]}
      />
      {report.links.length > 0 && (
        <Stack gap="xs">
          <Text>{t('import.links_about', { count: report.links.length })}</Text>
          <div>
            <Button variant="default" onClick={() => saveFile('links.json', report.links)}>
              {t('import.save_links')}
            </Button>
          </div>
        </Stack>
      )}
      <ul>
        {report.problems.slice(0, PROBLEMS_SHOWN).map(({ line, problem }) => (
          <li key={line}>
            {t('import.line', { line })} <code>{problem}</code>
          </li>
        ))}
      </ul>
    </div>
  )
}
