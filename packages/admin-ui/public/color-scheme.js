// Runs before the first paint, as a file since the panel allows no inline script: the scheme that was chosen, or else that of the system.
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('sealpost-color-scheme')
  } catch {
    // Storage is off: the system decides.
  }
  const isDark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', isDark ? 'dark' : 'light')
})()
