import { createInterface } from 'node:readline'
import { startJava } from './java.ts'

export type ToolResult = { code: number; output: string }

/** Apache's command-line tools of 2.6.3, in one JVM for all calls; calls run one after the other. */
export class ApacheTools {
  readonly #child = startJava(
    'kafka-2.6.3',
    'test/support/java/Tools.java',
    [],
    ['-Dlog4j.configuration=file:test/support/java/log4j.properties'],
  )
  readonly #answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  #tail: Promise<unknown> = Promise.resolve()

  /** `tool` is a class name, such as kafka.admin.TopicCommand. */
  run(tool: string, args: string[], input = ''): Promise<ToolResult> {
    const ran = this.#tail.then(async () => {
      this.#child.stdin.write(`${[tool, Buffer.from(input).toString('base64'), ...args].join('\t')}\n`)
      for (;;) {
        const { value, done } = await this.#answers.next()
        if (done) throw new Error(`the JVM of the tools ended while ${tool} ran`)
        const [, code, output] = /^(\d+) ([A-Za-z0-9+/=]*)$/.exec(value) ?? []
        if (code !== undefined) return { code: Number(code), output: Buffer.from(output!, 'base64').toString('utf8') }
      }
    })
    this.#tail = ran.catch(() => {})
    return ran
  }

  /** As `run`, and throws with the output when the tool fails. */
  async ok(tool: string, args: string[], input = ''): Promise<string> {
    const { code, output } = await this.run(tool, args, input)
    if (code !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${code}\n${output}`)
    return output
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
