import { render } from 'preact'
import { App } from './app.tsx'
import { keepFocus } from './focus.ts'
import './style/tokens.css'
import './style/base.css'
import './style/frame.css'
import './style/parts.css'
import './style/print.css'

keepFocus()
render(<App />, document.getElementById('root')!)
