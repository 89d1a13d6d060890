import { render } from 'preact'
import { App } from './app.tsx'
import { Line } from './line.ts'
import { Bell } from './ring.ts'
import { keepShell } from './shell.ts'
import { WallPhone } from './wall.ts'
import './style.css'

const line = new Line()
render(<App line={line} bell={new Bell()} wall={new WallPhone()} />, document.getElementById('app')!)
void line.start()
keepShell()
