import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { MediaError } from '../../../client/media.ts'
import type { Phone } from '../../../client/phone.ts'
import { chooseDevice, chosenDevices, type DeviceList, listDevices, otherCamera } from '../devices.ts'
import { fills } from '../fit.ts'
import type { Line } from '../line.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { type Loss, Plugs } from '../plugs.ts'
import { clock, texts } from '../texts.ts'
import { Badge } from './badge.tsx'
import { DevicesDialog } from './devices.tsx'
import { FactsDialog } from './facts.tsx'
import { KeypadDialog } from './keypad.tsx'
import { RequestList } from './requests.tsx'
import {
  mayTransfer,
  TransferDialog,
  TransferredNote,
  transferText,
  WaitingNote,
  whyNoTransfer,
} from './transfer.tsx'

/** How long it is said that the other side's picture is new. */
const newPictureMilliseconds = 10_000
/** Pages take a picture faster than anybody could read that it was offered. */
const offeredMilliseconds = 1_500

/** A call that was placed or taken, until it ends. */
export function CallScreen({
  call,
  phone,
  line,
}: {
  readonly call: Call
  readonly phone: Phone
  readonly line: Line
}) {
  const [sheet, setSheet] = useState<'facts' | 'devices' | 'door' | 'keypad' | 'transfer' | undefined>()
  const [hasPicture, setHasPicture] = useState(false)
  const { name, user } = call.party
  const doorKeys = phone.roster.find(person => person.user === user)?.doorKeys
  const title = useRef<HTMLHeadingElement>(null)
  // Who is transferred pressed nothing: a key that was meant for the talk before must not hang up this one.
  useEffect(() => {
    if (line.talk.isTransferred) title.current?.focus({ preventScroll: true })
  }, [])
  const taken = call.connectedAt !== undefined
  const waiting = phone.requests.length
  // Whoever comes next does not open it unasked.
  useEffect(() => {
    if (waiting === 0) setSheet(open => (open === 'door' ? undefined : open))
  }, [waiting])
  const showPicture = hasPicture && peerSendsPicture(call)
  return (
    <main class={`stage ${showPicture ? 'with-picture' : ''}`} aria-label={texts.callWith(name)}>
      <RemoteMedia call={call} shown={showPicture} onPicture={setHasPicture} />
      {!showPicture && (
        <div class={`caller ${taken ? '' : 'pulse-slow'}`}>
          <Avatar name={name} size="large" />
        </div>
      )}
      <header class="call-head">
        <h1 ref={title} tabIndex={-1}>
          {name}
        </h1>
        <p class="call-status">
          <span role="status" aria-live="polite">
            {statusText(call)}
          </span>
          {call.state === 'ringing' && <Timer />}
          {taken && <Timer since={call.connectedAt!} />}
        </p>
        {(taken || call.state === 'connecting') && (
          <p class="badges">
            <Badge call={call} open={() => setSheet('facts')} />
            {call.takesTones && doorKeys !== undefined && (
              <button
                type="button"
                class="badge go"
                onClick={() => call.sendTones(doorKeys) && line.talk.say(texts.doorOpened(name, doorKeys))}
              >
                {texts.openDoor}
              </button>
            )}
            {call.takesTones && (
              <button type="button" class="badge" aria-haspopup="dialog" onClick={() => setSheet('keypad')}>
                <Icon name="keypad" /> {texts.keypad.open}
              </button>
            )}
          </p>
        )}
        <Notes call={call} line={line} online={phone.state === 'online'} />
        <WaitingNote call={call} line={line} />
        <TransferredNote from={call} to={line.talk.handedOnTo} />
        {/* Seen and read out, but without a sound: somebody is talking. */}
        <div role="status" aria-live="polite">
          {waiting > 0 && (
            <button type="button" class="badge" onClick={() => setSheet('door')}>
              {texts.someoneAtDoor(waiting)}
            </button>
          )}
        </div>
      </header>
      <SelfView call={call} line={line} />
      <Controls
        call={call}
        line={line}
        online={phone.state === 'online'}
        openDevices={() => setSheet('devices')}
        openTransfer={mayTransfer(call, phone, line) ? () => setSheet('transfer') : undefined}
        whyNoTransfer={whyNoTransfer(call, phone, line)}
      />
      {sheet === 'facts' && <FactsDialog call={call} onClose={() => setSheet(undefined)} />}
      {sheet === 'keypad' && <KeypadDialog call={call} onClose={() => setSheet(undefined)} />}
      {sheet === 'door' && waiting > 0 && (
        <Dialog title={texts.requests} onClose={() => setSheet(undefined)}>
          <RequestList phone={phone} />
        </Dialog>
      )}
      {sheet === 'transfer' && (
        <TransferDialog call={call} phone={phone} line={line} onClose={() => setSheet(undefined)} />
      )}
      {sheet === 'devices' && (
        <DevicesDialog call={call} say={text => line.talk.say(text)} onClose={() => setSheet(undefined)} />
      )}
    </main>
  )
}

