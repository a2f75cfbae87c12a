/** Where `npm start` writes: progress on stderr, results on stdout. */
export type ScreenOptions = {
  out: (text: string) => void
  err: (text: string) => void
  /** stderr is a terminal that understands escape codes: the status line is redrawn in place. */
  isLive: boolean
  hasColour: boolean
  format: 'text' | 'json'
  nowMs: () => number
}

export type Summary = {
  version: string
  dataDir: string
  pid: number
  readyMs: number
  steps: { name: string; ms: number }[]
  clusters: { name: string; bootstrapServers: string }[]
  kubeconfig: string
  commands: string[]
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Steps with ticks, then the block, then one status line. */
export class Screen {
  readonly #options: ScreenOptions
  readonly #steps: { name: string; ms: number }[] = []
  #status = ''

  constructor(options: ScreenOptions) {
    this.#options = options
  }

  get steps(): readonly { name: string; ms: number }[] {
    return this.#steps
  }

  /** Shows `name` with a tick and its milliseconds when `work` is done. Throws what it throws. */
  async step<T>(name: string, work: Promise<T> | (() => Promise<T>)): Promise<T> {
    const startMs = this.#options.nowMs()
    const result = await (typeof work === 'function' ? work() : work)
    const ms = Math.round(this.#options.nowMs() - startMs)
    this.#steps.push({ name, ms })
    this.#line(` ${this.#paint('32', '✓')} ${name.padEnd(22)} ${this.#paint('2', `${ms} ms`)}`)
    return result
  }

  note(text: string): void {
    this.#line(` ${this.#paint('33', '!')} ${text}`)
  }

  fail(text: string): void {
    this.#line(` ${this.#paint('31', '✗')} ${text}`)
  }

  /** The result: on stdout, so that a pipe gets this and nothing else. */
  summary(summary: Summary): void {
    this.#clear()
    if (this.#options.format === 'json') return this.#options.out(`${JSON.stringify(summary)}\n`)
    const label = (text: string): string => ` ${text.padEnd(12)}`
    const lines = [
      '',
      ` sofakafka local ${summary.version}   data ${summary.dataDir}   pid ${summary.pid}   ready in ${seconds(summary.readyMs)}`,
      ...summary.clusters.map(({ name, bootstrapServers }) => `${label(name)}${bootstrapServers}`),
      `${label('kubeconfig')}${summary.kubeconfig}`,
      ...summary.commands.map((command, index) => `${label(index === 0 ? 'try' : '')}${command}`),
      ` Ctrl-C stops everything and keeps the data`,
      '',
    ]
    this.#options.out(lines.join('\n'))
  }

  /** The line below everything, redrawn in place; elsewhere a line of its own whenever the text is new. */
  status(text: string): void {
    if (text === this.#status || this.#options.format === 'json') return
    if (this.#options.isLive) this.#options.err(`\r\x1b[2K ${text}`)
    else this.#options.err(` ${text}\n`)
    this.#status = text
  }

  goodbye(ms: number, dataDir: string): void {
    this.#line(` stopped in ${seconds(ms)}, data kept in ${dataDir}`)
  }

  #line(text: string): void {
    this.#clear()
    if (this.#options.format === 'text') this.#options.err(`${text}\n`)
  }

  #clear(): void {
    if (this.#options.isLive && this.#status !== '' && this.#options.format === 'text') this.#options.err('\r\x1b[2K')
    this.#status = ''
  }

  #paint(code: string, text: string): string {
    return this.#options.hasColour ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}
