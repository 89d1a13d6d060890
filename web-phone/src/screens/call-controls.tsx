/** What can be done in a call, as a row of buttons. */
import { useEffect, useRef } from 'preact/hooks'
import { MediaError } from '../../../client/media.ts'
import { chosenDevices } from '../devices.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { texts } from '../texts.ts'
import type { CallPart } from './call-part.ts'
import { mayTransfer, whyNoTransfer } from './transfer.tsx'

export function Controls({ call, phone, line, open }: CallPart) {
  const hangUp = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!line.talk.isTransferred) hangUp.current?.focus({ preventScroll: true })
  }, [])
  const early = call.connectedAt === undefined && call.state !== 'connecting'
  /** Whose turn it is afterwards. */
  const back = line.talk.waiting?.party.name
  // What both have not agreed on yet is offered by the appliance.
  const needsLine = !call.cameraOn && !call.picture.sends && !early && phone.state !== 'online'
  const toggleCamera = () => {
    if (needsLine) return line.talk.say(texts.cameraNeedsLine)
    call.setCamera(!call.cameraOn, chosenDevices().camera).catch((error: unknown) => {
      if (error instanceof MediaError) line.talk.say(texts.problem[error.problem])
    })
  }
  const why = whyNoTransfer(call, phone, line)
  return (
    <div class="controls">
      <Control
        name={call.muted ? texts.unmute : texts.mute}
        icon={call.muted ? 'micOff' : 'mic'}
        off={call.muted}
        act={() => call.setMuted(!call.muted)}
      />
      {(call.video || !early) && (
        <Control
          name={call.cameraOn ? texts.cameraOff : texts.cameraOn}
          label={texts.cameraShort}
          icon={call.cameraOn ? 'video' : 'videoOff'}
          // Of a call with sound alone nothing is off.
          off={call.video && !call.cameraOn}
          act={toggleCamera}
          why={needsLine ? texts.cameraNeedsLine : undefined}
        />
      )}
      <Control name={texts.devices} icon="settings" off={false} act={() => open('devices')} />
      {mayTransfer(call, phone, line) && (
        <Control
          name={texts.transfer.openName(call.party.name)}
          label={texts.transfer.open}
          icon="transfer"
          off={false}
          act={() => (why === undefined ? open('transfer') : line.talk.say(why))}
          why={why}
        />
      )}
      <button
        type="button"
        // Who goes back to somebody ends less than they go on with.
        class={`control ${back ? '' : 'danger'}`}
        aria-label={back && texts.transfer.hangUpBack(call.party.name, back)}
        title={back && texts.transfer.hangUpBack(call.party.name, back)}
        onClick={() => call.hangUp()}
        ref={hangUp}
      >
        <span class="disc">
          <Icon name={back ? 'back' : 'hangUp'} />
        </span>
        {back ? texts.transfer.back : early ? texts.cancelCall : texts.hangUp}
      </button>
    </div>
  )
}

function Control({
  name,
  label,
  icon,
  off,
  act,
  why,
}: {
  readonly name: string
  /** Shown under the disc where the name is too long for it. */
  readonly label?: string
  readonly icon: IconName
  readonly off: boolean
  readonly act: () => void
  /** Why it cannot be used now. It keeps the focus, and says so when it is pressed. */
  readonly why?: string | undefined
}) {
  return (
    <button
      type="button"
      class={`control ${off ? 'off' : ''}`}
      aria-label={name}
      title={why ?? name}
      aria-disabled={why !== undefined}
      onClick={act}
    >
      <span class="disc">
        <Icon name={icon} />
      </span>
      <span aria-hidden="true">{label ?? name}</span>
    </button>
  )
}
