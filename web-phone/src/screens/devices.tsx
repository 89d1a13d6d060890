import { useEffect, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { MediaError } from '../../../client/media.ts'
import { heardPeak } from '../check/judge-devices.ts'
import { type ChosenDevices, chooseDevice, chosenDevices, type DeviceList, listDevices } from '../devices.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Meter, useLoudness } from '../parts/meter.tsx'
import { texts } from '../texts.ts'

/** Microphone, camera and speaker; a choice takes effect at once and is kept. */
export function DevicesDialog({
  call,
  say,
  onClose,
}: {
  readonly call: Call
  readonly say: (text: string) => void
  readonly onClose: () => void
}) {
  const [list, setList] = useState<DeviceList>()
  const [chosen, setChosen] = useState(chosenDevices())
  useEffect(() => {
    const load = () => void listDevices().then(setList)
    load()
    navigator.mediaDevices?.addEventListener('devicechange', load)
    return () => navigator.mediaDevices?.removeEventListener('devicechange', load)
  }, [])
  const choose = (what: keyof ChosenDevices, id: string) => {
    chooseDevice(what, id)
    setChosen(chosenDevices())
    use(call, what, id).catch((error: unknown) => {
      if (error instanceof MediaError) say(texts.problem[error.problem])
    })
  }
  return (
    <Dialog title={texts.devices} onClose={onClose}>
      <div class="microphone">
        <Choice name={texts.microphone} what="microphone" list={list} chosen={chosen} choose={choose} />
        {!call.testSource && <Hearing key={call.localAudio?.id} call={call} />}
      </div>
      {call.video && <Choice name={texts.camera} what="camera" list={list} chosen={chosen} choose={choose} />}
      {'setSinkId' in HTMLMediaElement.prototype && (
        <Choice name={texts.speaker} what="speaker" list={list} chosen={chosen} choose={choose} />
      )}
    </Dialog>
  )
}

/** Whether the microphone that is chosen hears anything: a bar to see, a sentence to read or to be read out. */
function Hearing({ call }: { readonly call: Call }) {
  const level = useLoudness(call.localAudio)
  const [heard, setHeard] = useState(false)
  if (!heard && level !== undefined && level >= heardPeak) setHeard(true)
  // Pulled out, or the person's word was taken back: whoever speaks now is not heard.
  const isGone = call.localAudio?.readyState === 'ended'
  const words = isGone
    ? texts.hearing.gone
    : call.muted
      ? texts.hearing.muted
      : heard
        ? texts.hearing.yes
        : texts.hearing.notYet
  return (
    <>
      {level !== undefined && !isGone && <Meter level={level} />}
      <p class="lead" role="status">
        {level !== undefined && words}
      </p>
    </>
  )
}

async function use(call: Call, what: keyof ChosenDevices, id: string): Promise<void> {
  if (what === 'microphone') await call.useMicrophone(id)
  else if (what === 'camera' && call.cameraOn) await call.setCamera(true, id)
  else if (what === 'speaker') await document.querySelector<HTMLVideoElement>('video.remote')?.setSinkId?.(id)
}

function Choice({
  name,
  what,
  list,
  chosen,
  choose,
}: {
  readonly name: string
  readonly what: keyof ChosenDevices
  readonly list: DeviceList | undefined
  readonly chosen: ChosenDevices
  readonly choose: (what: keyof ChosenDevices, id: string) => void
}) {
  return (
    <label class="field">
      <span>{name}</span>
      <select value={chosen[what]} onChange={event => choose(what, event.currentTarget.value)}>
        <option value="">{texts.systemChoice}</option>
        {list?.[what].map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || texts.unnamed(name, index + 1)}
          </option>
        ))}
      </select>
    </label>
  )
}
