/**
 * A disk in the states it went through, made of its first state and the log of its writes. One state is kept and moves
 * forward; what is looked at is a copy without the holes, the data partition by itself since that is where everything is written.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Piece, piecesOf, sectorBytes } from './cuts.ts'
import type { LoggedEntry, ReadBytes } from './write-log.ts'

/** Where the partition table has the first sector of the fourth partition (MBR). */
const fourthBegins = 446 + 3 * 16 + 8
const copyBytes = 1 << 20

export class DiskStates {
  /** Everything before the data partition: partition table, FAT, root slots. */
  readonly #front: string
  readonly #data: string
  readonly #dataBegins: number
  readonly #read: ReadBytes
  #entries = 0

  constructor(directory: string, image: string, diskBytes: number, read: ReadBytes) {
    this.#front = join(directory, 'front.img')
    this.#data = join(directory, 'data.img')
    this.#read = read
    this.#dataBegins = dataBeginsOf(image)
    const mebibytes = String(this.#dataBegins / copyBytes)
    copySparse(image, this.#front)
    execFileSync('dd', [
      ...[`if=${image}`, `of=${this.#data}`, 'bs=1M', `skip=${mebibytes}`],
      ...['conv=sparse', 'status=none'],
    ])
    resize(this.#front, this.#dataBegins)
    resize(this.#data, diskBytes - this.#dataBegins)
  }

  /** Forward only. */
  advance(entries: readonly LoggedEntry[], to: number): void {
    const pieces = entries.slice(this.#entries, to).flatMap(piecesOf)
    this.#apply(pieces, this.#data, this.#dataBegins)
    this.#apply(pieces, this.#front, 0, this.#dataBegins)
    this.#entries = Math.max(this.#entries, to)
  }

  /** The data partition with these written too. */
  copyData(pieces: readonly Piece[], to: string): void {
    copySparse(this.#data, to)
    this.#apply(pieces, to, this.#dataBegins)
  }

  /** What is before it. */
  copyFront(pieces: readonly Piece[], to: string): void {
    copySparse(this.#front, to)
    this.#apply(pieces, to, 0, this.#dataBegins)
  }

  touchesFront(pieces: readonly Piece[]): boolean {
    return pieces.some(({ offset }) => offset < this.#dataBegins)
  }

  /** The whole disk. */
  copyWhole(pieces: readonly Piece[], to: string): void {
    this.copyFront(pieces, to)
    const dataCopy = `${to}.data`
    this.copyData(pieces, dataCopy)
    const seek = `seek=${this.#dataBegins / copyBytes}`
    execFileSync('dd', [
      ...[`if=${dataCopy}`, `of=${to}`, 'bs=1M', seek],
      ...['conv=sparse,notrunc', 'status=none'],
    ])
    execFileSync('rm', [dataCopy])
  }

  /** Throws when the state is not that of `disk`, byte for byte. */
  mustBe(disk: string): void {
    // It knows of holes, which are most of both.
    const compare = (part: string, begins: number, length: number): void =>
      void execFileSync(
        'qemu-img',
        [
          ...['compare', '--image-opts', `driver=raw,file.driver=file,file.filename=${part}`],
          `driver=raw,offset=${begins},size=${length},file.driver=file,file.filename=${disk}`,
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
    compare(this.#front, 0, this.#dataBegins)
    compare(this.#data, this.#dataBegins, statSync(this.#data).size)
  }

  #apply(pieces: readonly Piece[], to: string, begins: number, ends = Number.POSITIVE_INFINITY): void {
    const file = openSync(to, 'r+')
    for (const { offset, length, from } of pieces) {
      if (offset < begins || offset >= ends) continue
      const bytes = this.#read(from, length)
      writeSync(file, bytes, 0, bytes.length, offset - begins)
    }
    closeSync(file)
  }
}

/** Where the data partition begins, in bytes. */
export function dataBeginsOf(image: string): number {
  const file = openSync(image, 'r')
  const number = Buffer.alloc(4)
  readSync(file, number, 0, 4, fourthBegins)
  closeSync(file)
  return number.readUInt32LE() * sectorBytes
}

/** Bytes of a file that may still grow. */
export function reader(file: number): ReadBytes {
  return (offset, length) => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, fstatSync(file).size - offset)))
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset))
  }
}

const copySparse = (from: string, to: string): void => void execFileSync('cp', ['--sparse=always', from, to])

function resize(path: string, bytes: number): void {
  const file = openSync(path, 'r+')
  ftruncateSync(file, bytes)
  closeSync(file)
}
