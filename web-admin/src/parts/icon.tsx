/** Line icons on a 24 grid, drawn here. Decoration only: the control around one carries the name. */
const paths = {
  home: 'M4 11.5L12 5l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z',
  people:
    'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.6-3.3 3.2-5 6.5-5s5.9 1.7 6.5 5M16 4.8a3.3 3.3 0 0 1 0 6.4M18 14.9c2 .7 3.2 2.3 3.6 4.6',
  calls:
    'M5 4h3.5l1.8 4.4-2.2 1.5a12 12 0 0 0 6 6l1.5-2.2 4.4 1.8V19a2 2 0 0 1-2.1 2A16.2 16.2 0 0 1 3 6.1 2 2 0 0 1 5 4z',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.4 9.3a2.7 2.7 0 0 1 5.2.9c0 1.8-2.6 2.2-2.6 3.8M12 17v.1',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  warning: 'M12 4l9 16H3zM12 10v4.5M12 17.3v.1',
  plus: 'M12 5v14M5 12h14',
  print: 'M7 9V4h10v5M7 17H4.5v-7h15v7H17M7 14h10v6H7z',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  download: 'M12 4v11M7.5 10.5L12 15l4.5-4.5M5 20h14',
  upload: 'M12 15V4M7.5 8.5L12 4l4.5 4.5M5 20h14',
  laptop: 'M5 5h14v10H5zM2.5 18.5h19',
  mobile: 'M7.5 3h9v18h-9zM11 18h2',
  deskphone:
    'M5 4h3.5l1.8 4.4-2.2 1.5a12 12 0 0 0 6 6l1.5-2.2 4.4 1.8V19a2 2 0 0 1-2.1 2A16.2 16.2 0 0 1 3 6.1 2 2 0 0 1 5 4z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2L21 21',
  video: 'M4 6.5h9.5a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM15.5 11l5-3v8l-5-3z',
  relay: 'M8 7.5h8v9H8zM8 12H2M22 12h-6M5 9l-3 3 3 3M19 9l3 3-3 3',
  direct: 'M3 12h18M7 8l-4 4 4 4M17 8l4 4-4 4',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  key: 'M8 15a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 11h9v3.5M17 11v3',
  door: 'M6 20V4h10v16M3 20h18M13 12v.1M16 6h3v14',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