/** By the word of the other side's client; a phone that says none by what was agreed on. */
const peerSendsPicture = (call: Call): boolean => call.peerMedia?.camera ?? call.picture.receives

/** For a while after the other side's picture has come into a call that had none. */
function usePeerPictureIsNew(call: Call): boolean {
  const sends = peerSendsPicture(call)
  const taken = call.connectedAt !== undefined
  const before = useRef<boolean>(undefined)
  const [isNew, setNew] = useState(false)
  useEffect(() => {
    if (!taken) return
    const isBegun = before.current === false && sends
    before.current = sends
    setNew(isBegun)
    if (!isBegun) return
    const timer = setTimeout(() => setNew(false), newPictureMilliseconds)
    return () => clearTimeout(timer)
  }, [taken, sends])
  return isNew && sends
}

/** Our picture was offered a while ago and is neither taken nor refused: a phone may have to ask its person. */
function usePictureIsOffered(call: Call): boolean {
  const isOffered = call.cameraOn && call.connectedAt !== undefined && !call.picture.sends
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    setLong(false)
    if (!isOffered) return
    const timer = setTimeout(() => setLong(true), offeredMilliseconds)
    return () => clearTimeout(timer)
  }, [isOffered])
  return isOffered && isLong
}

/** What of microphone and camera was lost since the call began, as far as nothing took its place. */
function usePlugs(call: Call): readonly Loss[] {
  const [losses, setLosses] = useState<readonly Loss[]>([])
  useEffect(() => {
    const permission = new EventTarget()
    const plugs = new Plugs(call, {
      ...{ changed: setLosses, devices: navigator.mediaDevices as MediaDevices | undefined, permission },
      play: speaker =>
        void document
          .querySelector<HTMLVideoElement>('video.remote')
          ?.setSinkId?.(speaker)
          .catch(() => {}),
    })
    let isOver = false
    const query = navigator.permissions?.query({ name: 'microphone' as PermissionName })
    query
      ?.then(status => {
        status.onchange = () => isOver || permission.dispatchEvent(new Event('change'))
      })
      .catch(() => {})
    return () => {
      isOver = true
      plugs.stop()
    }
  }, [call])
  return losses
}

