/** The languages of the panel: a file for each in locales/, loaded when it is spoken. */
import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'

const STORED = 'sealpost-language'
const DEFAULT = 'en'

const i18next = createInstance()

const files = import.meta.glob<Record<string, unknown>>('../locales/*.json', { import: 'default' })

export const LANGUAGES: readonly string[] = Object.keys(files).map((path) =>
  path.slice('../locales/'.length, -5),
)

/** What was chosen here, or else the first of the browser's languages that there is. */
function preferred(): string {
  const wished = [localStorage.getItem(STORED) ?? '', ...navigator.languages]
  return wished.map((tag) => tag.split('-')[0] ?? '').find((tag) => LANGUAGES.includes(tag)) ?? DEFAULT
}

async function load(language: string): Promise<Record<string, unknown>> {
  return (await files[`../locales/${language}.json`]?.()) ?? {}
}

export async function startLanguage(): Promise<void> {
  const language = preferred()
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: { [language]: { translation: await load(language) } },
    interpolation: { escapeValue: false }, // React escapes.
    returnNull: false,
  })
  document.documentElement.lang = language
}

export async function setLanguage(language: string): Promise<void> {
  i18next.addResourceBundle(language, 'translation', await load(language))
  await i18next.changeLanguage(language)
  localStorage.setItem(STORED, language)
  document.documentElement.lang = language
}

/** What a language calls itself. */
export function nameOfLanguage(language: string): string {
  const name = new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1)
}
