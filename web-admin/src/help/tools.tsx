/** What can be done when in doubt: try it, ask somebody, start anew. */
import { useState } from 'preact/hooks'
import type { HelpState } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLoaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { toast } from '../parts/toast.tsx'
import { helpTexts as texts } from '../texts/help.ts'

export function Tools() {
  const { api } = useConsole()
  const state = useLoaded(() => api.get<HelpState>('/help'))
  const [asking, setAsking] = useState(false)
  const canRestart = state.value?.canRestart
  return (
    <Card title={texts.tools}>
      <ul class="rows">
        <li>
          <div class="row-main">
            <strong>{texts.echo}</strong>
            <span class="soft small">{texts.echoAbout}</span>
          </div>
          <a class="button" href="/#check">
            <Icon name="calls" /> {texts.echo}
          </a>
        </li>
        <li>
          <div class="row-main">
            <strong>{texts.diagnostics}</strong>
            <span class="soft small">{texts.diagnosticsAbout}</span>
          </div>
          <a class="button" href="/api/v1/help/diagnostics" download="lanline-diagnostics.json">
            <Icon name="download" /> {texts.diagnostics}
          </a>
        </li>
        <li>
          <div class="row-main">
            <strong>{texts.restart}</strong>
            <span class="soft small">
              {canRestart === false ? texts.restartImpossible : texts.restartAbout}
            </span>
          </div>
          {canRestart === true && (
            <button type="button" class="button" onClick={() => setAsking(true)}>
              {texts.restart}
            </button>
          )}
        </li>
      </ul>
      {asking && (
        <Confirm
          title={texts.restartTitle}
          lost={texts.restartLost}
          confirm={texts.restart}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await api.post('/help/restart', undefined)
            toast(texts.restartDone)
          }}
        />
      )}
    </Card>
  )
}
