import { useEffect, useState } from 'preact/hooks'
import { Avatar } from '../parts/avatar.tsx'
import { texts } from '../texts.ts'
import { Controls } from './call-controls.tsx'
import { CallHead } from './call-head.tsx'
import type { Sheet, Shown } from './call-part.ts'
import { peerSendsPicture, RemoteMedia, SelfView } from './call-pictures.tsx'
import { OpenSheet } from './call-sheets.tsx'

/** A call that was placed or taken, until it ends. */
export function CallScreen(shown: Shown) {
  const [sheet, setSheet] = useState<Sheet | undefined>()
  const [hasPicture, setHasPicture] = useState(false)
  const { call, phone, line } = shown
  const { name } = call.party
  const isDoorEmpty = phone.requests.length === 0
  // Whoever comes next does not open it unasked.
  useEffect(() => {
    if (isDoorEmpty) setSheet(open => (open === 'door' ? undefined : open))
  }, [isDoorEmpty])
  const showPicture = hasPicture && peerSendsPicture(call)
  return (
    <main class={`stage ${showPicture ? 'with-picture' : ''}`} aria-label={texts.callWith(name)}>
      <RemoteMedia call={call} shown={showPicture} onPicture={setHasPicture} />
      {!showPicture && (
        <div class={`caller ${call.connectedAt === undefined ? 'pulse-slow' : ''}`}>
          <Avatar name={name} size="large" />
        </div>
      )}
      <CallHead {...shown} open={setSheet} />
      <div class="call-foot">
        <SelfView call={call} line={line} />
        <Controls {...shown} open={setSheet} />
      </div>
      {sheet !== undefined && !(sheet === 'door' && isDoorEmpty) && (
        <OpenSheet {...shown} sheet={sheet} close={() => setSheet(undefined)} />
      )}
    </main>
  )
}