/** Sound and picture of the other side. One element for both, so that they stay in step. */
function RemoteMedia({
  call,
  shown,
  onPicture,
}: {
  readonly call: Call
  readonly shown: boolean
  readonly onPicture: (has: boolean) => void
}) {
  const video = useRef<HTMLVideoElement>(null)
  const stream = call.remoteStream
  useEffect(() => {
    const element = video.current
    if (element === null || stream === undefined) return
    element.srcObject = stream
    const { speaker } = chosenDevices()
    if (speaker) void element.setSinkId?.(speaker).catch(() => {})
    element.play().catch(() => {})
  }, [stream])
  const [full, setFull] = useState(false)
  const look = () => {
    const { videoWidth: width, videoHeight: height } = video.current!
    onPicture(width > 0)
    setFull(fills({ width, height }, { width: innerWidth, height: innerHeight }))
  }
  useLayoutEffect(() => {
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  return (
    // biome-ignore lint/a11y/useMediaCaption: a live conversation has no captions
    <video
      ref={video}
      class={`remote ${full ? 'full' : ''} ${shown ? '' : 'unseen'}`}
      aria-label={texts.remoteView(call.party.name)}
      autoplay
      playsinline
      onLoadedMetadata={look}
      onResize={look}
      onEmptied={() => onPicture(false)}
    />
  )
}

function SelfView({ call, line }: { readonly call: Call; readonly line: Line }) {
  const video = useRef<HTMLVideoElement>(null)
  const [cameras, setCameras] = useState<DeviceList['camera']>([])
  const track = call.localVideo
  useEffect(() => {
    if (video.current) video.current.srcObject = track ? new MediaStream([track]) : null
    void listDevices().then(list => setCameras(list.camera))
  }, [track])
  if (!track) return null
  const { deviceId = '', facingMode } = track.getSettings()
  const other = otherCamera(cameras, deviceId)
  const turn = () => {
    chooseDevice('camera', other!)
    call.setCamera(true, other).catch((error: unknown) => {
      if (error instanceof MediaError) line.talk.say(texts.problem[error.problem])
    })
  }
  return (
    <div class="self">
      <video
        ref={video}
        // A mirror is for one's own face; what lies in front of the other camera is to be read.
        class={facingMode === 'environment' ? '' : 'mirror'}
        aria-label={texts.selfView}
        autoplay
        playsinline
        muted
      />
      {other !== undefined && (
        <button type="button" aria-label={texts.otherCamera} title={texts.otherCamera} onClick={turn}>
          <Icon name="turn" />
        </button>
      )}
    </div>
  )
}

/** Since then, or since it is on the screen. */
function Timer({ since }: { readonly since?: number }) {
  const [shownAt] = useState(() => performance.now())
  const [now, setNow] = useState(shownAt)
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <span class="timer" role="timer">
      {clock(Math.max(0, now - (since ?? shownAt)) / 1_000)}
    </span>
  )
}

function statusText(call: Call): string {
  switch (call.state) {
    case 'calling':
      return texts.state.calling(call.party.name)
    case 'ringing':
      return texts.state.ringing(call.party.name)
    case 'connected':
    case 'connecting':
    case 'reconnecting':
    case 'preparing':
    case 'answering':
      return texts.state[call.state]
    default:
      return ''
  }
}

/** Whom it was for, where that is neither of the two who talk. */
function calledForText({ calledFor, direction, party }: Call): string {
  if (calledFor === undefined) return ''
  return texts[direction === 'outgoing' ? 'answeredFor' : 'calledThem'](party.name, calledFor.name)
}

/** What a person should know while it lasts. */
function Notes({
  call,
  line,
  online,
}: {
  readonly call: Call
  readonly line: Line
  readonly online: boolean
}) {
  const { name } = call.party
  const losses = usePlugs(call)
  const isPictureNew = usePeerPictureIsNew(call)
  const isOffered = usePictureIsOffered(call)
  const notes = [
    line.talk.notice,
    !online && texts.lineAway,
    call.relayRefusal && call.state !== 'connected' && texts.searching,
    call.muted && texts.youMuted,
    transferText(call),
    calledForText(call),
    ...line.talk.turnedAway.map(other => texts.calledMeanwhile(other.name, other.calledFor?.name)),
    ...losses.map(loss => texts.loss[loss](name)),
    ...call.problems.map(problem => texts.problem[problem]),
    isOffered && online && texts.pictureOffered(name),
    call.isPictureRefused && texts.pictureRefused(name),
    isPictureNew && !call.cameraOn && texts.pictureBegan(name),
    call.isHeld && texts.heldBy(name),
    call.peerMedia?.muted && !call.isHeld && texts.peerMuted(name),
    call.peerMedia?.testSource && texts.peerTestSource(name),
  ].filter(note => typeof note === 'string' && note !== '')
  return (
    // Around the list: an element has one role, and the list's is lost to who gives it another. What is new is read, not all.
    <div role="status" aria-live="polite" aria-atomic="false">
      <ul class="notes">
        {call.testSource && <li class="marked">{texts.testSource}</li>}
        {notes.map(note => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </div>
  )
}

function Controls({
  call,
  line,
  online,
  openDevices,
  openTransfer,
  whyNoTransfer,
}: {
  readonly call: Call
  readonly line: Line
  readonly online: boolean
  readonly openDevices: () => void
  /** Undefined: there is nobody to transfer them to. */
  readonly openTransfer: (() => void) | undefined
  readonly whyNoTransfer: string | undefined
}) {
  const hangUp = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!line.talk.isTransferred) hangUp.current?.focus({ preventScroll: true })
  }, [])
  const early = call.connectedAt === undefined && call.state !== 'connecting'
  /** Whose turn it is afterwards. */
  const back = line.talk.waiting?.party.name
  // What both have not agreed on yet is offered by the appliance.
  const needsLine = !call.cameraOn && !call.picture.sends && !early && !online
  const camera = () => {
    if (needsLine) return line.talk.say(texts.cameraNeedsLine)
    call.setCamera(!call.cameraOn, chosenDevices().camera).catch((error: unknown) => {
      if (error instanceof MediaError) line.talk.say(texts.problem[error.problem])
    })
  }
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
          act={camera}
          why={needsLine ? texts.cameraNeedsLine : undefined}
        />
      )}
      <Control name={texts.devices} icon="settings" off={false} act={openDevices} />
      {openTransfer && (
        <Control
          name={texts.transfer.openName(call.party.name)}
          label={texts.transfer.open}
          icon="transfer"
          off={false}
          act={whyNoTransfer === undefined ? openTransfer : () => line.talk.say(whyNoTransfer)}
          why={whyNoTransfer}
        />
      )}
      <button
        type="button"
        class="control danger"
        aria-label={back && texts.transfer.hangUpBack(call.party.name, back)}
        title={back && texts.transfer.hangUpBack(call.party.name, back)}
        onClick={() => call.hangUp()}
        ref={hangUp}
      >
        <span class="disc">
          <Icon name="hangUp" />
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
