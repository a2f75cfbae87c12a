const ignore = (): void => {}

/** Work that must happen one after the other, in the order of the calls. A failure is its caller's alone. */
export class Turns {
  #last = Promise.resolve()
  #waiting = 0

  /** Something runs or waits. */
  get isBusy(): boolean {
    return this.#waiting > 0
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++
    const turn = this.#last.then(async () => {
      try {
        return await work()
      } finally {
        this.#waiting--
      }
    })
    this.#last = turn.then(ignore, ignore)
    return turn
  }

  /** Resolves when everything that was taken until now is done. */
  done(): Promise<void> {
    return this.#last
  }
}

/** Runs `work` once at a time; all who ask while one runs share the one after it, which sees what they did before they asked. */
export class Shared {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  run(): Promise<void> {
    if (!this.#running) return this.#start()
    this.#next ??= this.#running.then(ignore, ignore).then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  #start(): Promise<void> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
