/** The look of the panel. Colours are variables of palette.css, so that light and dark differ there alone. */
import {
  createTheme,
  localStorageColorSchemeManager,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

const seal: MantineColorsTuple = [
  '#eef3ff',
  '#dbe5ff',
  '#b6caff',
  '#8fb0ff',
  '#6a93f5',
  '#4779e6',
  '#2b5fd9',
  '#234fb8',
  '#1c4097',
  '#142f70',
]

/** Grounds, lines and texts of components in the dark, from light to dark. */
const dark: MantineColorsTuple = [
  '#e8ebf2',
  '#c9cfdb',
  '#a3adbf',
  '#5b6577',
  '#3c4656',
  '#2a313d',
  '#161a22',
  '#1b2029',
  '#12151c',
  '#0c0f14',
]

export const colorSchemeManager = localStorageColorSchemeManager({ key: 'sealpost-color-scheme' })

export const theme = createTheme({
  colors: { seal, dark },
  primaryColor: 'seal',
  primaryShade: { light: 6, dark: 3 },
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, monospace',
  headings: { fontFamily: 'system-ui, sans-serif', fontWeight: '650' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { fw: 600 } },
    Modal: {
      defaultProps: { centered: true, radius: 'lg', overlayProps: { backgroundOpacity: 0.45, blur: 2 } },
    },
    Paper: { defaultProps: { radius: 'lg', withBorder: true } },
  },
})

const both = {
  '--mantine-color-body': 'var(--card)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-bright': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--soft)',
  '--mantine-color-placeholder': 'var(--soft)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-default': 'var(--card)',
  '--mantine-color-default-hover': 'var(--paper)',
  '--mantine-color-default-color': 'var(--ink)',
  '--mantine-color-default-border': 'var(--line)',
  '--mantine-primary-color-contrast': 'var(--on-accent)',
  '--mantine-color-seal-contrast': 'var(--on-accent)',
  '--mantine-color-seal-filled': 'var(--accent)',
  '--mantine-color-seal-light': 'var(--accent-ground)',
  '--mantine-color-seal-light-color': 'var(--accent)',
  '--mantine-color-seal-text': 'var(--accent)',
} as const

export const cssVariablesResolver: CSSVariablesResolver = () => ({ variables: {}, light: both, dark: both })
