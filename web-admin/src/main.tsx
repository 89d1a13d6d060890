import { render } from 'preact'
import { App } from './app.tsx'
import './style/tokens.css'
import './style/base.css'
import './style/frame.css'
import './style/parts.css'
import './style/print.css'

render(<App />, document.getElementById('root')!)
