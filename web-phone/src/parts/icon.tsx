/** Line icons on a 24 grid, drawn here. Decoration only: the control around one carries the name. */
const paths = {
  phone:
    'M5 4h3.5l1.8 4.4-2.2 1.5a12 12 0 0 0 6 6l1.5-2.2 4.4 1.8V19a2 2 0 0 1-2.1 2A16.2 16.2 0 0 1 3 6.1 2 2 0 0 1 5 4z',
  hangUp:
    'M3 14.5c0-1 .4-1.7 1.2-2.3C6.4 10.7 9.1 10 12 10s5.6.7 7.8 2.2c.8.6 1.2 1.3 1.2 2.3v1.6c0 .7-.6 1.2-1.3 1l-3.3-.6a1 1 0 0 1-.8-.9l-.2-2a11 11 0 0 0-6.8 0l-.2 2a1 1 0 0 1-.8.9l-3.3.6c-.7.2-1.3-.3-1.3-1z',
  video: 'M4 6.5h9.5a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM15.5 11l5-3v8l-5-3z',
  videoOff:
    'M10 6.5h3.5a2 2 0 0 1 2 2V11l5-3v8M15.5 15.5a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 1.5-1.9M3 3l18 18',
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M8.5 21h7',
  micOff:
    'M9 9.5V11a3 3 0 0 0 4.5 2.6M15 10.5V6a3 3 0 0 0-5.7-1.3M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11a6.4 6.4 0 0 1-.6 2.7M12 17.5V21M8.5 21h7M3 3l18 18',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  relay: 'M8 7.5h8v9H8zM8 12H2M22 12h-6M5 9l-3 3 3 3M19 9l3 3-3 3',
  missed: 'M4 5l8 8 8-8M4 5v5M4 5h5M3 18.5c2.5-1.7 5.6-2.5 9-2.5s6.5.8 9 2.5',
  incoming: 'M18 6L7 17M7 9v8h8',
  outgoing: 'M6 18L17 7M9 7h8v8',
  keypad:
    'M5.5 5.5v.1M12 5.5v.1M18.5 5.5v.1M5.5 12v.1M12 12v.1M18.5 12v.1M5.5 18.5v.1M12 18.5v.1M18.5 18.5v.1',
  transfer: 'M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4',
  history: 'M12 7v5l3.5 2M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4 9.4M4 5v4.4h4.4',
  wall: 'M6 3h12v15H6zM10 15h4M12 18v3M9 21h6',
  turn: 'M4.5 11a7.5 7.5 0 0 1 13.2-4.2L20 9M20 4.5V9h-4.5M19.5 13a7.5 7.5 0 0 1-13.2 4.2L4 15M4 19.5V15h4.5',
  close: 'M6 6l12 12M18 6L6 18',
  clock: 'M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
  next: 'M9.5 6l6 6-6 6',
  back: 'M15 5l-7 7 7 7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  warning: 'M12 6v8M12 18v.1',
  dash: 'M7 12h10',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
