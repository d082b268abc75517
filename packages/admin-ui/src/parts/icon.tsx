/** Drawn for the panel: lines of one width in a square of 24. Never the only sign of anything. */
const PATHS = {
  overview: 'M4 19V5m0 14h16M8 15v-4m4 4V8m4 7v-6',
  accounts:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9c0-3.3 2.7-5.5 6-5.5s6 2.2 6 5.5m1-9.3a3 3 0 1 0-1-5.7m2 9.7c2.4.5 4 2.5 4 5.3',
  organisation: 'M4 20V6l8-3 8 3v14M4 20h16M9 9h.01M15 9h.01M9 13h.01M15 13h.01M10 20v-3h4v3',
  invite: 'M4 7h10v10H4zM4 8l5 4 5-4M18 6v6m-3-3h6',
  mail: 'M3.5 6h17v12h-17zM4 7l8 6 8-6',
  key: 'M8.5 15.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm4-4H21m-3 0v3m-3-3v2',
  desk: 'M12 3 4 6v6c0 4.5 3.4 7.6 8 9 4.6-1.4 8-4.5 8-9V6zm0 5v4m0 3.5h.01',
  pulse: 'M3 12h4l2.5-7 4 14L16 12h5',
  audit: 'M5 4h11v7M5 4v16h6M8 8h5m-5 4h3m7.5 8a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm2.5-1 1.5 1.5',
  domain:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm-9-9h18M12 3c2.5 2.7 3.7 5.6 3.7 9S14.5 18.3 12 21c-2.5-2.7-3.7-5.6-3.7-9S9.5 5.7 12 3Z',
  plan: 'M4 7l8-4 8 4-8 4zm0 5 8 4 8-4M4 17l8 4 8-4',
  webhook: 'M8 12a4 4 0 1 1 6-3.5M16 12a4 4 0 1 1-3.5 6M10 17H6a4 4 0 0 1-1-7.5',
  devices: 'M3 5h13v9H3zm0 12h9m4-6h5v9h-5z',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z',
  list: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  download: 'M12 4v11m-4-4 4 4 4-4M5 19h14',
  plus: 'M12 5v14m-7-7h14',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  warning: 'M12 4 2.5 20h19zm0 6v4m0 3h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm9 2-4-4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  back: 'M15 5l-7 7 7 7',
  next: 'm9 5 7 7-7 7',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  leave: 'M14 4h5v16h-5M4 12h10m-4-4 4 4-4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  refresh: 'M19 12a7 7 0 1 1-2-5l2 2m0-5v5h-5',
  chart: 'M4 20h16M6 16v-5m4 5V6m4 10v-7m4 7v-3',
  envelope: 'M3.5 9.5 12 4l8.5 5.5V19h-17zm0 0L12 15l8.5-5.5',
  scale: 'M12 4v16m-4 0h8M5 7h14M5 7l-3 7h6zm14 0-3 7h6z',
  megaphone: 'M4 10v4h3l8 4.5v-13L7 10zm4 4.5V19h3v-3M18 9.5a3.5 3.5 0 0 1 0 5',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9c0-4 3.5-6.5 8-6.5s8 2.5 8 6.5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      focusable="false"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
