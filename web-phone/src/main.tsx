import { render } from 'preact'
import { App } from './app.tsx'
import { keepFocus } from './focus.ts'
import { Line } from './line.ts'
import { Notifier } from './notify.ts'
import { renewPage } from './renewal-page.ts'
import { Bell } from './ring.ts'
import { keepShell } from './shell.ts'
import { WallPhone } from './wall.ts'
import './style.css'

const line = new Line()
keepFocus()
const bell = new Bell()
const notifier = new Notifier(() => bell.ready || bell.volume === 0)
render(
  <App line={line} bell={bell} wall={new WallPhone()} notifier={notifier} renew={renewPage} />,
  document.getElementById('app')!,
)
void line.start()
keepShell()
