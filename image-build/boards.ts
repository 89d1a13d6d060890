/**
 * What each board needs of the image, from its schematics and device tree: checked in the files, never run on hardware.
 * A driver counts when the board's own device tree names the part and a module (or the kernel itself) claims that name.
 */
import { execFileSync } from 'node:child_process'

interface Part {
  readonly what: string
  /** As the device tree or the bus says it; `of:` names must be in the device tree too. */
  readonly alias: string
  /** Needed before the root file system is there. */
  readonly early?: boolean
}

interface Board {
  readonly name: string
  readonly deviceTree: string
  readonly parts: readonly Part[]
  readonly wifiFirmware: string
}

const of = (compatible: string): string => `of:N*T*C${compatible}`
const wifi = (chip: string): Part => ({ what: 'Wi-Fi', alias: `sdio:c*v02D0d${chip}*` })
const usbHost: Part = { what: 'USB', alias: of('brcm,bcm2835-usb'), early: true }
const sdHost: Part = { what: 'SD', alias: of('brcm,bcm2835-sdhost'), early: true }

const boards: readonly Board[] = [
  {
    name: 'Pi 3B',
    deviceTree: 'bcm2837-rpi-3-b.dtb',
    parts: [sdHost, usbHost, { what: 'Ethernet', alias: 'usb:v0424pEC00d*' }, wifi('A9A6')],
    wifiFirmware: 'brcmfmac43430-sdio.raspberrypi,3-model-b',
  },
  {
    name: 'Pi 3B+',
    deviceTree: 'bcm2837-rpi-3-b-plus.dtb',
    parts: [sdHost, usbHost, { what: 'Ethernet', alias: 'usb:v0424p7800d*' }, wifi('A9BF')],
    wifiFirmware: 'brcmfmac43455-sdio.raspberrypi,3-model-b-plus',
  },
  {
    name: 'Pi 4',
    deviceTree: 'bcm2711-rpi-4-b.dtb',
    parts: [
      { what: 'SD', alias: of('brcm,bcm2711-emmc2'), early: true },
      { what: 'Ethernet', alias: of('brcm,bcm2711-genet-v5') },
      wifi('A9BF'),
    ],
    wifiFirmware: 'brcmfmac43455-sdio.raspberrypi,4-model-b',
  },
  {
    name: 'Pi 5',
    deviceTree: 'bcm2712-rpi-5-b.dtb',
    parts: [
      { what: 'SD', alias: of('brcm,bcm2712-sdhci'), early: true },
      { what: 'PCIe', alias: of('brcm,bcm2712-pcie') },
      { what: 'RP1', alias: 'pci:v00001DE4d00000001*' },
      { what: 'RP1 clocks', alias: of('raspberrypi,rp1-clocks') },
      { what: 'RP1 pins', alias: of('raspberrypi,rp1-gpio') },
      { what: 'Ethernet', alias: of('raspberrypi,rp1-gem') },
      wifi('A9BF'),
    ],
    wifiFirmware: 'brcmfmac43455-sdio.raspberrypi,5-model-b',
  },
  {
    name: 'Zero 2 W',
    deviceTree: 'bcm2837-rpi-zero-2-w.dtb',
    parts: [sdHost, usbHost, wifi('A9A6')],
    wifiFirmware: 'brcmfmac43430-sdio.raspberrypi,model-zero-2-w',
  },
]

export interface BoardResult {
  readonly board: string
  readonly held: boolean
  readonly found: string
}

/** `directory` has modules.squashfs, initramfs.img and the device trees of the FAT partition; `root` is the squashfs. */
export function checkBoards(directory: string, root: string): BoardResult[] {
  const text = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'latin1', maxBuffer: 1 << 28 })
  const modules = `${directory}/modules.squashfs`
  const files = text('unsquashfs', '-l', modules).split('\n')
  const kernel = files.map(file => /^squashfs-root\/([^/]+)$/.exec(file)?.[1]).find(Boolean)!
  const cat = (name: string): string => text('unsquashfs', '-cat', modules, `${kernel}/${name}`)
  const aliases = cat('modules.alias').split('\n')
  const builtin = cat('modules.builtin.modinfo').split('\0')
  const early = text('sh', '-c', `zstd -dc ${directory}/initramfs.img | cpio -t --quiet`)
  const firmware = text('unsquashfs', '-l', root)
  return boards.map(board => {
    const tree = text('cat', `${directory}/${board.deviceTree}`)
    const found: string[] = []
    const missing: string[] = []
    for (const part of board.parts) {
      const compatible = /^of:N\*T\*C(.*)$/.exec(part.alias)?.[1]
      const module = aliases
        .map(line => /^alias (\S+) (\S+)$/.exec(line))
        .find(match => claims(match?.[1], part.alias))?.[2]
      const inKernel = builtin
        .map(line => /^(\S+?)\.alias=(.*)$/.exec(line))
        .find(match => claims(match?.[2], part.alias))?.[1]
      const file = module === undefined ? undefined : new RegExp(`/${module.replaceAll('_', '[-_]')}\\.ko`)
      const there =
        inKernel !== undefined ||
        (file !== undefined && files.some(each => file.test(each)) && (!part.early || file.test(early)))
      if (there && (compatible === undefined || tree.includes(compatible)))
        found.push(`${part.what} ${module ?? `${inKernel} (built in)`}`)
      else missing.push(`${part.what} (${part.alias})`)
    }
    const chip = board.wifiFirmware.split('-sdio')[0]
    for (const name of [`${board.wifiFirmware}.txt`, `${chip}-sdio.bin`])
      if (!firmware.includes(name)) missing.push(name)
    return {
      board: board.name,
      held: missing.length === 0,
      found: missing.length === 0 ? found.join(', ') : `missing: ${missing.join(', ')}`,
    }
  })
}

/** Whether a module's alias is for this name; both may hold asterisks. */
function claims(pattern: string | undefined, name: string): boolean {
  if (pattern === undefined) return false
  const plain = (text: string): string => text.replace(/\*+$/, '')
  const [given, wanted] = [plain(pattern), plain(name)]
  return (
    given === wanted ||
    new RegExp(`^${wanted.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}(C|\\*|$|[dis])`).test(
      given,
    )
  )
}
